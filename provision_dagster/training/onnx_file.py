"""Networks of `nets` written as ONNX files, with half-precision weights: small enough to keep in a repository."""

import operator
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from provision_dagster.errors import MissingExtraError
from provision_dagster.training.nets import Block

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

OPSET = 17
IR_VERSION = 8


def write_onnx(net: nn.Module, path: Path, *, size: tuple[int, int]) -> Path:
    """Write a trained network: pictures (n, 3, height, width) in, one tensor out, any n.

    Weights are kept in 16 bits and computed with in 32; batch normalization becomes part of the convolutions.

    Parameters
    ----------
    size
        Height and width of the pictures.

    Raises
    ------
    MissingExtraError
        When the package onnx is not installed.
    """
    try:
        import onnx
        from onnx import helper
    except ImportError as error:
        raise MissingExtraError("models", needs="onnx") from error
    writer = _Writer(net)
    found = writer.write()
    with torch.no_grad():
        shape = net(torch.zeros(1, 3, *size)).shape
    float32 = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        writer.nodes,
        type(net).__name__,
        [helper.make_tensor_value_info("pictures", float32, ["n", 3, *size])],
        [helper.make_tensor_value_info(found, float32, ["n", *shape[1:]])],
        writer.tensors,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="provision_dagster"
    )
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return path


class _Tracer(fx.Tracer):  # type: ignore[misc, unused-ignore]
    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        """Keep a block as one step."""
        return isinstance(module, Block) or super().is_leaf_module(module, name)


class _Writer:
    """Nodes and tensors of an ONNX graph, one step of the traced network after the other."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net.eval()
        self.nodes: list[NodeProto] = []
        self.tensors: list[TensorProto] = []

    def write(self) -> str:
        """Fill nodes and tensors; return the name of what the network gives."""
        for step in _Tracer().trace(self.net).nodes:
            inputs = [str(one.name) for one in step.all_input_nodes]
            if step.op == "call_module":
                self._module(step.target, step.name, inputs)
            elif step.op == "output":
                return inputs[0]
            elif step.op in ("call_function", "call_method"):
                FUNCTIONS[step.target](self, step, inputs)
        raise AssertionError("a traced network has an output")

    def node(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> None:
        """Add a step."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))

    def constant(self, values: NDArray[Any], name: str) -> str:
        """Add a constant as it is."""
        from onnx import numpy_helper

        self.tensors.append(numpy_helper.from_array(values, name))
        return name

    def _weight(self, values: torch.Tensor, name: str) -> str:
        """Add weights in 16 bits, and the step that widens them when the file is loaded; once, however often used."""
        from onnx import TensorProto

        if all(tensor.name != f"{name}_16" for tensor in self.tensors):
            self.constant(values.detach().contiguous().numpy().astype(np.float16), f"{name}_16")
            self.node("Cast", [f"{name}_16"], name, to=TensorProto.FLOAT)
        return name

    def _module(self, target: str, name: str, inputs: list[str]) -> None:
        module = self.net.get_submodule(target)
        if isinstance(module, Block):
            self._convolution(fuse_conv_bn_eval(module.conv, module.norm), target, f"{name}_conv", inputs)
            self.node("Relu", [f"{name}_conv"], name)
        elif isinstance(module, nn.Conv2d):
            self._convolution(module, target, name, inputs)
        elif isinstance(module, nn.Upsample):
            scales = self.constant(np.array([1, 1, 2, 2], np.float32), f"{name}_scales")
            options = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
            self.node("Resize", [*inputs, "", scales], name, mode="nearest", **options)
        else:
            raise NotImplementedError(f"no ONNX step for {type(module).__name__}")

    def _convolution(self, conv: nn.Conv2d, target: str, name: str, inputs: list[str]) -> None:
        assert conv.bias is not None
        weights = [self._weight(conv.weight, f"{target}.weight"), self._weight(conv.bias, f"{target}.bias")]
        pads = [*conv.padding, *conv.padding]
        options = {"kernel_shape": list(conv.kernel_size), "strides": list(conv.stride), "pads": pads}
        self.node("Conv", [*inputs, *weights], name, group=conv.groups, **options)


def _arithmetic(kind: str) -> Callable[[_Writer, fx.Node, list[str]], None]:
    def write(writer: _Writer, step: fx.Node, inputs: list[str]) -> None:
        if len(inputs) == 1:  # the other one is a number
            number = np.asarray(step.args[1], dtype=np.float32)
            inputs = [*inputs, writer.constant(number, f"{step.name}_by")]
        writer.node(kind, inputs, step.name)

    return write


def _flatten(writer: _Writer, step: fx.Node, inputs: list[str]) -> None:
    """Two first axes stay, the others become one."""
    shape = writer.constant(np.array([0, 0, -1], np.int64), f"{step.name}_shape")
    writer.node("Reshape", [*inputs, shape], step.name)


FUNCTIONS: dict[Any, Callable[[_Writer, fx.Node, list[str]], None]] = {
    operator.add: _arithmetic("Add"),
    operator.sub: _arithmetic("Sub"),
    operator.mul: _arithmetic("Mul"),
    torch.cat: lambda writer, step, inputs: writer.node("Concat", inputs, step.name, axis=step.args[1]),
    torch.sigmoid: lambda writer, step, inputs: writer.node("Sigmoid", inputs, step.name),
    torch.flatten: _flatten,
    "transpose": lambda writer, step, inputs: writer.node("Transpose", inputs, step.name, perm=[0, 2, 1]),
}
"""How each function of the networks is written."""
