"""A failing ERROR check stops what comes after, in its run and in later ones; a WARN does not.

A real project, its real definitions and instance; what is asked for across runs is what the sensor `keep_current` asks.
"""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from provision_dagster import runs
from provision_dagster.defs import raw_qa
from provision_dagster.defs.automation import keep_current
from provision_dagster.defs.policies import KEEP_CURRENT
from provision_dagster.defs.stages import (
    ACROSS_SHARDS,
    ANNOTATE,
    FILTER,
    HELD_OUT,
    INGEST,
    MIXES,
    PER_SHARD,
    PICTURES,
    QUALITY,
    REGISTER,
    REGISTER_RECIPES,
)
from provision_dagster.generators.generate import Generated, generate
from provision_dagster.samples.rendering import render_scenes

pytestmark = pytest.mark.slow

SHARD, OTHER = "scenes-00000", "scenes-00001"
STRICT = "quality: {min_total_keep_rate: 1.0}\n"
"""Not all questions are kept: an ERROR of `keep_rates`."""

WARNS = "quality: {min_total_keep_rate: 1.0, warn_only: [keep_rates]}\n"
"""The same check warns: it is still one that can block."""


@dataclasses.dataclass
class Factory:
    """A project that runs in this process, and where its sensor last stopped."""

    folder: Path
    instance: dg.DagsterInstance
    definitions: dg.Definitions
    cursor: str | None = None

    def run(
        self, assets: tuple[str, ...], key: str | None = None, *, rules: str = "strict"
    ) -> dg.ExecuteInProcessResult:
        """Run assets with their checks."""
        return self.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            asset_selection=[dg.AssetKey(name) for name in assets],
            partition_key=key,
            run_config={"resources": {"generation": {"config": {"rules": rules}}}},
            instance=self.instance,
            raise_on_error=False,
        )

    def settings(self, text: str) -> None:
        """Write the file of filters."""
        (self.folder / "filters.yaml").write_text(text)

    def asked(self) -> set[tuple[str, str | None]]:
        """Evaluate the sensor: which assets and partitions it wants to be made."""
        repository = self.definitions.get_repository_def()
        context = dg.build_sensor_context(instance=self.instance, repository_def=repository, cursor=self.cursor)
        told = keep_current.evaluate_tick(context)
        self.cursor = told.cursor
        if told.run_requests:  # the next tick only notes that this one asked
            self.asked()
        return {one for request in told.run_requests or [] for one in _named(request)}


def _named(request: dg.RunRequest) -> set[tuple[str, str | None]]:
    """What a request is for: assets of one partition, or, of several, a backfill."""
    if request.asset_graph_subset is not None:
        several = request.asset_graph_subset.iterate_asset_partitions()
        return {(one.asset_key.to_user_string(), one.partition_key) for one in several}
    return {(key.to_user_string(), request.partition_key) for key in request.asset_selection or []}


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    """Ten scenes, filtered."""
    folder = tmp_path_factory.mktemp("factory")
    scenes = render_scenes(folder / "scenes", n=10, seed=5, width=320, height=240)
    for name in ("sets", "recipes"):
        (folder / name).mkdir()
    depth = scenes.parent / "depth_masks"
    (folder / "sets" / "scenes.yaml").write_text(
        f"{{name: scenes, reader: annotations, annotations: {scenes}, annotations_format: provision, "
        f"images: {scenes.parent / 'images'}, depth: {depth}, shard_size: 10}}\n"
    )
    (folder / "recipes" / "all.yaml").write_text("{name: all, sources: [{ratio: 1}]}\n")
    settings = {
        "PROVISION_DATA": "tables",
        "PROVISION_IMAGE_SETS": "sets",
        "PROVISION_EXPORTS": "exports",
        "PROVISION_RECIPES": "recipes",
        "PROVISION_FILTERS": "filters.yaml",
        "DAGSTER_HOME": "home",
    }
    with pytest.MonkeyPatch.context() as patch:
        for setting, part in settings.items():
            patch.setenv(setting, str(folder / part))
        with runs.instance() as opened:
            runs.definitions.cache_clear()  # with the folders that the environment names now
            # mixes are made on request; here they have the condition of all other assets
            definitions = runs.definitions().map_resolved_asset_specs(
                selection="mixes", func=lambda spec: spec.replace_attributes(automation_condition=KEEP_CURRENT)
            )
            made = Factory(folder, opened, definitions)
            _make(made)
            yield made
        runs.definitions.cache_clear()


