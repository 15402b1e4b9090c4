"""A CLIP written as a folder that open_clip loads: configuration, half-precision weights, tokenizer."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from provision_dagster.scene_graphs.annotators.clip_weights import CONFIG

WEIGHTS = "open_clip_model.safetensors"


def write_clip(
    net: nn.Module, folder: Path, *, architecture: dict[str, Any], tokenizer: Any, mean: Any, std: Any
) -> Path:
    """Write a CLIP; its weights are kept in 16 bits.

    Parameters
    ----------
    architecture
        Arguments of `open_clip.CLIP`.
    tokenizer
        Of transformers.
    mean, std
        How the channels of pictures are brought into range.

    Returns
    -------
    Path
        The file of weights.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    prepared = {"mean": list(mean), "std": list(std), "resize_mode": "squash", "interpolation": "bicubic"}
    settings = {"model_cfg": architecture, "preprocess_cfg": prepared}
    (folder / CONFIG).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    halves = {name: _half(values) for name, values in net.state_dict().items()}
    save_file(halves, folder / WEIGHTS)
    tokenizer.save_pretrained(folder)
    return folder / WEIGHTS


def _half(values: torch.Tensor) -> torch.Tensor:
    return values.half().contiguous() if values.is_floating_point() else values.contiguous()
