"""A judge written as a folder that transformers loads: configuration, half-precision weights, processor."""

from pathlib import Path
from typing import Any

import torch

from provision_dagster.training.judge_nets import judge_processor

WEIGHTS = "model.safetensors"


def write_judge(net: Any, folder: Path, *, tokenizer: Any) -> Path:
    """Write a judge; its weights are kept in 16 bits.

    Parameters
    ----------
    net
        A `FastVlmForConditionalGeneration`; its own weights become 16 bits wide.

    Returns
    -------
    Path
        The file of weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    net.generation_config.pad_token_id = tokenizer.pad_token_id
    net.generation_config.eos_token_id = tokenizer.eos_token_id
    net.to(torch.float16).save_pretrained(folder)
    judge_processor(tokenizer).save_pretrained(folder)
    (folder / WEIGHTS).chmod(0o644)
    return folder / WEIGHTS
