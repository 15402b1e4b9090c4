"""Runs of a real Dagster instance: models of the SQL as assets, and thresholds that filter anew and score nothing."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from provision_dagster import runs
from provision_dagster.defs import stages
from provision_dagster.defs.sql_tests import tested as problems_in
from provision_dagster.defs.stages import FILTER, GENERATE, REGISTER, SCORES
from provision_dagster.filters.config import FilterConfig
from provision_dagster.filters.filter_qa import RULES
from provision_dagster.filters.lineage import shipped_lineage
from provision_dagster.filters.models import load_models
from provision_dagster.filters.schema import FAMILIES
from provision_dagster.samples.rendering import render_scenes
from provision_dagster.why import why
from tests.defs.project import Project

pytestmark = pytest.mark.slow

SHARD = "scenes-00000"


def make(project: Project, *names: str) -> None:
    """Run stages of the shard."""
    with project.here() as opened:
        for name in names:
            shard = None if name == "REGISTER" else SHARD
            runs.run(runs.Task(getattr(stages, name), shard, shard), store=opened)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Ten scenes, filtered."""
    scenes = render_scenes(tmp_path_factory.mktemp("scenes"), n=10, seed=5, width=320, height=240)
    made = Project(tmp_path_factory.mktemp("project"))
    options = ("--format", "provision", "--images", scenes.parent / "images", "--depth", scenes.parent / "depth_masks")
    made.run("ingest", scenes, *options, "--name", "scenes", "--shard-size", "10")
    made.run("materialize", "--recipe", "foundation")
    return made


@pytest.fixture
def instance(project: Project) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(project.folder / "dagster_home")) as opened:
        yield opened


def status(instance: dg.DagsterInstance, *names: str) -> dict[str, StaleStatus]:
    graph = runs.definitions().resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    return {name: resolver.get_status(dg.AssetKey(name), SHARD) for name in names}


def materialized(instance: dg.DagsterInstance, name: str) -> dict[str, dg.MetadataValue]:  # type: ignore[type-arg]
    event = instance.get_latest_materialization_event(dg.AssetKey(name))
    assert event is not None
    assert event.asset_materialization is not None
    return dict(event.asset_materialization.metadata)


def test_every_model_is_in_the_lineage_with_its_sql(project: Project, instance: dg.DagsterInstance) -> None:
    graph = runs.definitions().resolve_asset_graph()
    for name, model in load_models().items():
        node = graph.get(dg.AssetKey(name))
        assert node.description == model.description
        assert node.is_materializable == (model.layer == "marts")
        lineage, sql = node.metadata["dagster/column_lineage"], node.metadata["sql"]
        assert isinstance(lineage, dg.TableColumnLineage)
        assert set(lineage.deps_by_column) == set(shipped_lineage()[name])
        assert model.sql in sql.value
        assert node.parent_keys, name
        if name.startswith("stg_"):
            assert all(graph.get(key).is_materializable for key in node.parent_keys)
    assert graph.get(dg.AssetKey("filtered_qa")).parent_keys >= {dg.AssetKey("int_verdicts"), dg.AssetKey("qa_object")}
    assert dg.AssetKey("filter_settings") in graph.get(dg.AssetKey("int_rule_length")).parent_keys


def test_what_each_rule_rejected_is_a_number_over_time(project: Project, instance: dg.DagsterInstance) -> None:
    told = materialized(instance, "rejected_qa")
    by_rule = dict(project.rows("rejected_qa").group_by("rule").len().iter_rows())
    assert by_rule
    assert {rule: told[f"rejected_by_{rule}"].value for rule in RULES} == {rule: by_rule.get(rule, 0) for rule in RULES}


def test_lineage_is_told_with_each_mart(project: Project, instance: dg.DagsterInstance) -> None:
    for name in ("filtered_qa", "rejected_qa", "qa_statistics", "label_statistics"):
        lineage = materialized(instance, name)["dagster/column_lineage"].value
        assert isinstance(lineage, dg.TableColumnLineage)
        # stored by name
        assert set(lineage.deps_by_column) == set(project.rows(name).columns) == set(shipped_lineage()[name])
        graph = runs.definitions().resolve_asset_graph()
        for deps in lineage.deps_by_column.values():
            assert all(graph.has(dep.asset_key) for dep in deps)
    question = {
        (dep.asset_key.to_user_string(), dep.column_name) for dep in lineage_of(instance, "filtered_qa", "question")
    }
    assert question == {(family, "question") for family in FAMILIES}


def lineage_of(instance: dg.DagsterInstance, name: str, column: str) -> list[dg.TableColumnDep]:
    lineage = materialized(instance, name)["dagster/column_lineage"].value
    assert isinstance(lineage, dg.TableColumnLineage)
    return list(lineage.deps_by_column[column])


