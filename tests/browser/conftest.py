"""Fixtures: one project with four shards, served once, and what was done in its UI, each step once."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from provision_dagster.defs.automation import across_job, shard_job
from provision_dagster.defs.stages import ACROSS_SHARDS
from provision_dagster.storage.store import Store
from tests.browser.pages import RUN_WAIT, DagsterUI
from tests.browser.services import dagster, make_project

SHARDS = [f"scenes-{number:05d}" for number in range(4)]
FIRST, OTHERS = SHARDS[0], SHARDS[1:]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
]
SIZE = (1600, 1000)


@pytest.fixture(scope="module")
def chromium() -> str:
    """Path of Chromium or Chrome."""
    found = next((path for n in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(n))), None)
    if found is None:
        pytest.skip("no Chromium found on the path (`chromium`): the browser tests need one")
    return found


@pytest.fixture(scope="module")
def folder(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the project, its logs, and pictures of pages on which a step failed."""
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """Address of a webserver, with a daemon, on a project of four shards whose pictures are listed, not opened."""
    with dagster(make_project(folder), logs=folder) as served:
        yield served


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Headless Chromium, started once."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def ui(browser: Browser, address: str, folder: Path) -> Iterator[DagsterUI]:
    """Dagster's UI in a fresh context that reaches nothing but the webserver."""
    width, height = SIZE
    context = browser.new_context(base_url=address, viewport={"width": width, "height": height})
    context.route(re.compile(rf"^https?://(?!{re.escape(address.removeprefix('http://'))}/)"), lambda r: r.abort())
    yield DagsterUI(context.new_page(), evidence=folder)
    context.close()


@pytest.fixture(scope="module")
def store(address: str, folder: Path) -> Store:
    """The tables of the project."""
    return Store(folder / "tables")


@pytest.fixture(scope="module")
def first_shard(ui: DagsterUI) -> str:
    """A shard of `images`, materialized from the UI."""
    with ui.step("materialize one shard of images"):
        ui.open_asset("images", tab="partitions")
        ui.wait_for_partitions(materialized=0, missing=len(SHARDS))
        ui.materialize([FIRST])
        ui.wait_for_partitions(materialized=1, missing=len(OTHERS))
    return FIRST


@pytest.fixture(scope="module")
def all_shards(ui: DagsterUI, first_shard: str) -> list[str]:
    """All shards of `images`: the missing ones were backfilled from the UI, by the daemon."""
    with ui.step("backfill the other shards of images"):
        ui.open_asset("images", tab="partitions")
        ui.backfill_missing(OTHERS)
        ui.wait_for_partitions(materialized=len(SHARDS), missing=0)
    return SHARDS


@pytest.fixture(scope="module")
def filtered_shard(ui: DagsterUI, all_shards: list[str]) -> str:
    """A shard taken to its filtered QA from the UI, after what looks across shards."""
    with ui.step("run the job across shards"):
        ui.open_job(across_job.name)
        ui.materialize()
    for asset in ACROSS_SHARDS:
        with ui.step(f"wait for {asset}"):
            ui.open_asset(asset, tab="events")
            expect(ui.page.get_by_text("Materialized in run").first).to_be_visible(timeout=RUN_WAIT)
    with ui.step("run the job on one shard"):
        ui.open_job(shard_job.name)
        ui.materialize([FIRST])
        ui.open_asset("filtered_qa", tab="partitions")
        ui.wait_for_partitions(materialized=1, missing=len(OTHERS))
    return FIRST
