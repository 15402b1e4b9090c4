"""What Dagster's UI says of every asset, and that checks find broken tables."""

from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._serdes import serialize_value

from provision_dagster.definitions import defs
from provision_dagster.defs.describe import column_schema, markdown_table
from provision_dagster.defs.io_manager import data_version
from provision_dagster.defs.partitions import image_set_of
from provision_dagster.filters import schema as filters
from provision_dagster.filters.models import load_models
from provision_dagster.filters.schema import FAMILIES
from provision_dagster.generators import balance
from provision_dagster.generators import schema as generators
from provision_dagster.generators.generate import Settings, generate
from provision_dagster.generators.integrity import foreign_images, qa_rules
from provision_dagster.image_sets import schema as image_sets
from provision_dagster.mixes import schema as mixes
from provision_dagster.scene_graphs import schema as scene_graphs
from provision_dagster.scene_graphs.annotators import schema as annotators
from provision_dagster.scene_graphs.integrity import graph_rules
from provision_dagster.storage.contract import contract_problems, problems
from provision_dagster.storage.tables import COLUMNS, TABLES
from tests.generators.scenes import graphs, lexicon, scene, vocabulary


@pytest.fixture(scope="module")
def loaded() -> dg.Definitions:
    found = defs()
    assert isinstance(found, dg.Definitions)
    return found


GROUPS = ("image_sets", "annotators", "scene_graphs", "raw_qa", "sql_models", "filtered_qa", "mixes")


def test_every_asset_says_what_it_is(loaded: dg.Definitions) -> None:
    for spec in loaded.resolve_all_asset_specs():
        assert spec.description, spec.key
        assert spec.owners == ["team:data-factory"], spec.key
        assert spec.group_name in GROUPS, spec.key
        assert spec.kinds, spec.key
        assert spec.code_version, spec.key


def test_every_table_but_the_funnel_is_an_asset_and_so_is_every_model(loaded: dg.Definitions) -> None:
    assets = {spec.key.to_user_string() for spec in loaded.resolve_all_asset_specs()}
    without_table = {"exports", "held_out_exports", "dataset_card", "data_docs"}
    assert assets == (set(TABLES) - {"funnel"}) | set(load_models()) | without_table


ROOMS = (image_sets, scene_graphs, annotators, generators, balance, filters, mixes)


def test_every_column_of_every_table_says_what_it_holds() -> None:
    for spec in TABLES.values():
        for column in column_schema(spec).columns:
            assert column.description, (spec.name, column.name)
            assert column.description == column.description.strip() != "", (spec.name, column.name)


def test_no_description_of_a_column_is_given_twice_or_unused() -> None:
    given = [name for room in ROOMS for name in room.COLUMNS]
    assert sorted(given) == sorted(set(given))
    own = {f"{spec.name}.{column}" for spec in TABLES.values() for column in spec.schema}
    shared = {column for spec in TABLES.values() for column in spec.schema if f"{spec.name}.{column}" not in COLUMNS}
    assert set(given) <= own | shared
    assert column_schema(TABLES["image_sources"]).columns[-2].description.startswith("Null: to be decoded")


def test_the_definitions_can_be_sent_to_the_webserver(loaded: dg.Definitions) -> None:
    told = serialize_value(RepositorySnap.from_def(loaded.get_repository_def()))
    # the webserver knows no class of ours
    assert '"__class__": "OnlyWarned"' not in told
    assert '"__class__": "EvaluatedHere"' not in told


def test_every_table_that_goes_on_has_a_blocking_check(loaded: dg.Definitions) -> None:
    graph = loaded.resolve_asset_graph()
    checked = {key.asset_key.to_user_string() for key in graph.asset_check_keys}
    assert checked >= {"images", "scene_graphs", *FAMILIES, "filtered_qa", "mixes"}
    audited = {key.asset_key.to_user_string() for key in graph.asset_check_keys if key.name == "audit"}
    assert audited == set(FAMILIES)


def test_a_shard_names_its_image_set() -> None:
    assert image_set_of("visual-genome-00012") == "visual-genome"


