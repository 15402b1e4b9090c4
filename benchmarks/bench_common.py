"""What all topics of the benchmark share."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec

from bench_data import Data, Shard
from bench_report import Table, megabytes, seconds
from bench_runs import Figures, Work, fresh, measure, prepared

from provision_dagster.generators.generate import Settings
from provision_dagster.generators.registry import AnyGenerator, Generator, MultiGenerator, select_generators
from provision_dagster.generators.templates import shipped_templates

P = ParamSpec("P")

PLAIN_FAMILIES = ("qa_object", "qa_attribute", "qa_relation")
CAPTION = "SceneGraphCaption"
PAPER_FULL = Settings(rules="paper", mode="full")
STRICT_FULL = Settings(rules="strict", mode="full")
SAMPLED = Settings(rules="strict", mode="sampled")


@dataclass(frozen=True)
class Bench:
    """What all topics share.

    Parameters
    ----------
    images
        Images of the small runs (1,000); larger runs have 10, 100 and 108 times as many.
    say
        Told what is measured next.
    """

    data: Data
    images: int
    repeats: int
    quick: bool
    workers: int
    scratch: Path
    say: Callable[[str], None]

    @property
    def masked(self) -> int:
        """Images with masks among the small ones: a fifth, as in the totals of the reference."""
        return max(1, self.images // 5)


def existing() -> tuple[list[Generator], list[MultiGenerator]]:
    """Return the generators that are defined and have templates."""
    told = [g for g in select_generators() if g.name in shipped_templates()]
    return [g for g in told if isinstance(g, Generator)], [g for g in told if isinstance(g, MultiGenerator)]


def names(generators: Sequence[AnyGenerator], *, plain: bool = False) -> tuple[str, ...]:
    """Name the generators but the caption; `plain`: those that need neither masks nor descriptions."""
    return tuple(g.name for g in generators if g.name != CAPTION and (not plain or g.family in PLAIN_FAMILIES))


def run(bench: Bench, shards: Sequence[Shard], generators: Sequence[str], settings: Settings) -> Figures:
    """Measure in a new process."""
    work = Work(tuple(shards), tuple(generators), settings, bench.data.words)
    bench.data.make(shards, workers=bench.workers)
    known = prepared(work, scratch=bench.scratch)
    return fresh(measure, work, known, repeats=bench.repeats, scratch=bench.scratch)


def attempted(table: Table, label: str, row: Callable[P, Sequence[str]], *args: P.args, **kwargs: P.kwargs) -> bool:
    """Add a row, or one that says why there are no figures; tell whether there are."""
    try:
        table.rows.append(row(*args, **kwargs))
    except Exception as error:  # one broken generator must not cost the figures of the others
        traceback.print_exception(error)
        message = f"failed: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        table.rows.append([label, message, *[""] * (len(table.columns) - 2)])
        return False
    return True


def told_met(met: bool) -> str:
    """Say whether a target is met."""
    return "met" if met else "not met"


def run_cells(found: Figures) -> list[str]:
    """Return the last cells of a row of the targets."""
    sizes = [megabytes(found.before), megabytes(found.peak)]
    return [f"{found.images:,}", f"{found.qa:,}", seconds(found.first), seconds(found.best), *sizes]
