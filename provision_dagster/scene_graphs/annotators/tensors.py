"""Pictures as tensors on their way to a device: made by many threads, moved while the device works."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from provision_dagster.scene_graphs.annotators.hub import torch_module
from provision_dagster.scene_graphs.annotators.side_by_side import on_cores

if TYPE_CHECKING:
    import torch


def for_device(tensor: Any, *, device: "torch.device", dtype: Any) -> Any:
    """Bring one picture into the model's numbers, and into memory from which a GPU can read it by itself."""
    tensor = tensor.to(dtype)
    return tensor.pin_memory() if device.type == "cuda" else tensor


def stacked(tensors: Sequence[Any], *, device: "torch.device") -> Any:
    """Lay pictures one behind the other on the device."""
    return torch_module().stack([tensor.to(device, non_blocking=True) for tensor in tensors])


def spread(run: Callable[[Sequence[Any]], Sequence[Any]], ready: Sequence[Any], *, device: "torch.device") -> list[Any]:
    """Run a model on pictures: at once on a GPU, side by side on the cores of a processor."""
    return on_cores(run, ready) if device.type == "cpu" else list(run(ready))