THINGS: list[tuple[str, tuple[float, float, float, float], list[str]]] = [
    ("cup", (0, 0, 60, 60), ["red"]),
    ("table", (0, 55, 90, 90), ["wooden"]),
    ("dog", (80, 0, 99, 20), ["brown"]),
]


def broken_graph(**changes: Any) -> dict[str, Any]:
    row = scene("a", THINGS, [(0, "on", 1)])
    objects = [dict(o) for o in row["objects"]]
    if "box" in changes:
        objects[0]["box"] = dict(zip(("x1", "y1", "x2", "y2"), changes.pop("box"), strict=True))
    if "id" in changes:
        objects[0]["id"] = changes.pop("id")
    return row | {"objects": objects} | changes


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (broken_graph(), None),
        (broken_graph(box=(-1.0, 0.0, 5.0, 5.0)), "box_leaves_picture"),
        (broken_graph(box=(0.0, 0.0, 101.0, 5.0)), "box_leaves_picture"),
        (broken_graph(box=(5.0, 0.0, 5.0, 5.0)), "box_is_empty"),
        (broken_graph(id="1"), "object_id_is_repeated"),
        (broken_graph(width=0), "size_is_not_positive"),
        (
            broken_graph(relations=[{"subject": 0, "predicate": "on", "object": 3, "score": None}]),
            "relation_without_object",
        ),
    ],
)
def test_the_suite_of_scene_graphs(row: dict[str, Any], rule: str | None) -> None:
    found = problems(graphs(row), rules=graph_rules(), example=pl.col("image_key"))["rule"].to_list()
    assert (rule in found) if rule else found == []


def questions() -> pl.DataFrame:
    table = graphs(scene("a", THINGS, [(0, "on", 1)]))
    made = generate(table, vocabulary=vocabulary(table), lexicon=lexicon(), settings=Settings(mode="full"))
    return made.qa


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"question": pl.lit(" ")}, "question_is_blank"),
        ({"answer": pl.lit("")}, "answer_is_blank"),
        ({"question": pl.lit("What is {label}?")}, "slot_not_filled"),
        ({"options": pl.lit(["a"])}, "one_option_only"),
        ({"options": pl.lit(["a", "A"])}, "options_repeat"),
        ({"answer_index": pl.lit(9)}, "answer_not_among_options"),
        ({"options": pl.lit([], dtype=pl.List(pl.String)), "answer_index": pl.lit(0)}, "index_without_options"),
        ({"evidence": pl.struct(object_ids=pl.lit([], dtype=pl.List(pl.String)))}, "no_evidence"),
    ],
)
def test_the_suite_of_questions(change: dict[str, pl.Expr], rule: str) -> None:
    sound = questions()
    assert problems(sound, rules=qa_rules(), example=pl.col("id")).is_empty()
    assert rule in problems(sound.with_columns(**change), rules=qa_rules(), example=pl.col("id"))["rule"].to_list()


def test_questions_about_unknown_pictures_are_found() -> None:
    sound = questions()
    assert foreign_images(sound, scene_graphs=graphs(scene("b", THINGS))).height == sound.height


def test_the_contract_finds_repeated_and_missing_keys() -> None:
    sound, spec = questions(), TABLES["qa_object"]
    assert contract_problems(sound, spec=spec).is_empty()
    assert contract_problems(pl.concat([sound, sound.head(1)]), spec=spec)["rule"].to_list() == ["key_is_repeated"]
    nameless = sound.with_columns(id=pl.lit(None, dtype=pl.String)).head(1)
    assert contract_problems(nameless, spec=spec)["rule"].to_list() == ["key_is_null"]


def test_data_versions_are_of_the_content() -> None:
    sound = questions()
    assert data_version(sound) == data_version(pl.concat([sound.head(2), sound.slice(2)]))
    assert data_version(sound) != data_version(sound.head(2))


def test_previews_show_text_as_text() -> None:
    text = markdown_table(pl.DataFrame({"a": ["<script>|*x*\n[y](z)", None]}))
    assert "\\<script\\>\\|\\*x\\* \\[y\\](z)" in text


def test_reading_the_definitions_makes_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    defs().resolve_implicit_global_asset_job_def()  # type: ignore[union-attr]
    assert list(tmp_path.iterdir()) == []
