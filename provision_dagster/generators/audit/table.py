"""The figures of an audit as tables for the terminal."""

from typing import Any

from rich.table import Table

from provision_dagster.generators.audit.report import AuditReport
from provision_dagster.generators.audit.verdict import KINDS

ABOVE_CHANCE = 0.05
"""A blind solver may be this much better than chance (T4)."""


def figures(report: AuditReport) -> Table:
    """Lay out what `audit.json` holds: one row per generator, and the totals. Accuracies are in percent."""
    found = report.to_dict()
    table = Table(title=f"{found['totals']['checked']} QA audited; blind accuracy in %, ± 95 % margin")
    table.add_column("generator", no_wrap=True)
    for name in ("checked", "wrong", "ambig.", "leaks", "gramm.", "choice", "blind", "chance"):
        table.add_column(name, justify="right")
    table.add_column("best blind solver")
    for name, row in found["generators"].items():
        counts = [str(row["checked"]), *(_marked(row[kind]) for kind in KINDS), str(row["choice_rows"])]
        table.add_row(name, *counts, *_blind(row))
    totals = found["totals"]
    table.add_section()
    counts = [str(totals["checked"]), *(_marked(totals[kind]) for kind in KINDS), str(totals["choice_rows"])]
    table.add_row("all", *counts)
    return table


def reasons(report: AuditReport) -> Table:
    """List why QAs are not right, with how many."""
    table = Table("generator", "verdict", "reason", "QA", title="what is wrong")
    for (generator, verdict, reason), count in sorted(report.reasons.items()):
        table.add_row(generator, verdict, reason, str(count))
    return table


def _marked(count: int) -> str:
    return f"[red]{count}[/red]" if count else "0"


def _blind(row: dict[str, Any]) -> tuple[str, str, str]:
    if not row["choice_rows"]:
        return "-", "-", "-"
    text = f"{100 * row['blind_accuracy']:.1f} ± {100 * row['blind_margin']:.1f}"
    high = row["blind_accuracy"] - row["blind_margin"] > row["chance"] + ABOVE_CHANCE
    return f"[red]{text}[/red]" if high else text, f"{100 * row['chance']:.1f}", str(row["blind_solver"])
