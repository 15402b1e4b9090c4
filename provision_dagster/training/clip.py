"""A tiny CLIP of open_clip that knows rendered objects: which words are true of a part of a picture.

Its loss is that of SigLIP (Zhai et al., arXiv 2303.15343), each pair of part and text for itself, so that similarities
of different objects can be held against one threshold. Beside the texts of other objects, each object has one of which
one word has been changed (as in NegCLIP: Yuksekgonul et al., arXiv 2210.01936).
"""

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from provision_dagster.filters.region_text_model import crop
from provision_dagster.samples.rendering.raster import Raster
from provision_dagster.samples.rendering.truth import visible_boxes
from provision_dagster.scene_graphs.annotators.hub import open_clip_module
from provision_dagster.training.expressions import TERMS, Terms, corrupted, some_of, terms_of, wording_of
from provision_dagster.training.fitting import OnStep, fit
from provision_dagster.training.scenes import Progress, batches, training_scenes
from provision_dagster.training.word_tokenizer import word_tokenizer, words_of

SIDE = 64
"""Pixels; any part of a picture is squeezed into this square."""
CONTEXT = 20
"""Tokens of a text."""
BATCH = 128
RATE = 2e-3
MARGIN = 0.15
"""A part is the object's box and up to so much of its sides beyond it."""
PROMPTS = ("{}", "a {}", "a photo of a {}", "the {} in the picture")
MEAN = DEVIATION = (0.5, 0.5, 0.5)

PLACES = {word: place for place, word in enumerate(TERMS)}

Parts = NDArray[np.uint8]


@dataclass(frozen=True)
class Objects:
    """Parts of pictures, shape (n, SIDE, SIDE, 3), and all that is true of what they show."""

    parts: Parts
    terms: list[Terms]


def tokenizer() -> Any:
    """Make the tokenizer: the words of the renderer and of the prompts."""
    texts = [*TERMS, ",", "and", "that is", *(prompt.replace("{}", "") for prompt in PROMPTS)]
    return word_tokenizer(words_of(texts, lower=True), lower=True, framed=True)


def architecture() -> dict[str, Any]:
    """Arguments of open_clip's CLIP: a narrow residual network (as CLIP's RN50) and a transformer of two layers."""
    return {
        "embed_dim": 64,
        "vision_cfg": {"image_size": SIDE, "layers": [1, 1, 1, 1], "width": 10, "head_width": 64, "patch_size": None},
        "text_cfg": {
            "context_length": CONTEXT,
            "vocab_size": len(tokenizer()),
            "hf_tokenizer_name": "words",
            "width": 64,
            "heads": 4,
            "layers": 2,
        },
        "init_logit_scale": float(np.log(10)),
        "init_logit_bias": -5.0,
    }


def objects_of(raster: Raster) -> Objects:
    """Cut out the objects of a scene."""
    shaken = np.random.default_rng(int(raster.depth.sum(dtype=np.int64)))
    boxes = visible_boxes(raster).astype(np.float64)
    size = np.tile(boxes[:, 2:] - boxes[:, :2], 2) * (-1, -1, 1, 1)
    wider = boxes + shaken.uniform(0, MARGIN, (len(boxes), 1)) * size
    limit = np.tile(raster.image.size, 2)
    parts = [_part(raster.image, box) for box in np.clip(wider, 0, limit)]
    return Objects(np.stack(parts), [terms_of(item) for item in raster.items])


def _part(picture: Image.Image, box: NDArray[np.float64]) -> Parts:
    part = Image.fromarray(crop(np.asarray(picture), box))
    return np.asarray(part.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def train_clip(
    *, scenes: int, passes: int, seed: int, progress: Progress | None = None, on_step: OnStep | None = None
) -> tuple[nn.Module, list[float]]:
    """Train a CLIP on the objects of rendered scenes.

    Parameters
    ----------
    scenes
        Scenes to learn from, each with all its objects.
    passes
        How often each object is seen, each time with other texts.
    seed
        The same seed gives the same weights on one machine with one number of threads.

    Returns
    -------
    tuple
        The network (an `open_clip.CLIP`), and the loss of each step.
    """
    samples = training_scenes(objects_of, n=scenes, seed=seed, progress=progress)
    parts = np.concatenate([one.parts for one in samples])
    terms = [said for one in samples for said in one.terms]
    true = torch.from_numpy(np.stack([_marks(said) for said in terms]))
    torch.manual_seed(seed)
    net = open_clip_module().CLIP(**architecture())
    read, rng = tokenizer(), random.Random(seed)

    def loss_of(batch: tuple[NDArray[np.intp], NDArray[np.bool_]]) -> Tensor:
        order, mirrored = batch
        said = [some_of(terms[place], rng) for place in order]
        said += [corrupted(one, rng).terms for one in said]
        texts = [rng.choice(PROMPTS).replace("{}", wording_of(one, rng)) for one in said]
        tokens = read(texts, padding="max_length", truncation=True, max_length=CONTEXT, return_tensors="pt")
        claims = torch.from_numpy(np.stack([_marks(one) for one in said]))
        logits, _ = net.get_logits(as_pixels(_mirrored(parts[order], mirrored)), tokens["input_ids"])
        return _loss(logits, _holds(true[order], claims))

    steps = max(1, len(parts) * passes // BATCH)
    drawn = batches(len(parts), size=BATCH, steps=steps, seed=seed)
    return net, fit(net, drawn, loss_of, steps=steps, rate=RATE, on_step=on_step)


def as_pixels(parts: Parts) -> Tensor:
    """Bring parts to the range of the network, shape (n, 3, SIDE, SIDE)."""
    pixels = torch.from_numpy(np.ascontiguousarray(parts)).permute(0, 3, 1, 2).float() / 255
    return (pixels - MEAN[0]) / DEVIATION[0]


def _mirrored(parts: Parts, mirrored: NDArray[np.bool_]) -> Parts:
    parts[mirrored] = parts[mirrored][:, :, ::-1]
    return parts


def _marks(terms: Terms) -> NDArray[np.float32]:
    """Which of all terms these are, shape (terms,)."""
    marks = np.zeros(len(TERMS), np.float32)
    marks[[PLACES[word] for word in terms]] = 1
    return marks


def _holds(true: Tensor, claims: Tensor) -> Tensor:
    """Whether all that a text claims is true of an object, shape (objects, texts)."""
    return ((1 - true) @ claims.T == 0).float()


def _loss(logits: Tensor, holds: Tensor) -> Tensor:
    """Cross-entropy of each pair: a third each for what is true, what is wrong by one word, and all other pairs."""
    each = functional.binary_cross_entropy_with_logits(logits, holds, reduction="none")
    count = len(logits)
    near = each[:, count:].diagonal()
    far = each * (1 - holds)
    return (each * holds).sum() / holds.sum() + near.mean() + 4 * far.sum() / (1 - holds).sum()
