"""Take the pictures of docs/images: run the demo in a temporary folder, serve it, open the pages in headless Chromium.

python docs/make_screenshots.py            # needs `chromium` on the path and the extra `dev`
python docs/make_screenshots.py --home D   # serve the demo that has been run in the folder D
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Locator, Page, expect, sync_playwright

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.browser.pages import DagsterUI  # noqa: E402
from tests.browser.services import dagster  # noqa: E402

IMAGES = REPOSITORY / "docs" / "images"
SCALE = 1.5
"""Pixels per CSS pixel: sharp on a screen, small on disk."""
WIDE, SHOT = (3400, 1400), (1340, 760)
MARGIN = 14
LARGEST = 300_000
"""Bytes of a picture."""
HIDDEN_FACETS = ("Sync status tags", "Status", "Automation", "Latest event")
"""Shown for each asset unless switched off; without them the nodes are lower, and the whole graph fits."""


def run_demo(home: Path) -> None:
    """Run the demo in a folder, unless it has been run there."""
    if not (home / ".dagster_home").exists():
        subprocess.run([sys.executable, "-m", "provision_dagster.cli", "demo"], cwd=home, env=_env(home), check=True)


def _env(home: Path) -> dict[str, str]:
    """Settings that name the folders of the demo, so that it can be served from the repository."""
    folders = {
        "PROVISION_DATA": home / "data" / "tables",
        "PROVISION_IMAGE_SETS": home / "data" / "image_sets",
        "PROVISION_EXPORTS": home / "data" / "exports",
        "PROVISION_RECIPES": home / "recipes",
        "DAGSTER_HOME": home / ".dagster_home",
        "PYTHONPATH": REPOSITORY,
    }
    return os.environ | {name: str(path) for name, path in folders.items()} | {"DAGSTER_DISABLE_TELEMETRY": "true"}


def asset_graph(ui: DagsterUI) -> None:
    """All assets by group but the models of the SQL, cut to the graph."""
    page = ui.page
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    page.add_init_script("localStorage.setItem('asset-graph-direction', '\"vertical\"')")
    page.add_init_script("localStorage.setItem('dagster-nav-collapsed', 'true')")
    page.goto('/asset-groups~not group:"sql_models"')
    page.locator("foreignObject").first.wait_for()
    _button(page, "panel_show_right").last.click()
    _button(page, "config").click()
    for facet in HIDDEN_FACETS:
        page.locator("label").filter(has_text=re.compile(f"^{facet}$")).click()
    page.get_by_role("button", name="Save").click()
    ui.unfold_groups()
    _settle(page)
    boxes = [box for group in page.locator("foreignObject.group").all() if (box := group.bounding_box())]
    left, top = (min(box[side] for box in boxes) - MARGIN for side in ("x", "y"))
    right = max(box["x"] + box["width"] for box in boxes) + MARGIN
    bottom = max(box["y"] + box["height"] for box in boxes) + MARGIN
    # the buttons for zoom stand over the graph's corner
    page.add_style_tag(content="[class*=SVGViewport_zoom], [class*=zoomSlider] { visibility: hidden }")
    _save(page, "asset_graph", clip=(left, top, right - left, bottom - top))


def partitions(ui: DagsterUI) -> None:
    """Shards of an asset, and what is known of one: the funnel of its generators."""
    ui.open_partition("qa_object", "rendered-00001")
    ui.metadata("dagster/partition_row_count").wait_for()
    _save(ui.page, "partitions")


def models(ui: DagsterUI) -> None:
    """What a model found in the pictures of a shard: which model, how fast, how set."""
    ui.open_partition("detections", "unannotated-00000")
    ui.metadata("dagster/partition_row_count").wait_for()
    _save(ui.page, "models")


def checks(ui: DagsterUI) -> None:
    """The checks of an asset, and the latest result of one."""
    ui.open_check("images", "images_is_sound")
    _settle(ui.page)
    _save(ui.page, "checks")


def quality(ui: DagsterUI) -> None:
    """A suite of the whole data set: its expectations, with what was observed, and its chart."""
    ui.open_check("qa_quality", "answer_balance")
    row = ui.metadata("plot")
    row.get_by_text("[Show Markdown]").click()
    _settle(ui.page, escape=False)
    _save(ui.page, "quality")


def sql_model(ui: DagsterUI) -> None:
    """A rule in SQL: what it says, its columns and where each comes from."""
    ui.page.goto("/assets/int_rule_region_size?view=overview")
    ui.page.get_by_text("Column name").wait_for()
    _settle(ui.page)
    _save(ui.page, "sql_model")


def lineage(ui: DagsterUI) -> None:
    """Staging and rule models, from the tables that they read to the verdict on each question."""
    ui.page.set_viewport_size({"width": 1340, "height": 900})
    ui.page.add_init_script("localStorage.setItem('dagster-nav-collapsed', 'true')")
    ui.page.goto("/locations/provision_dagster/asset-groups/sql_models/lineage")
    ui.page.locator("foreignObject").first.wait_for()
    _settle(ui.page)
    _save(ui.page, "lineage")


def metadata(ui: DagsterUI) -> None:
    """The columns of a table."""
    ui.open_asset("filtered_qa", tab="overview")
    ui.page.get_by_text("Column name").wait_for()
    _save(ui.page, "metadata")


def run(ui: DagsterUI) -> None:
    """A run that took one shard from scene graphs to filtered QA, step by step."""
    ui.open_partition("filtered_qa", "rendered-00001")
    link = ui.page.locator('a[href^="/runs/"]').filter(has_text=re.compile(r"^[0-9a-f]{8}$")).first
    # without its query, which would show one step only
    ui.page.goto((link.get_attribute("href") or "").split("?")[0])
    ui.page.get_by_text("STEP_SUCCESS").first.wait_for()
    # the steps take the place of the events
    _button(ui.page, "expand_arrows").first.click()
    _settle(ui.page)
    _save(ui.page, "run")


def card(ui: DagsterUI) -> None:
    """The head of the card of a mix."""
    _open_page(ui, "card")
    _save(ui.page, "card")


def gallery(ui: DagsterUI) -> None:
    """The gallery of a mix, filtered, as it looks where pages are dark."""
    ui.page.emulate_media(color_scheme="dark")
    _open_page(ui, "gallery", "#family=qa_attribute")
    _save(ui.page, "gallery", end="jpg")  # photographs


def _open_page(ui: DagsterUI, name: str, view: str = "") -> None:
    """Open a page of the card of the demo's mix, from disk."""
    file = ui.evidence / "data" / "exports" / "foundation" / "card" / f"{name}.html"
    ui.page.goto(f"{file.as_uri()}{view}")
    _settle(ui.page)


