"""Dagster's UI as the tests use it: pages by what a user does on them, not by their markup."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from playwright.sync_api import Error, Locator, Page, expect

LOCATION = "provision_dagster"
SECONDS = 1000
WAIT = 60 * SECONDS
RUN_WAIT = 180 * SECONDS
"""For what runs in processes of its own: generous, since a busy machine is slow and a finished run ends the wait."""
ZOOM_STEPS = 16

expect.set_options(timeout=WAIT)


class DagsterUI:
    """One browser page on a Dagster webserver."""

    def __init__(self, page: Page, *, evidence: Path) -> None:
        self.page = page
        self.evidence = evidence
        page.set_default_timeout(WAIT)
        # the UI asks new users once, at some moment, to join a newsletter; this is what it keeps of the answer
        page.add_init_script("localStorage.setItem('communityNux', '\"1\"')")

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Name a step; if it fails, keep a picture and the text of the page, and say where they are."""
        try:
            yield
        except (AssertionError, Error) as error:
            name = re.sub(r"\W+", "_", what)
            picture, text = self.evidence / f"{name}.png", self.evidence / f"{name}.txt"
            self.page.screenshot(path=picture)
            text.write_text(f"{self.page.url}\n{self.text()}", encoding="utf-8")
            raise AssertionError(f"{what}: {error}\nthe page as it was: {picture} and {text}") from error

    def text(self) -> str:
        """All text of the page."""
        return self.page.locator("body").inner_text()

    def open_graph(self) -> None:
        """Open the graph of all assets with every group unfolded."""
        self.page.goto("/asset-groups")
        self.page.locator("foreignObject").first.wait_for()
        self.unfold_groups()

    def unfold_groups(self) -> None:
        """Unfold every group of the open graph."""
        self._icon("settings").last.click()
        self.page.get_by_role("menuitem", name="Expand all groups").click()
        self.page.get_by_role("img", name="unfold_less").first.wait_for()
        # the new layout is made in the background: it is there when what is drawn no longer changes
        before, drawn = -1, 0
        while drawn != before:
            self.page.wait_for_timeout(1_500)
            before, drawn = drawn, self.page.locator("foreignObject").count()

    def see_in_graph(self, names: Sequence[str]) -> None:
        """See every asset in the graph, on a large screen, zooming out.

        Only what is on the screen is drawn: what lies beyond its edges is selected and drawn alone.
        """
        missing, size = list(names), self.page.viewport_size
        self.page.set_viewport_size({"width": 7_200, "height": 4_000})
        self.open_graph()
        for _ in range(ZOOM_STEPS):
            missing = self._not_drawn(missing)
            if not missing:
                break
            self._icon("zoom_out").click()
            self.page.wait_for_timeout(300)
        if size is not None:
            self.page.set_viewport_size(size)
        for name in missing:
            self.page.goto(f'/asset-groups~key:"{name}"')
            expect(self.page.locator("foreignObject").get_by_text(name, exact=True).first).to_be_visible()

    def _not_drawn(self, names: Sequence[str]) -> list[str]:
        """Of some assets, those that the graph on the screen does not show; long names are cut with "…"."""
        drawn = [t.replace("…", "*") for t in self.page.locator("foreignObject").all_text_contents()]
        return [name for name in names if not any(fnmatchcase(name, d) for d in drawn)]

    def open_asset(self, asset: str, *, tab: str) -> None:
        """Open a tab of an asset: overview, partitions, events, checks."""
        self.page.goto(f"/assets/{asset}?view={tab}")
        self._button("Materialize").wait_for()

    def open_job(self, name: str) -> None:
        """Open a job of the definitions."""
        self.page.goto(f"/locations/{LOCATION}/jobs/{name}")
        self._button("Materialize all").wait_for()

    def materialize(self, partitions: Sequence[str] = ()) -> None:
        """Launch what the page shows, for the named partitions, or at once when there is none to choose."""
        self._button("Materialize").click()
        if partitions:
            dialog = self._launch_dialog()
            dialog.get_by_text("Select a partition").click()
            for partition in partitions:
                self.page.get_by_role("menuitem").filter(has_text=partition).click()
            self.page.keyboard.press("Escape")  # closes the list, which lies over the button
            self._launch(dialog, f"Launch {len(partitions)} run")
        # "Are you sure? Upstream assets have not been materialized yet": no model looks at these pictures
        sure, launched = self.page.get_by_role("button", name="Confirm"), self.page.get_by_text("Launched run")
        expect(launched.or_(sure).first).to_be_visible()
        if sure.is_visible():
            sure.click()
        expect(launched).to_be_visible()

    def backfill_missing(self, partitions: Sequence[str]) -> None:
        """Launch a backfill of the missing partitions of the page's asset, which must be those named."""
        self._button("Materialize").click()
        dialog = self._launch_dialog()
        dialog.get_by_role("button", name="Missing", exact=True).click()
        expect(dialog.get_by_text(f"{len(partitions)} partitions", exact=True)).to_be_visible()
        for partition in partitions:
            expect(dialog.get_by_text(partition, exact=True).first).to_be_visible()
        self._launch(dialog, "Launch backfill")
        expect(self.page.get_by_text("Created backfill")).to_be_visible()

    def wait_for_partitions(self, *, materialized: int, missing: int) -> None:
        """Wait until the page's partition tab counts so many."""
        expect(self.page.get_by_text("Failed (0)", exact=True)).to_be_visible()
        expect(self.page.get_by_text(f"Materialized ({materialized})", exact=True)).to_be_visible(timeout=RUN_WAIT)
        expect(self.page.get_by_text(f"Missing ({missing})", exact=True)).to_be_visible()

    def open_partition(self, asset: str, partition: str) -> None:
        """Open what is known of one partition: status and metadata of its latest materialization."""
        self.page.goto(f"/assets/{asset}?view=partitions&partition={partition}")
        expect(self.page.get_by_text("Latest materialization")).to_be_visible()

    def metadata(self, key: str) -> Locator:
        """The row of a metadata table with this key."""
        named = self.page.get_by_role("cell", name=key, exact=True)
        return self.page.get_by_role("row").filter(has=named)

    def open_check(self, asset: str, check: str) -> None:
        """Open a check in an asset's list of checks."""
        self.open_asset(asset, tab="checks")
        self.page.get_by_title(check, exact=True).first.click()
        expect(self.page.get_by_text("Latest execution")).to_be_visible()

    def open_check_partitions(self) -> None:
        """Turn from a check's latest result to its results for each partition."""
        self.page.get_by_role("tab", name="Partitions").last.click()

    def open_latest_backfill(self) -> None:
        """Open the newest backfill of the list of backfills."""
        self.page.goto("/runs?view=backfills")
        self.page.locator('a[href^="/runs/b/"]').first.click()

    def _button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name).first

    def _icon(self, name: str) -> Locator:
        return self.page.get_by_role("button").filter(has=self.page.get_by_role("img", name=name))

    def _launch_dialog(self) -> Locator:
        return self.page.get_by_role("dialog").filter(has_text="Launch runs to materialize")

    def _launch(self, dialog: Locator, label: str) -> None:
        dialog.get_by_role("button", name=label).click()
