"""A generator that ignores doubtful labels is caught; one that heeds them is not accused."""

from pathlib import Path

import polars as pl
import pytest

from provision_dagster.generators.audit import audit_frame
from provision_dagster.generators.generate import Settings, generate
from provision_dagster.samples.rendering import render_scenes
from tests.generators.audit.test_mutations import made
from tests.generators.scenes import lexicon, vocabulary

CAUGHT = {
    "ExistsObject", "MostObject", "LeastObject", "ExistsAttribute", "ExistsRelation", "HeadRelation",
    "LeftMostObject", "RightMostObject", "TopMostObject", "BottomMostObject", "SceneGraphCaption",
    "SceneGraphObjectQA", "SceneGraphAttributeQA", "SceneGraphRelationQA",
    "CountObject", "CountAttributeObject", "CommonObject", "CommonAttribute", "HasObject", "HasNotObject",
    "HasAttributedObject", "HasNotAttributedObject", "HasMost", "HasLeast", "CompareAttribute",
}  # fmt: skip
"""Generators that count, miss, compare or point at things by their labels alone, of which real graphs yield some."""

OF_RENDERED = {
    "CloserObject", "FartherObject", "CloserToAnchorObject", "FartherToAnchorObject",
    "HasRelation", "HasNotRelation", "CompareRelation",
}  # fmt: skip
"""The same of graphs with depth, and with all relations."""


def doubted(graphs: pl.DataFrame) -> pl.DataFrame:
    """Put about half of the labels of each picture in doubt, and one that it does not show."""
    labels = sorted(set(graphs["objects"].explode().struct.field("label").drop_nulls()))
    doubts = []
    for number, objects in enumerate(graphs["objects"]):
        own = sorted({thing["label"] for thing in objects})
        doubts.append(sorted({*own[number % 2 :: 2], labels[number % len(labels)]}))
    column = pl.Series("doubtful_labels", doubts, dtype=pl.List(pl.String))
    # nobody searched these pictures
    searched = pl.lit([], pl.List(pl.String)).alias("exhaustive_labels")
    return graphs.with_columns(column, searched)


def blind_and_seeing(graphs: pl.DataFrame) -> tuple[set[str], dict[tuple[str, str, str], int]]:
    """Generators that are caught when they do not see the doubts, and faults of those that do."""
    unsure = doubted(graphs)
    blind = unsure.with_columns(doubtful_labels=pl.lit([], pl.List(pl.String)))
    chosen = Settings(per_generator=6)
    found = []
    for seen in (blind, unsure):
        words = vocabulary(graphs)
        qa = generate(seen, vocabulary=words, lexicon=lexicon(), settings=chosen).qa
        found.append(audit_frame(qa, unsure, lexicon=lexicon()).reasons)
    return {generator for generator, kind, _ in found[0] if kind in ("wrong", "ambiguous")}, found[1]


def test_on_rendered_scenes(rendered: pl.DataFrame) -> None:
    caught, accused = blind_and_seeing(rendered)
    assert caught >= OF_RENDERED
    assert accused == {}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    folder: Path = tmp_path_factory.mktemp("scenes")
    render_scenes(folder, n=12, seed=5, width=320, height=240)
    fields = {"annotations": folder / "scene_graphs.json", "annotations_format": "provision",
              "images": folder / "images", "depth": folder / "depth_masks"}  # fmt: skip
    return made(fields)[1]


@pytest.mark.shared
def test_on_visual_genome(shared: Path) -> None:
    graphs = made({"annotations": shared / "data" / "visual_genome", "annotations_format": "visual-genome"})[1]
    caught, accused = blind_and_seeing(graphs)
    assert caught == CAUGHT
    assert accused == {}
