"""Two tiny networks of convolutions: a detector with YOLOX's heads and an encoder-decoder for maps."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

STRIDES = (8, 16, 32)
"""Pixels between the places of the detector's heads, as `annotators.yolox` decodes them."""


class Block(nn.Module):
    """Convolution, batch normalization, ReLU: one convolution and ReLU once it is written to a file."""

    def __init__(self, inside: int, outside: int, kernel: int = 3, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outside)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inside, h, w) to (n, outside, h / stride, w / stride)."""
        return torch.relu(self.norm(self.conv(x)))


class Residual(nn.Module):
    """A narrow pair of blocks around which the input is carried."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.narrow = Block(channels, channels // 2, 1)
        self.wide = Block(channels // 2, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        added: Tensor = x + self.wide(self.narrow(x))
        return added


def down(inside: int, outside: int, blocks: int = 1) -> nn.Sequential:
    """Halve the resolution."""
    return nn.Sequential(Block(inside, outside, stride=2), *(Residual(outside) for _ in range(blocks)))


class Detector(nn.Module):
    """Anchor-free detector with the raw head output of YOLOX (Ge et al., arXiv 2107.08430).

    Input (n, 3, height, width): BGR 0 .. 255, letterboxed. Output (n, places, 4 + 1 + classes): offset of the centre
    from its place in strides, logarithm of the sides in strides, objectness, and a score of each class.
    """

    def __init__(self, classes: int, *, width: int = 48) -> None:
        super().__init__()
        self.stem = nn.Sequential(Block(3, width // 4, stride=2), Block(width // 4, width // 2, stride=2))
        channels = (width, width * 4 // 3, width * 2)
        self.stages = nn.ModuleList(
            down(inside, outside) for inside, outside in zip((width // 2, *channels), channels, strict=False)
        )
        self.lateral = nn.ModuleList(Block(outside, width, 1) for outside in channels)
        self.smooth = nn.ModuleList(Block(width, width) for _ in channels)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.where = Block(width, width)
        self.what = Block(width, width)
        self.box = nn.Conv2d(width, 4, 1)
        self.scores = nn.Conv2d(width, 1 + classes, 1)
        # as rare as objects are: the loss of the empty places does not drown the start (RetinaNet, section 4.1)
        nn.init.constant_(self.scores.bias, -math.log(99))  # type: ignore[arg-type]

    def heads(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return offsets and sides, (n, 4, places), and logits of objectness and classes, (n, 1 + classes, places)."""
        x = self.stem((pictures - 114.0) * (1 / 64))  # the grey of letterboxing becomes the zero of the borders
        levels = []
        for stage, lateral in zip(self.stages, self.lateral, strict=True):
            x = stage(x)
            levels.append(lateral(x))
        levels[1] = levels[1] + self.up(levels[2])
        levels[0] = levels[0] + self.up(levels[1])
        boxes, scores = [], []
        for level, smooth in zip(levels, self.smooth, strict=True):
            features = smooth(level)
            boxes.append(torch.flatten(self.box(self.where(features)), 2))
            scores.append(torch.flatten(self.scores(self.what(features)), 2))
        return torch.cat(boxes, 2), torch.cat(scores, 2)

    def forward(self, pictures: Tensor) -> Tensor:
        """Give the raw head output."""
        boxes, scores = self.heads(pictures)
        return torch.cat([boxes, torch.sigmoid(scores)], 1).transpose(1, 2)


class OneMap(nn.Module):
    """Encoder-decoder: pictures (n, 3, height, width), as ImageNet's are normalized, to one map at half that size.

    Sides are multiples of 32. Output (n, 1, height / 2, width / 2): closeness about 0 (infinitely far) .. 1 (as near as
    anything is), or logits of being the object in the middle, by what it is trained for.
    """

    def __init__(self, width: int = 12) -> None:
        super().__init__()
        channels = (width, 2 * width, 3 * width, 4 * width, 6 * width)
        self.stages = nn.ModuleList(
            Block(inside, outside, stride=2) if place < 2 else down(inside, outside)
            for place, (inside, outside) in enumerate(zip((3, *channels), channels, strict=False))
        )
        self.lateral = nn.ModuleList(Block(outside, inside, 1) for inside, outside in pairwise(channels))
        self.smooth = nn.ModuleList(Block(inside, inside) for inside in channels[:-1])
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.last = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Draw the map."""
        levels = []
        x = pictures
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        for place in reversed(range(len(self.lateral))):
            x = self.smooth[place](levels[place] + self.up(self.lateral[place](x)))
        return self.last(x)  # type: ignore[no-any-return]
