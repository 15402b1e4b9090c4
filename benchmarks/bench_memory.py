"""A batch that does not fit into the memory of a device is halved until it does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from bench_cases import Case
from bench_feed import Subject, annotate, loaded

BATCH = 32
"""Pictures of a call, four times as many as fit."""


@dataclass(frozen=True)
class Halving:
    """What became of too large a batch; `limit`: bytes that torch might use, 0 where the limit was simulated."""

    asked: int
    fits: int
    pictures: int
    failed: int
    rate: float
    limit: int


def halving(case: Case, folder: Path, device: str, images: pl.DataFrame, scratch: Path) -> Halving:
    """Annotate pictures with a batch of which a quarter fits into memory."""
    subject = loaded(case, case.annotators(folder, device=device, batch=BATCH), images, scratch)
    limit = _limited(subject, device) if device.startswith("cuda") else _simulated(subject.annotator)
    number = 4 * BATCH
    work, seconds = annotate(subject, number)
    return Halving(BATCH, work.batch, work.pictures, work.failed, number / seconds, limit)


def _limited(subject: Subject, device: str) -> int:
    """Let torch have as much memory as a quarter of the batch needs, and half as much of it again."""
    import torch

    own = torch.cuda.memory_allocated(device)
    quarter = [subject.annotator.prepare(subject.given(row))[0] for row in range(BATCH // 4)]
    subject.annotator.forward(quarter)
    torch.cuda.reset_peak_memory_stats(device)
    subject.annotator.forward(quarter)
    limit = own + (torch.cuda.max_memory_reserved(device) - own) * 3 // 2
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(limit / torch.cuda.get_device_properties(device).total_memory, device)
    return int(limit)


def _simulated(annotator: Any) -> int:
    """Raise what torch raises, for more than a quarter of the batch."""
    import torch

    forward = annotator.forward

    def limited(ready: list[Any]) -> list[Any]:
        if len(ready) > BATCH // 4:
            raise torch.OutOfMemoryError("CUDA out of memory (simulated)")
        return forward(ready)  # type: ignore[no-any-return]

    annotator.forward = limited
    return 0
