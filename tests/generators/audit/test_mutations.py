"""Spoilt QAs of real and of rendered graphs: the checker must catch every one."""

import random
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from provision_dagster.generators.audit import audit_frame
from provision_dagster.generators.audit.frame import (
    Pictures,
    judge,
    option_words,
    shipped,
)
from provision_dagster.generators.audit.reading import Reader
from provision_dagster.generators.audit.words import Words, vocabulary_of
from provision_dagster.generators.generate import Settings, generate
from provision_dagster.generators.schema import RAW_QA
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.samples.rendering import render_scenes
from provision_dagster.scene_graphs.assemble import assemble
from provision_dagster.scene_graphs.ingest import ingest_image_set
from provision_dagster.scene_graphs.vocabulary import count_vocabulary
from tests.generators.audit.mutants import MUTATIONS
from tests.generators.scenes import lexicon

PER_GENERATOR = 60


def made(fields: dict[str, Any], *, per_generator: int = 2) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Questions of an image set, and its scene graphs."""
    ingested = ingest_image_set(parse_spec({"name": "t", "reader": "annotations", **fields}, source="test"))
    graphs, _ = assemble(inspect_images(ingested.sources), ingested.annotations)
    settings = Settings(per_generator=per_generator)
    words = count_vocabulary(ingested.annotations)
    return generate(graphs, vocabulary=words, lexicon=lexicon(), settings=settings).qa, graphs


def escaped(qa: pl.DataFrame, graphs: pl.DataFrame) -> list[tuple[str, str, dict[str, Any]]]:
    """Spoil every row in every way; name the spoilt rows that the checker takes for right."""
    rng = random.Random(7)
    by_id = {row["image_id"]: row for row in graphs.iter_rows(named=True)}
    words = Words(lexicon(), vocabulary_of(graphs).joined(option_words(qa)))
    judged = partial(judge, pictures=Pictures(graphs, words), words=words, reader=Reader(shipped()))
    missed, tried = [], 0
    for _, part in qa.group_by("generator"):
        for row in part.sample(min(part.height, PER_GENERATOR), seed=1).select(list(RAW_QA)).iter_rows(named=True):
            if judged(row):
                continue  # wrong to begin with: reported by the tests of the generators
            for mutation in MUTATIONS:
                spoilt = mutation(row, rng, by_id)
                if spoilt is None or spoilt == row:
                    continue
                tried += 1
                if not judged(spoilt):
                    missed.append((mutation.__name__, row["generator"], spoilt))
    assert tried > 1_000
    return missed


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, pl.DataFrame]:
    folder: Path = tmp_path_factory.mktemp("scenes")
    render_scenes(folder, n=12, seed=5, width=320, height=240)
    return made(
        {
            "annotations": folder / "scene_graphs.json",
            "annotations_format": "provision",
            "images": folder / "images",
            "depth": folder / "depth_masks",
        }
    )


def test_spoilt_questions_of_rendered_scenes_are_caught(rendered: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    assert [(m, g) for m, g, _ in escaped(*rendered)] == []


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "format"), [("visual_genome", "visual-genome"), ("gqa", "gqa")], ids=["visual_genome", "gqa"]
)
def test_spoilt_questions_of_real_graphs_are_caught(shared: Path, file: str, format: str) -> None:
    qa, graphs = made({"annotations": shared / "data" / file, "annotations_format": format})
    assert [(m, g) for m, g, _ in escaped(qa, graphs)] == []


def test_questions_of_rendered_scenes_are_right(rendered: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    report = audit_frame(*rendered, lexicon=lexicon())
    assert report.reasons == {}
