"""A CLIP of open_clip that learns to name colors, some hundred thousand weights, saved as real ones are."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file

COLORS = {
    "red": (220, 30, 30), "green": (30, 180, 50), "blue": (30, 60, 220), "yellow": (230, 220, 40),
    "white": (245, 245, 245), "black": (10, 10, 10),
}  # fmt: skip
ARCHITECTURE: dict[str, Any] = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16},
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
PREPARED = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "resize_mode": "squash"}
WEIGHTS = "open_clip_model.safetensors"


def plain(color: str, *, width: int = 80, height: int = 60, seed: int = 0) -> NDArray[np.uint8]:
    """Draw a picture of one color, with some noise."""
    noise = np.random.default_rng(seed).normal(0, 8, (height, width, 3))
    return np.clip(np.array(COLORS[color]) + noise, 0, 255).astype(np.uint8)


def clip(folder: Path, *, trained: bool = True) -> Path:
    """Save the model as a folder with open_clip_config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": ARCHITECTURE, "preprocess_cfg": PREPARED}), encoding="utf-8"
    )
    save_file(_trained() if trained else _made().state_dict(), folder / WEIGHTS)
    return folder


def _made() -> open_clip.CLIP:
    torch.manual_seed(5)
    return open_clip.CLIP(**ARCHITECTURE)


@cache
def _trained() -> dict[str, torch.Tensor]:
    """Learn which word goes with which color, as CLIP does: each picture with its text, against the others."""
    model, prepare = _made(), open_clip.image_transform(32, is_train=False, mean=(0.5,) * 3, std=(0.5,) * 3)
    texts = open_clip.SimpleTokenizer(context_length=12)([f"a photo of a {name}" for name in COLORS])
    steps = torch.optim.Adam(model.parameters(), lr=2e-3)
    truth = torch.arange(len(COLORS))
    for step in range(60):
        drawn = [plain(name, seed=step * 10 + place) for place, name in enumerate(COLORS)]
        pictures = torch.stack([prepare(Image.fromarray(one)) for one in drawn])
        seen, read, scale = model(pictures, texts)
        likeness = scale * seen @ read.T
        loss = torch.nn.functional.cross_entropy(likeness, truth) + torch.nn.functional.cross_entropy(likeness.T, truth)
        steps.zero_grad()
        loss.backward()
        steps.step()
    return {name: weights.clone() for name, weights in model.state_dict().items()}
