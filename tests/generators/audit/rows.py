"""QAs written by hand: a template, what stands in its slots, and what the row claims."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from provision_dagster.generators.audit import AuditReport, audit_frame
from provision_dagster.generators.audit.frame import shipped
from provision_dagster.generators.schema import RAW_QA
from tests.generators.scenes import graphs, lexicon

Scene = dict[str, Any]


def qa(
    generator: str,
    scenes: Scene | Sequence[Scene],
    slots: Mapping[str, str],
    *,
    answer: str,
    options: Sequence[str] = (),
    index: int | None = None,
    rests_on: Sequence[int | tuple[int, int]] = (),
    number: int = 0,
    **metadata: list[Any],
) -> dict[str, Any]:
    """Fill template `number` of a generator; `rests_on` names the objects of the evidence (picture, place)."""
    shown = [scenes] if isinstance(scenes, dict) else list(scenes)
    template = shipped()[generator][number]
    pairs = [p if isinstance(p, tuple) else (0, p) for p in rests_on]
    objects = [shown[n]["objects"][place] for n, place in pairs]
    return {
        "shard": "set-00000",
        "family": "qa",
        "id": f"{abs(hash((generator, answer, *slots.values()))):032x}",
        "generator": generator,
        "generator_version": "1",
        "rules": "strict",
        "seed": 0,
        "template": template.id,
        "image_ids": [s["image_id"] for s in shown],
        "question": _capital(template.open.format(**slots)),
        "answer": answer,
        "choice_question": _capital(template.choice.format(**slots)) if template.choice else None,
        "options": list(options),
        "answer_index": index,
        "metadata": {"objects": [], "attributes": [], "relations": [], "counts": [], **metadata},
        "evidence": {"object_ids": [o["id"] for o in objects], "boxes": [o["box"] for o in objects]},
    }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    """Make a table of QAs."""
    return pl.DataFrame(list(rows), schema=RAW_QA)


def audited(row: dict[str, Any], *scenes: Scene) -> AuditReport:
    """Audit one QA against scenes."""
    return audit_frame(table(row), graphs(*scenes), lexicon=lexicon())


def faults(row: dict[str, Any], *scenes: Scene) -> set[str]:
    """Name the faults of one QA as "verdict: reason"."""
    return {f"{kind}: {reason}" for _, kind, reason in audited(row, *scenes).reasons}
