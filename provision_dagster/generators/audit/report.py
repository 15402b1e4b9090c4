"""What an audit found: figures per generator, reasons, examples."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from provision_dagster.generators.audit.blind import CHOICES, blind_accuracy
from provision_dagster.generators.audit.verdict import KINDS, Fault

MOST_EXAMPLES = 50
"""Examples kept per generator and reason."""

FINDINGS: dict[str, pl.DataType] = {
    "generator": pl.String(),
    "verdict": pl.String(),  # wrong | ambiguous | leaking | ungrammatical
    "reason": pl.String(),
    "id": pl.String(),
    "template": pl.String(),
    "image_ids": pl.List(pl.String()),
    "question": pl.String(),
    "choice_question": pl.String(),
    "answer": pl.String(),
    "options": pl.List(pl.String()),
    "answer_index": pl.Int8(),
}


@dataclass
class AuditReport:
    """Figures of an audit; reports of parts of a table add up.

    `checked`, `verdicts` and `reasons` count QAs: one with two faults of a kind counts once under the kind, and once
    under each reason.
    """

    checked: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str, str], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    choices: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CHOICES))

    def add(self, row: dict[str, Any], faults: list[Fault]) -> None:
        """Count one QA."""
        name = row["generator"]
        self.checked[name] += 1
        for kind in {kind for kind, _ in faults}:
            self.verdicts[name, kind] += 1
        for kind, reason in set(faults):
            self.reasons[name, kind, reason] += 1
            kept = self.examples[name, kind, reason]
            if len(kept) < MOST_EXAMPLES:
                kept.append(row)

    def merge(self, other: "AuditReport") -> None:
        """Add the figures of another part."""
        self.checked.update(other.checked)
        self.verdicts.update(other.verdicts)
        self.reasons.update(other.reasons)
        for key, rows in other.examples.items():
            self.examples[key] = (self.examples[key] + rows)[:MOST_EXAMPLES]
        self.choices = pl.concat([self.choices, other.choices])

    def total(self, kind: str) -> int:
        """QAs with a fault of one kind."""
        return sum(n for (_, k), n in self.verdicts.items() if k == kind)

    @property
    def is_right(self) -> bool:
        """Whether no answer is wrong or ambiguous."""
        return not self.total("wrong") and not self.total("ambiguous")

    def to_dict(self) -> dict[str, Any]:
        """Return what `audit.json` holds: figures per generator, and totals."""
        blind = blind_accuracy(self.choices)
        per_generator: dict[str, dict[str, Any]] = {}
        for name in sorted(self.checked):
            found = blind.get(name)
            per_generator[name] = {
                "checked": self.checked[name],
                **{str(kind): self.verdicts[name, kind] for kind in KINDS},
                "blind_accuracy": round(found.accuracy, 4) if found else None,
                "blind_solver": found.solver if found else None,
                "blind_margin": round(found.margin, 4) if found else None,
                "chance": round(found.chance, 4) if found else None,
                "choice_rows": found.rows if found else 0,
                "blind_by_solver": {s: round(a, 4) for s, a in found.by_solver.items()} if found else {},
                "reasons": {f"{k}: {r}": n for (g, k, r), n in sorted(self.reasons.items()) if g == name},
            }
        totals = {"checked": self.checked.total(), **{str(kind): self.total(kind) for kind in KINDS}}
        return {"generators": per_generator, "totals": {**totals, "choice_rows": self.choices.height}}

    def findings(self) -> pl.DataFrame:
        """Examples of faults, schema `FINDINGS`."""
        rows = [
            {**{c: row.get(c) for c in FINDINGS}, "generator": name, "verdict": kind, "reason": reason}
            for (name, kind, reason), kept in sorted(self.examples.items())
            for row in kept
        ]
        return pl.DataFrame(rows, schema=FINDINGS)
