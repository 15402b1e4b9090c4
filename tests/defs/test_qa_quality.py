"""Runs of a real Dagster instance: suites judge a data set, and tell what breaks them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from provision_dagster.defs import mixes as mixes_of
from provision_dagster.defs import qa_quality as quality_of
from provision_dagster.defs.dataset_card import dataset_card
from provision_dagster.defs.io_manager import DeltaIOManager
from provision_dagster.defs.partitions import RECIPES, SHARDS
from provision_dagster.defs.resources import FoldersResource, StoreResource
from provision_dagster.filters.schema import QUALITY_RESULTS
from provision_dagster.image_sets.schema import IMAGES
from tests.filters.quality.tables import Tables, sound

RECIPE = "{name: all, sources: [{ratio: 1}]}\n"
STRICT = "quality: {max_choice_answer_share: 0.05}\n"
"""Eight labels cannot be so even: an ERROR."""


@dataclass(frozen=True)
class Factory:
    """Tables, folders and an instance; the assets from `qa_quality` on are the real ones."""

    folder: Path
    instance: dg.DagsterInstance

    @property
    def store(self) -> StoreResource:
        """The tables."""
        return StoreResource(url=str(self.folder / "tables"))

    @property
    def definitions(self) -> dg.Definitions:
        """Suites, mixes and exports; what comes before is known by name, as if another place made it."""
        names = (*quality_of.READ, "images")
        upstream = [dg.AssetSpec(name, partitions_def=SHARDS) for name in names]
        folders = FoldersResource(
            recipes=str(self.folder / "recipes"),
            exports=str(self.folder / "exports"),
            filter_settings=str(self.folder / "filters.yaml"),
        )
        return dg.Definitions(
            assets=[*upstream, quality_of.quality, mixes_of.recipes, mixes_of.mixes, mixes_of.exports, dataset_card],
            asset_checks=[quality_of.fresh, mixes_of.mixes_are_sound],
            resources={
                "store": self.store,
                "folders": folders,
                "io_manager": DeltaIOManager(store=self.store),
            },
        )

    def settings(self, text: str) -> None:
        """Write the file of filters."""
        (self.folder / "filters.yaml").write_text(text)

    def fill(self, tables: Tables) -> None:
        """Write what the suites and mixes read, and say that it was made."""
        opened = self.store.store()
        frames = {name: frame.collect() for name, frame in tables.lazy().items()} | {"images": pictures(tables)}
        for shard in ("s-00000", "s-00001"):
            self.instance.add_dynamic_partitions("shard", [shard])
            for name in (*quality_of.READ, "images"):
                if name in frames:
                    opened.write_partition(name, frames[name].filter(pl.col("shard") == shard), key=shard)
                made = dg.AssetMaterialization(name, partition=shard)
                self.instance.report_runless_asset_event(made)

    def run(self, *assets: str, partition: str | None = None) -> dg.ExecuteInProcessResult:
        """Run assets with their checks."""
        job = self.definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(name) for name in assets],
            partition_key=partition,
            raise_on_error=False,
        )


def pictures(tables: Tables) -> pl.DataFrame:
    """One usable picture per scene graph."""
    known = tables.graphs.select("shard", "image_id", image_key="image_id")
    known = known.with_columns(image_set=pl.lit("s"), status=pl.lit("ok"), uri=pl.col("image_id"))
    return known.select(
        (pl.col(name) if name in known.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in IMAGES.items()
    )


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    folder = tmp_path_factory.mktemp("factory")
    for name in ("recipes", "dagster_home"):
        (folder / name).mkdir()
    (folder / "recipes" / "all.yaml").write_text(RECIPE)
    with dg.DagsterInstance.local_temp(str(folder / "dagster_home")) as instance:
        made = Factory(folder, instance)
        made.fill(sound())
        assert made.run("recipes").success
        assert RECIPES.name is not None
        assert "all" in instance.get_dynamic_partitions(RECIPES.name)
        yield made


def said(result: dg.ExecuteInProcessResult, name: str) -> dg.AssetCheckEvaluation:
    return next(one for one in result.get_asset_check_evaluations() if one.check_name == name)


def made(result: dg.ExecuteInProcessResult) -> set[str]:
    return {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}


EVERYTHING = ("qa_quality", "quality_results", "data_docs", "mixes", "exports", "dataset_card")


def test_sound_data_gets_into_a_mix(factory: Factory) -> None:
    factory.settings("{}\n")
    result = factory.run(*EVERYTHING, partition="all")
    assert result.success
    assert made(result) == set(EVERYTHING)
    results = factory.store.store().scan("quality_results").collect()
    assert dict(results.schema) == QUALITY_RESULTS
    assert results["passed"].all()
    assert (factory.folder / "exports" / "data_docs" / "index.html").is_file()
    card = (factory.folder / "exports" / "all" / "card" / "card.md").read_text()
    assert "| IsThere | qa\\_object |  |  | 800 | 800 | 800 |" in card
    told = said(result, "generators_present")
    assert str(told.metadata["plot"].value).startswith("![generators_present](data:image/png;base64,")
    age = said(result, "fresh").metadata["observed_hours"].value
    assert isinstance(age, float)
    assert 0 <= age < 1


def test_a_card_tells_of_the_export_whatever_came_after(factory: Factory) -> None:
    factory.settings("{}\n")
    assert factory.run(*EVERYTHING, partition="all").success
    card = factory.folder / "exports" / "all" / "card" / "card.md"
    before = card.read_text()
    assert "zebra" not in before
    other = pl.field("objects").list.eval(pl.element().replace({"dog": "zebra"}))
    factory.fill(sound().spoilt(metadata=pl.col("metadata").struct.with_fields(objects=other)))
    assert factory.run("mixes", "dataset_card", partition="all").success
    assert card.read_text() == before
    assert factory.run("exports", "dataset_card", partition="all").success
    assert "zebra" in card.read_text()
    factory.fill(sound())


def test_an_error_tells_what_breaks_it(factory: Factory) -> None:
    factory.settings(STRICT)
    result = factory.run("qa_quality", "quality_results", "data_docs")
    assert not result.success
    # the figures, and the site that shows why, are there
    assert made(result) == {"qa_quality", "quality_results", "data_docs"}
    told = said(result, "answer_balance")
    assert (told.passed, told.severity, told.blocking) == (False, dg.AssetCheckSeverity.ERROR, True)
    assert "from filtered_qa where generator = 'WhichOne'" in str(told.metadata["offending_sql"].value)
    assert str(told.metadata["offending_rows"].value).count("\n") == 6
    assert "max\\_choice\\_answer\\_share" in str(told.metadata["expectations"].value)
    failed = factory.store.store().scan("quality_results").filter(passed=False).collect()
    assert failed["suite"].to_list() == ["answer_balance"]


def test_figures_are_compared_with_those_before(factory: Factory) -> None:
    factory.settings("{}\n")
    other = pl.field("objects").list.eval(pl.element().replace({"dog": "zebra"}))
    factory.fill(sound().spoilt(metadata=pl.col("metadata").struct.with_fields(objects=other)))
    for _ in range(2):  # made again, the figures are compared with the same version
        told = said(factory.run("qa_quality", "quality_results", "data_docs"), "like_previous")
        assert (told.passed, told.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert "object\\_mention\\_share" in str(told.metadata["expectations"].value)
