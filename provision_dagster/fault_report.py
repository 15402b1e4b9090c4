"""What `provision faults` tells: a table of faults and one of losses, as Markdown and JSON."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from provision_dagster.fault_thresholds import Threshold
from provision_dagster.filters.faults.tally import Caught, Lost

FAULTS = ("fault", "injected", "found by", "caught", "other rules", "missed", "at least", "")
LOSSES = ("rule", "good questions", "lost", "allowed", "")


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Attributes
    ----------
    scenes, calibration
        Rendered scenes of the data set, and others that thresholds are chosen on.
    share
        Of the questions that a kind of fault can befall, so many get it.
    recall
        Share of true questions that each threshold keeps.
    """

    scenes: int = 200
    calibration: int = 100
    share: float = 0.1
    recall: float = 0.95
    seed: int = 0
    shard_size: int = 50


@dataclass
class FaultReport:
    """What was found, kind by kind; what was lost, rule by rule."""

    order: Order
    caught: list[Caught] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    thresholds: dict[str, Threshold] = field(default_factory=dict)
    questions: int = 0
    good: int = 0

    @property
    def passed(self) -> bool:
        """Whether every kind of fault was found and no more was lost than may be."""
        return all(one.passed for one in self.caught) and all(one.passed for one in self.lost)


def fault_cells(one: Caught) -> tuple[str, ...]:
    """One row of the table of faults."""
    counts = (f"{n:,}" for n in (one.caught, one.others, one.missed))
    return (one.fault, f"{one.injected:,}", one.by, *counts, f"{one.at_least:,.1f}", _verdict(one.passed))


def loss_cells(one: Lost) -> tuple[str, ...]:
    """One row of the table of losses."""
    return (one.rule, f"{one.good:,}", f"{one.lost:,}", f"{one.allowed:,.1f}", _verdict(one.passed))


def _verdict(passed: bool) -> str:
    return "ok" if passed else "FAILED"


def remarks(found: FaultReport) -> list[str]:
    """Say how thresholds were chosen, and what checks told."""
    order = found.order
    lines = [
        f"{found.questions:,} questions about {order.scenes} scenes, {found.good:,} of them good; seed {order.seed}; "
        f"of the questions that a fault can befall {order.share:.0%} have it."
    ]
    for rule, threshold in found.thresholds.items():
        caught = ", ".join(f"{rate.share:.1%} of {rate.rows} ({fault})" for fault, rate in threshold.false.items())
        lines.append(
            f"{rule}: threshold {threshold.value:.4f}, chosen on {order.calibration} other scenes to keep "
            f"{order.recall:.0%} of {threshold.true.rows} true questions; it rejects {caught} there; "
            f"ROC AUC {threshold.auc:.3f}."
        )
    return lines + [f"{one.by}: {one.found}." for one in found.caught if one.found]


def markdown(found: FaultReport) -> str:
    """Both tables and the remarks as Markdown."""
    parts = [
        _table(FAULTS, [fault_cells(one) for one in found.caught]),
        _table(LOSSES, [loss_cells(one) for one in found.lost]),
        "\n".join(f"- {line}" for line in remarks(found)),
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def write_report(found: FaultReport, out: Path) -> list[Path]:
    """Write `faults.md` and `faults.json`."""
    files = [out / "faults.md", out / "faults.json"]
    files[0].write_text(markdown(found), encoding="utf-8")
    told = {
        "passed": found.passed,
        "order": asdict(found.order),
        "questions": found.questions,
        "good": found.good,
        "thresholds": {rule: asdict(threshold) for rule, threshold in found.thresholds.items()},
        "faults": [one.told() for one in found.caught],
        "losses": [one.told() for one in found.lost],
    }
    files[1].write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return files