PICTURES: tuple[Callable[[DagsterUI], None], ...] = (
    asset_graph,
    partitions,
    models,
    checks,
    metadata,
    quality,
    sql_model,
    lineage,
    run,
    card,
    gallery,
)


def _button(page: Page, icon: str) -> Locator:
    return page.get_by_role("button").filter(has=page.get_by_role("img", name=icon))


def _settle(page: Page, *, escape: bool = True) -> None:
    """Wait until nothing moves: the UI slides and zooms, and says nowhere that it is done."""
    if escape:
        page.keyboard.press("Escape")
    before = b""
    while before != (now := page.screenshot()):
        before = now
        page.wait_for_timeout(500)


def _save(
    page: Page, name: str, *, clip: tuple[float, float, float, float] | None = None, end: Literal["png", "jpg"] = "png"
) -> None:
    """Write a picture, and refuse one that is too large for a repository."""
    path = IMAGES / f"{name}.{end}"
    area = None if clip is None else {"x": clip[0], "y": clip[1], "width": clip[2], "height": clip[3]}
    page.screenshot(path=path, clip=area, quality=80 if end == "jpg" else None)  # type: ignore[arg-type]
    if end == "png":
        # a page has few colours
        Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(REPOSITORY)}: {size:,} bytes")
    if size > LARGEST:
        raise SystemExit(f"`{path.name}` has {size:,} bytes, more than {LARGEST:,}")


def take_pictures(home: Path, *, only: str | None) -> None:
    """Serve the demo of a folder and take every picture, or one."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("no Chromium found on the path (`chromium`)")
    IMAGES.mkdir(exist_ok=True)
    with dagster(_env(home), logs=home) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for take in (p for p in PICTURES if only in (None, p.__name__)):
            size = {"width": SHOT[0], "height": SHOT[1]}
            context = browser.new_context(base_url=address, device_scale_factor=SCALE, viewport=size)  # type: ignore[arg-type]
            expect.set_options(timeout=60_000)
            take(DagsterUI(context.new_page(), evidence=home))
            context.close()
        browser.close()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=[take.__name__ for take in PICTURES], help="one picture; default: all")
    parser.add_argument("--home", type=Path, help="folder in which the demo has been run; default: run it in a new one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = (given.home or Path(temporary)).absolute()
        run_demo(home)
        take_pictures(home, only=given.only)


if __name__ == "__main__":
    main()
