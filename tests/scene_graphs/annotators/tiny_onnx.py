"""ONNX files made on the spot: a model whose output is known."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def constant_model(path: Path, output: np.ndarray, *, height: int, width: int) -> Path:
    """Write a model that takes a picture (1, 3, height, width) and gives `output`, whatever the picture."""
    taken = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, height, width])
    given = helper.make_tensor_value_info("output", TensorProto.FLOAT, list(output.shape))
    value = helper.make_node(
        "Constant", [], ["c"], value=numpy_helper.from_array(output.astype(np.float32), name="value")
    )
    nothing = helper.make_node("ReduceSum", ["images"], ["s"], keepdims=0)
    zero = helper.make_node("Sub", ["s", "s"], ["z"])
    whole = helper.make_node("Add", ["c", "z"], ["output"])
    graph = helper.make_graph([value, nothing, zero, whole], "constant", [taken], [given])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


def averaging_model(path: Path, *, height: int, width: int) -> Path:
    """Write a model whose map (1, 1, height, width) is the mean of the picture's channels."""
    taken = helper.make_tensor_value_info("rgb", TensorProto.FLOAT, [1, 3, height, width])
    given = helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 1, height, width])
    mean = helper.make_node("ReduceMean", ["rgb"], ["depth"], axes=[1], keepdims=1)
    graph = helper.make_graph([mean], "mean", [taken], [given])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def tiny_annotators(
    folder: Path, *, threshold: float = 0.3, larger: str = "farther", depth: tuple[int, int] = (8, 8)
) -> Path:
    """Write a detector that finds one dog of 8 x 8 pixels at the top left of its frame, and a depth model."""
    raw = np.zeros((1, 84, 7))
    raw[0, 0] = [0.5, 0.5, 0, 0, 0.9, 0.0, 1.0]
    constant_model(folder / "yolox.onnx", raw, height=64, width=64)
    averaging_model(folder / "depth.onnx", height=depth[0], width=depth[1])
    (folder / "labels.txt").write_text("cup\ndog\n")
    file = folder / "annotators.yaml"
    file.write_text(
        f"detections: {{kind: yolox-onnx, weights: yolox.onnx, labels: labels.txt, score_threshold: {threshold}}}\n"
        f"depth_maps: {{kind: depth-onnx, weights: depth.onnx, larger: {larger}}}\n"
        "batch: 3\n"
    )
    return file
