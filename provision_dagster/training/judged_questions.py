"""Questions of the generators about rendered scenes, each with a true and a false answer."""

import json
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.filters.judge_questions import forms_of
from provision_dagster.generators.generate import Settings, generate
from provision_dagster.generators.hashing import column_hash
from provision_dagster.generators.strengths import without_pixels
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.ingest import ingest_image_set
from provision_dagster.scene_graphs.vocabulary import count_vocabulary

JUDGED = ("TypedAttributeBBox",)
"""Whose questions the tiny judge learns to judge."""
PER_SCENE = 24
"""Questions of each that are asked of a scene at most."""
MIN_SIDE = 50
"""Pixels of the shorter side of every box: the rule `region_size` rejects questions about less by default."""


def judged_questions(annotations: list[dict[str, Any]], *, seed: int) -> pl.DataFrame:
    """Ask the generators about scenes, and answer each question once right and once wrong.

    The wrong answer is one of the false options of the question's own multiple-choice form, put as the right one is.

    Parameters
    ----------
    annotations
        What `rendering.truth.annotate` says of each scene.
    seed
        Of the generators.

    Returns
    -------
    polars.DataFrame
        `scene` (place in `annotations`), `generator`, `form`, `question`, `answer`, `wrong`.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene_graphs.json"
        keys = [f"{place:06d}" for place in range(len(annotations))]
        scenes = {
            key: {"data_path": f"{key}.png", "annotation": one} for key, one in zip(keys, annotations, strict=True)
        }
        path.write_text(json.dumps(scenes), encoding="utf-8")
        fields = {"name": "tiny", "reader": "annotations", "annotations": path, "annotations_format": "provision"}
        ingested = ingest_image_set(parse_spec(fields, source="scenes to learn from"))
    words, lexicon = count_vocabulary(ingested.annotations), Lexicon.load()
    graphs = without_pixels(ingested.annotations.with_columns(image_id="image_key"))
    settings = Settings(per_generator=PER_SCENE, seed=seed)
    made = generate(graphs, generators=list(JUDGED), vocabulary=words, lexicon=lexicon, settings=settings)
    return answered(made.qa.filter(_side() >= MIN_SIDE))


def _side() -> pl.Expr:
    """Shortest side of the boxes that prove an answer."""
    x1, y1, x2, y2 = (pl.element().struct.field(name) for name in ("x1", "y1", "x2", "y2"))
    boxes = pl.col("evidence").struct.field("boxes")
    return boxes.list.eval(pl.min_horizontal(x2 - x1, y2 - y1)).list.min()


def answered(qa: pl.DataFrame) -> pl.DataFrame:
    """Write the questions that have options as a judge is asked them, each with its own answer and with a false one."""
    right = pl.col("options").list.get(pl.col("answer_index"), null_on_oob=True)
    offered = qa.filter(pl.col("options").list.len() >= 2, pl.col("answer") == right)
    false = offered.with_columns(answer_index=_other(offered)).with_columns(answer=right)
    wrong = forms_of(false).select("id", "form", wrong="answer")
    asked = forms_of(offered).join(wrong, on=["id", "form"]).join(offered.select("id", "generator"), on="id")
    scene = pl.col("image_ids").list.first().str.extract(r"(\d+)$").cast(pl.Int64).alias("scene")
    return asked.select(scene, "generator", "form", "question", "answer", "wrong").unique().sort(pl.all())


def _other(qa: pl.DataFrame) -> pl.Expr:
    """Place of an option that is false."""
    picked = pl.Series(column_hash(qa["id"]) % (1 << 32), dtype=pl.Int64)
    count, true = pl.col("options").list.len().cast(pl.Int64), pl.col("answer_index").cast(pl.Int64)
    return (true + 1 + picked % (count - 1)) % count
