"""What all tiny models share: steps of AdamW whose rate rises, then falls along a cosine."""

import math
from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import Tensor, nn

WARM_UP = 0.05
"""Share of the steps in which the rate rises."""

Batch = TypeVar("Batch")

OnStep = Callable[[int, int, float], None]
"""(steps done, steps in all, loss of the last one)"""


def fit(
    net: nn.Module,
    batches: Iterable[Batch],
    loss_of: Callable[[Batch], Tensor],
    *,
    steps: int,
    rate: float,
    on_step: OnStep | None = None,
) -> list[float]:
    """Train a network.

    Parameters
    ----------
    batches
        One per step.
    loss_of
        Loss of the network on a batch.
    rate
        Highest learning rate.

    Returns
    -------
    list
        The loss of each step.
    """
    net.train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _share(step, steps))
    losses = []
    for step, batch in enumerate(batches, start=1):
        loss = loss_of(batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if on_step is not None:
            on_step(step, steps, losses[-1])
    net.eval()
    return losses


def _share(step: int, steps: int) -> float:
    """Share of the highest rate at a step."""
    warm = max(1, round(WARM_UP * steps))
    return (step + 1) / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