def test_another_threshold_filters_anew_and_makes_nothing_else(project: Project, instance: dg.DagsterInstance) -> None:
    marts = ("filtered_qa", "rejected_qa")
    before = {name: project.store.version(name) for name in project.store.tables}
    whole = project.rows("filtered_qa")
    assert set(status(instance, *GENERATE, *SCORES, *FILTER).values()) == {StaleStatus.FRESH}

    longest = int(whole["question"].str.len_chars().quantile(0.5) or 0)
    (project.folder / "filters.yaml").write_text(f"max_question_chars: {longest}\n")
    make(project, "REGISTER")
    assert set(status(instance, *GENERATE, *SCORES).values()) == {StaleStatus.FRESH}
    assert set(status(instance, *marts).values()) == {StaleStatus.STALE}

    make(project, "FILTER")
    assert set(status(instance, *GENERATE, *SCORES, *FILTER).values()) == {StaleStatus.FRESH}
    kept, gone = (project.rows(name) for name in marts)
    assert 0 < kept.height < whole.height
    long = pl.max_horizontal(pl.col("question", "choice_question").str.len_chars()) > longest
    assert gone.filter(rule="length").select(long.all()).item()
    assert not kept.select(long.any()).item()
    assert gone.filter(rule="length")["threshold"].unique().to_list() == [longest]
    after = {name: project.store.version(name) for name in project.store.tables}
    changed = {name for name in after if after[name] != before[name]}
    assert changed >= {"filter_settings", *marts}
    assert changed <= {"filter_settings", *marts, "qa_statistics", "label_statistics"}

    (project.folder / "filters.yaml").unlink()
    make(project, "REGISTER", "FILTER")
    assert project.rows("filtered_qa").sort("id").equals(whole.sort("id"))


def test_a_setting_that_is_wrong_is_told(project: Project, tmp_path: Path) -> None:
    (project.folder / "filters.yaml").write_text("min_judge_p_yes: 70\n")
    try:
        message = project.run("sql", "stg_raw_qa", code=2)
    finally:
        (project.folder / "filters.yaml").unlink()
    assert "min_judge_p_yes" in message
    assert REGISTER[-1] == "score_settings"


def test_a_model_is_shown_on_a_shard(project: Project) -> None:
    text = project.run("sql", "int_rule_length", "--rows", "3")
    assert "int_rule_length: the first 3 rows on scenes-00000" in text
    rows = project.run("sql", "stg_raw_qa", "--rows", "2")
    first = sorted(pl.concat([project.rows(family) for family in FAMILIES])["id"])[0]
    assert first[:10] in rows
    assert "no rows" in project.run("sql", "unique_ids")


def test_a_model_is_explained(project: Project) -> None:
    text = " ".join(project.run("sql", "rejected_qa", "--explain").split())
    assert load_models()["rejected_qa"].description in text.replace("\n", " ")
    assert "inner join int_verdicts on raw_qa.row = int_verdicts.row" in text
    assert "reads: int_verdicts, raw_qa" in text
    assert "stg_raw_qa, " in text
    assert "int_verdicts.threshold" in text
    assert "╰" in text  # DuckDB's plan


def test_a_model_that_is_not_there_is_told(project: Project) -> None:
    assert "no model `int_rule_juge`; near: int_rule_judge" in project.run("sql", "int_rule_juge", code=2)
    assert "near: scenes-00000" in project.run("sql", "stg_images", "--shard", "scenes-0000", code=2)


def test_a_question_that_was_kept_tells_its_story(project: Project) -> None:
    mixed = project.rows("mixes").row(0, named=True)
    attribute = project.rows("filtered_qa").filter(id=mixed["id"]).row(0, named=True)
    text = project.run("why", attribute["id"][:12].upper())
    assert attribute["question"] in " ".join(text.split())
    assert "kept: it is in filtered_qa" in text
    assert "foundation" in text
    picture = project.rows("images").filter(pl.col("image_id").is_in(attribute["image_ids"])).row(0, named=True)
    for word in (attribute["template"], picture["image_key"], "candidate", "region_size", "not asked"):
        assert word in text
    story = why(attribute["id"], store=project.store, config=FilterConfig())
    assert set(story.objects["id"]) == set(attribute["evidence"]["object_ids"])