def _make(factory: Factory) -> None:
    factory.settings("{}\n")
    done = [factory.run(REGISTER), factory.run((*INGEST, *PICTURES, *ANNOTATE), SHARD)]
    done += [factory.run(ACROSS_SHARDS), factory.run(PER_SHARD, SHARD)]
    done += [factory.run(HELD_OUT), factory.run(REGISTER_RECIPES)]
    assert [result.success for result in done] == [True] * len(done)
    factory.asked()
    assert factory.asked() == set()


def made(result: dg.ExecuteInProcessResult) -> set[str]:
    return {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}


def said(result: dg.ExecuteInProcessResult, asset: str, check: str) -> tuple[bool, dg.AssetCheckSeverity]:
    key = dg.AssetCheckKey(dg.AssetKey(asset), check)
    (found,) = [one for one in result.get_asset_check_evaluations() if one.asset_check_key == key]
    assert found.blocking
    return found.passed, found.severity


ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


@contextmanager
def lies() -> Iterator[None]:
    """Let the generators count wrong."""
    true = generate

    def wrong(*graphs: Any, **options: Any) -> Generated:
        told = true(*graphs, **options)
        return dataclasses.replace(told, qa=told.qa.with_columns(pl.col("answer").str.replace(r"^\d+$", "97")))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw_qa, "generate", wrong)
        yield


def _pass_elsewhere(instance: dg.DagsterInstance) -> None:
    """Tell of another shard whose questions were made and pass."""
    instance.add_dynamic_partitions("shard", [OTHER])
    key = dg.AssetKey("qa_object")
    instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=OTHER))
    for check in ("audit", "qa_object_is_sound"):
        found = dg.AssetCheckEvaluation(asset_key=key, check_name=check, passed=True, metadata={}, partition=OTHER)
        instance.report_runless_asset_event(found)


FILTERED = ("filtered_qa", SHARD)


def test_a_false_answer_goes_no_further_in_its_run(factory: Factory) -> None:
    with lies():
        result = factory.run(("qa_object", *FILTER), SHARD)
    assert not result.success
    assert said(result, "qa_object", "audit") == (False, ERROR)
    assert said(result, "qa_object", "qa_object_is_sound") == (True, ERROR)
    assert made(result) == {"qa_object"}
    assert FILTERED not in factory.asked()


def test_nor_in_later_runs_until_the_audit_passes(factory: Factory) -> None:
    with lies():
        assert not factory.run(("qa_object",), SHARD).success
    assert FILTERED not in factory.asked()
    _pass_elsewhere(factory.instance)  # says nothing of this shard
    assert FILTERED not in factory.asked()
    factory.instance.delete_dynamic_partition("shard", OTHER)
    assert factory.run(("qa_object",), SHARD).success
    assert FILTERED in factory.asked()


def test_a_warning_of_the_audit_lets_both_go_on(factory: Factory) -> None:
    with lies():  # what the reference draws from is known to hold false answers: the audit warns
        result = factory.run(("qa_object",), SHARD, rules="paper")
        assert result.success
        assert said(result, "qa_object", "audit") == (False, WARN)
        assert FILTERED in factory.asked()
        result = factory.run(("qa_object", *FILTER), SHARD, rules="paper")
    assert result.success
    assert said(result, "qa_object", "audit") == (False, WARN)
    assert made(result) >= {"qa_object", "filtered_qa"}


MIX = ("mixes", "all")


def test_a_suite_that_fails_keeps_the_data_set_out_of_mixes(factory: Factory) -> None:
    factory.settings(STRICT)
    result = factory.run((*QUALITY, *MIXES), "all")
    assert not result.success
    assert said(result, "qa_quality", "keep_rates") == (False, ERROR)
    assert made(result) == {*QUALITY, "base_pictures"}  # which no suite says anything of
    by_hand = factory.run(("mixes",), "all")
    (failure,) = [event for event in by_hand.all_events if event.is_step_failure]
    assert "checks of `qa_quality` failed: `keep_rates`" in str(failure.step_failure_data.error)
    assert made(by_hand) == set()


def test_nor_does_automation_ask_for_mixes_until_it_passes(factory: Factory) -> None:
    factory.settings(STRICT)
    assert not factory.run(QUALITY).success
    assert MIX not in factory.asked()
    factory.settings("{}\n")
    assert factory.run(QUALITY).success
    assert MIX in factory.asked()


def test_a_suite_that_warns_lets_both_go_on(factory: Factory) -> None:
    factory.settings(WARNS)
    result = factory.run(QUALITY)
    assert result.success
    assert said(result, "qa_quality", "keep_rates") == (False, WARN)
    assert MIX in factory.asked()
    assert made(factory.run(("mixes",), "all")) == {"mixes"}
