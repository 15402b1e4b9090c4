"""A small sound data set, drawn evenly, to be spoilt by one fault at a time."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from provision_dagster.filters.filter_qa import qa_statistics
from provision_dagster.filters.quality.drift import Drift
from provision_dagster.filters.quality.figures import figures
from provision_dagster.filters.quality.suites import suites
from provision_dagster.filters.quality.validate import Outcome, validate
from provision_dagster.filters.quality_config import QualityConfig
from provision_dagster.generators.schema import RAW_QA
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.schema import SCENE_GRAPHS

ROWS = 800
"""Questions of each generator."""

LABELS = ("dog", "cat", "cup", "car", "tree", "chair", "bird", "boat")
GENERATORS = {"IsThere": "qa_object", "WhichOne": "qa_attribute", "WhatIs": "qa_relation"}
"""Yes or no; one of four options; open."""


def _rows(generator: str, draw: np.random.Generator) -> pl.DataFrame:
    family = GENERATORS[generator]
    shown = draw.permuted(np.tile(np.array(LABELS), (ROWS, 1)), axis=1)[:, :4].tolist()
    place = draw.integers(0, 4, ROWS)
    label = draw.choice(LABELS, ROWS)
    options: list[list[str]] = [[] for _ in range(ROWS)]
    index: list[int | None] = [None] * ROWS
    answers = label.tolist()
    if generator == "IsThere":
        answers = draw.permuted(["yes", "no"] * (ROWS // 2)).tolist()
    if generator == "WhichOne":
        options, index = shown, place.tolist()
        answers = [row[at] for row, at in zip(shown, place, strict=True)]
    return pl.DataFrame(
        {
            "shard": [f"s-{n % 2:05d}" for n in range(ROWS)],
            "family": family,
            "id": [hashlib.sha256(f"{generator} {n}".encode()).hexdigest()[:32] for n in range(ROWS)],
            "generator": generator,
            "image_ids": [[f"i{n % 200}"] for n in range(ROWS)],
            "question": [f"{generator}: what of it in picture {n:04d}?" for n in range(ROWS)],
            "answer": answers,
            "options": options,
            "answer_index": index,
            "metadata": [{"objects": [one], "attributes": [], "relations": [], "counts": []} for one in label],
            "evidence": [{"object_ids": ["o1"], "boxes": []}] * ROWS,
        },
        schema_overrides=RAW_QA,
    )


def graphs(*, outside: int = 0) -> pl.DataFrame:
    """Two hundred pictures of two objects; in the first `outside` of them a box leaves the picture."""
    rows = []
    for n in range(200):
        boxes = [(0.0, 0.0, 40.0, 40.0), (50.0, 50.0, 120.0 if n < outside else 90.0, 90.0)]
        objects = [
            {"id": f"o{k}", "label": LABELS[(n + k) % 8], "box": dict(zip(("x1", "y1", "x2", "y2"), box, strict=True))}
            for k, box in enumerate(boxes)
        ]
        rows.append({"shard": f"s-{n % 2:05d}", "image_id": f"i{n}", "width": 100, "height": 100, "objects": objects})
    return pl.DataFrame(rows, schema=SCENE_GRAPHS).with_columns(relations=pl.lit([], dtype=SCENE_GRAPHS["relations"]))


@dataclass(frozen=True)
class Tables:
    """Raw and kept questions, and scene graphs."""

    raw: pl.DataFrame
    kept: pl.DataFrame
    graphs: pl.DataFrame

    def lazy(self) -> dict[str, pl.LazyFrame]:
        """The tables by name, as a store gives them."""
        statistics, labels = qa_statistics(self.raw, filtered_qa=self.kept)
        found = {"filtered_qa": self.kept, "qa_statistics": statistics, "label_statistics": labels}
        return {name: frame.lazy() for name, frame in (found | {"scene_graphs": self.graphs}).items()}

    def spoilt(self, **changes: pl.Expr) -> "Tables":
        """Change columns, before the filters."""
        changed = self.kept.with_columns(**changes).cast(dict(RAW_QA))  # type: ignore[arg-type]
        return replace(self, raw=changed, kept=changed)

    def figures(self, config: QualityConfig) -> pl.DataFrame:
        """Measure them."""
        tables = self.lazy()
        return figures(tables.pop("filtered_qa"), **tables, config=config, lexicon=Lexicon.load())

    def judge(self, config: QualityConfig | None = None, *, before: "Tables | None" = None) -> list[Outcome]:
        """Let the suites judge them."""
        chosen = config or QualityConfig()
        now = self.figures(chosen)
        drift = Drift(before.figures(chosen), now, chosen.drift_head) if before is not None else None
        return validate(suites(now, sample=self.kept.head(500), drift=drift, config=chosen))


def sound(seed: int = 0) -> Tables:
    """Draw a data set in which every answer is as likely as it should be."""
    draw = np.random.default_rng(seed)
    rows = pl.concat([_rows(name, draw) for name in GENERATORS], how="diagonal")
    full = rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in RAW_QA.items()
    )
    return Tables(full, full, graphs())