def test_every_rule_of_a_rejected_question_is_told(project: Project) -> None:
    gone = project.rows("rejected_qa")
    for row in gone.unique("rule", maintain_order=True).iter_rows(named=True):
        story = why(row["id"], store=project.store, config=FilterConfig())
        assert story.verdicts["rule"].to_list() == list(RULES)
        first = story.verdicts.filter(verdict="broken").row(0, named=True)
        assert {name: first[name] for name in ("rule", "score", "threshold", "detail")} == {
            name: row[name] for name in ("rule", "score", "threshold", "detail")
        }
        assert (story.kept, story.outdated) == (False, False)
    story = why(gone["id"][0], store=project.store, config=FilterConfig(denied_licences=("gpl",), max_copies=9))
    assert story.pictures.height >= 1
    strict = why(project.rows("filtered_qa")["id"][0], store=project.store, config=FilterConfig(max_question_chars=1))
    assert strict.outdated
    assert strict.verdicts.filter(verdict="broken")["rule"].to_list() == ["length"]


def test_an_id_that_is_not_there_is_told(project: Project) -> None:
    some = project.rows("filtered_qa")["id"].min()
    assert isinstance(some, str)
    end = "0" if some[-1] != "0" else "1"
    assert f"no question has the id `{some[:-1]}{end}`; near: {some}" in project.run("why", some[:-1] + end, code=2)
    assert "QA_ID needs at least 4 digits, got 'ab'" in project.run("why", "ab", code=2)
    assert "no question has the id `zzzz`; of 1 shards 1 have questions: scenes-00000" in project.run(
        "why", "zzzz", code=2
    )


def test_queries_that_find_what_should_not_be_there_block(project: Project, instance: dg.DagsterInstance) -> None:
    key = dg.AssetCheckKey(dg.AssetKey("filtered_qa"), "sql_tests")
    (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.status.value == "SUCCEEDED"
    assert runs.definitions().resolve_asset_graph().get_check_spec(key).blocking
    whole = project.rows("filtered_qa")
    assert problems_in(project.store, SHARD, FilterConfig())[0].is_empty()
    try:
        project.store.write_partition("filtered_qa", pl.concat([whole, whole.head(1)]), key=SHARD)
        found, rows = problems_in(project.store, SHARD, FilterConfig())
        shown = project.run("sql", "unique_ids", "--shard", SHARD)
    finally:
        project.store.write_partition("filtered_qa", whole, key=SHARD)
    assert found["rule"].to_list() == [
        "kept_and_rejected_are_all",
        "one_answer_per_question",
        "statistics_match_rows",
        "unique_ids",
    ]
    assert rows == whole.height + project.rows("rejected_qa").height + 1
    assert whole["id"][0][:10] in shown


def test_what_is_told_of_safety_filters_anew_and_makes_nothing_else(
    project: Project, instance: dg.DagsterInstance
) -> None:
    """The last test of this file: it leaves a table of safety behind."""
    whole, pictures = project.rows("filtered_qa"), project.rows("images").sort("position")
    asked = whole["image_ids"].explode().value_counts(sort=True)["image_ids"][0]
    unsafe = pictures.filter(image_id=asked)["image_key"][0]
    scores = pictures.select("image_key", unsafe_score=pl.when(pl.col("image_key") == unsafe).then(0.9).otherwise(0.1))
    pl.concat([scores, pl.DataFrame({"image_key": ["gone"], "unsafe_score": [0.5]})]).write_csv(
        project.folder / "safety.csv"
    )
    spec = project.folder / "image_sets" / "scenes.yaml"
    spec.write_text(f"{spec.read_text()}safety: ../safety.csv\n")
    told = " ".join(project.run("ingest", spec).split())
    assert "safety is told of 10 of 10 pictures; " in told
    assert "has 1 keys that no picture has: `gone`" in told
    assert project.rows("picture_safety").height == 10
    # nothing is looked at, generated or scored anew; by default what is told rejects nothing
    assert set(status(instance, "images", *GENERATE, *SCORES).values()) == {StaleStatus.FRESH}
    assert status(instance, "filtered_qa") == {"filtered_qa": StaleStatus.STALE}
    one = whole.filter(pl.col("image_ids").list.contains(asked))["id"][0]
    assert not why(one, store=project.store, config=FilterConfig()).outdated

    (project.folder / "filters.yaml").write_text("max_unsafe_score: 0.5\nrequire_safety: true\n")
    make(project, "REGISTER", "FILTER")
    kept, gone = project.rows("filtered_qa"), project.rows("rejected_qa").filter(rule="safety")
    assert gone.select("score", "threshold").unique().rows() == [(0.9, 0.5)]
    assert set(gone["detail"]) == {f"image {asked} has an unsafe score of 0.900"}
    about = pl.col("image_ids").list.contains(asked)
    assert kept.sort("id").equals(whole.filter(~about).sort("id"))
    assert set(gone["id"]) >= set(whole.filter(about)["id"])
    story = why(one, store=project.store, config=FilterConfig(max_unsafe_score=0.5))
    assert story.pictures.filter(image_id=asked)["unsafe_score"].item() == 0.9
    assert story.verdicts.filter(verdict="broken")["rule"].to_list() == ["safety"]
