"""What a user does first in Dagster's UI, done in a real browser on a real webserver and daemon."""

import polars as pl
import pytest
from playwright.sync_api import expect

from provision_dagster.definitions import defs
from provision_dagster.filters.schema import FAMILIES
from provision_dagster.storage.store import Store
from tests.browser.conftest import OTHERS, SHARDS
from tests.browser.pages import RUN_WAIT, DagsterUI
from tests.browser.services import SHARD_SIZE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_the_graph_shows_every_asset(ui: DagsterUI) -> None:
    names = sorted(key.to_user_string() for key in defs().resolve_asset_graph().materializable_asset_keys)
    assert {"images", "scene_graphs", "qa_object", "filtered_qa", "mixes"} <= set(names)
    with ui.step("open the asset graph"):
        ui.see_in_graph(names)
    expect(ui.page.get_by_text("Code location errors")).to_have_count(0)


def test_one_shard_is_materialized(ui: DagsterUI, store: Store, first_shard: str) -> None:
    rows = store.scan("images", partitions=first_shard).collect()
    assert rows.height == SHARD_SIZE
    assert rows["status"].unique().to_list() == ["ok"]
    with ui.step("see the shard as materialized"):
        ui.open_partition("images", first_shard)
        expect(ui.page.get_by_text("Materialized", exact=True).first).to_be_visible()


def test_a_backfill_makes_the_other_shards(ui: DagsterUI, store: Store, all_shards: list[str]) -> None:
    counts = dict(store.scan("images").group_by("shard").len().collect().iter_rows())
    assert counts == dict.fromkeys(all_shards, SHARD_SIZE)
    with ui.step("see the backfill as completed"):
        ui.open_latest_backfill()
        expect(ui.page.get_by_text("100% completed")).to_be_visible(timeout=RUN_WAIT)
        for shard in OTHERS:
            expect(ui.page.get_by_text(shard, exact=True).first).to_be_visible()


@pytest.mark.parametrize("check", ["images_is_sound", "images_usable"])
def test_checks_have_passed_on_every_shard(ui: DagsterUI, all_shards: list[str], check: str) -> None:
    with ui.step(f"see the results of {check}"):
        ui.open_check("images", check)
        expect(ui.page.get_by_text("Passed", exact=True).first).to_be_visible(timeout=RUN_WAIT)
        expect(ui.metadata("rows")).to_contain_text(str(SHARD_SIZE))
        expect(ui.metadata("broken_rows")).to_contain_text("0")
        ui.open_check_partitions()
        expect(ui.page.get_by_text(f"Passed ({len(all_shards)})", exact=True)).to_be_visible()


def test_metadata_tells_rows_and_columns(ui: DagsterUI, store: Store, first_shard: str) -> None:
    with ui.step("see the metadata of a shard"):
        ui.open_partition("images", first_shard)
        expect(ui.metadata("dagster/partition_row_count")).to_contain_text(str(SHARD_SIZE))
        expect(ui.metadata("dagster/uri")).to_contain_text(store.uri("images"))
    with ui.step("see the columns of the table"):
        ui.open_asset("images", tab="overview")
        for column, kind in store.spec("images").schema.items():
            row = ui.page.get_by_role("row").filter(has=ui.page.get_by_text(column, exact=True))
            expect(row.first).to_contain_text(str(kind))


def test_a_shard_becomes_filtered_qa(ui: DagsterUI, store: Store, filtered_shard: str) -> None:
    kept = store.scan("filtered_qa", partitions=filtered_shard).collect()
    rejected = store.scan("rejected_qa", partitions=filtered_shard).collect()
    families = [store.scan(f, partitions=filtered_shard) for f in FAMILIES]
    raw = pl.concat([f.select("id") for f in families]).collect()
    assert kept.height > 0
    assert sorted([*kept["id"], *rejected["id"]]) == sorted(raw["id"])
    with ui.step("see the check of filtered QA"):
        ui.open_check("filtered_qa", "filtered_qa_is_sound")
        expect(ui.page.get_by_text("Passed", exact=True).first).to_be_visible(timeout=RUN_WAIT)
        expect(ui.metadata("rows")).to_contain_text(str(kept.height))
    assert store.scan("filtered_qa").select(pl.col("shard").unique()).collect()["shard"].to_list() == [SHARDS[0]]
