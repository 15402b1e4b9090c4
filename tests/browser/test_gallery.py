"""Card and gallery of a mix, opened from disk in a real browser that is offline."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.mixes import cards
from tests.mixes.cards import EVIL, LABEL, ROWS

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PER_PAGE = 24


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return cards.written(tmp_path_factory.mktemp("gallery"))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page without network; what it asks for besides files, and its errors, must be nothing."""
    context = browser.new_context(offline=True, viewport={"width": 1200, "height": 900})
    opened = context.new_page()
    wrong: list[str] = []
    opened.on(
        "request", lambda request: None if request.url.startswith(("file:", "data:")) else wrong.append(request.url)
    )
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
    opened.on("dialog", lambda dialog: wrong.append(dialog.message))
    yield opened
    assert opened.evaluate("window.hit") is None
    assert wrong == []
    context.close()


@pytest.fixture
def gallery(page: Page, files: dict[str, Path]) -> Page:
    page.goto(files["gallery"].as_uri())
    return page


def ids(page: Page) -> list[str]:
    return [item.get_attribute("data-id") or "" for item in page.locator("#examples > li").all()]


def test_every_example_is_on_some_page(gallery: Page) -> None:
    count, next_page = gallery.get_by_role("status"), gallery.get_by_role("button", name="Next page")
    expect(count).to_have_text(f"{ROWS} of {ROWS} examples: 1 to {PER_PAGE}")
    expect(gallery.get_by_role("button", name="Previous page")).to_be_disabled()
    seen = ids(gallery)
    for number in (2, 3):
        next_page.click()
        expect(gallery.get_by_text(f"Page {number} of 3")).to_be_visible()
        seen += ids(gallery)
    expect(next_page).to_be_disabled()
    assert len(seen) == len(set(seen)) == ROWS
    gallery.get_by_role("button", name="Previous page").click()
    expect(count).to_have_text(f"{ROWS} of {ROWS} examples: {PER_PAGE + 1} to {2 * PER_PAGE}")


def test_filters_by_generator_family_and_form(gallery: Page) -> None:
    count = gallery.get_by_role("status")
    gallery.get_by_label("Generator", exact=True).select_option("MostObject")
    expect(count).to_have_text("20 of 60 examples: 1 to 20")
    assert set(gallery.locator("#examples h3").all_inner_texts()) == {"MostObject"}
    gallery.get_by_label("Form", exact=True).select_option("choice")
    expect(count).to_have_text("5 of 60 examples: 1 to 5")
    expect(gallery.locator("#examples li li.right").first).to_contain_text("(answer)")
    gallery.get_by_label("Family", exact=True).select_option("qa_relation")
    expect(count).to_have_text("0 of 60 examples")
    gallery.get_by_role("button", name="Clear filters").click()
    expect(count).to_have_text("60 of 60 examples: 1 to 24")


def test_filters_by_score(gallery: Page) -> None:
    count, judge = gallery.get_by_role("status"), gallery.get_by_role("group", name="Judge: P(Yes)")
    judge.get_by_label("from", exact=True).fill("0")
    expect(count).to_have_text("20 of 60 examples: 1 to 20")  # the others have no score
    judge.get_by_label("from", exact=True).fill("0.5")
    expect(count).not_to_have_text("20 of 60 examples: 1 to 20")
    high = set(ids(gallery))
    judge.get_by_label("from", exact=True).fill("")
    judge.get_by_label("to", exact=True).fill("0.4999")
    expect(gallery.locator("#examples .facts-of").first).to_contain_text("judge 0.")
    low = set(ids(gallery))
    assert high
    assert low
    assert not high & low
    assert len(high | low) == 20
    expect(gallery.get_by_role("group", name="Region and text: cosine")).to_have_count(0)


def test_search_finds_questions_labels_and_ids(gallery: Page) -> None:
    count, search = gallery.get_by_role("status"), gallery.get_by_role("searchbox")
    search.fill("DOG 17?")
    expect(count).to_have_text("1 of 60 examples: 1 to 1")
    expect(gallery.locator("#examples")).to_contain_text("What color is dog 17?")
    search.fill(f"{5:032x}")
    expect(count).to_have_text("1 of 60 examples: 1 to 1")
    search.fill("onload window.hit")
    expect(count).to_have_text("60 of 60 examples: 1 to 24")  # the label of every box
    search.fill("no such words")
    expect(count).to_have_text("0 of 60 examples")
    assert gallery.url.endswith("#search=no+such+words")


def test_the_address_opens_a_filtered_view(page: Page, files: dict[str, Path]) -> None:
    page.goto(f"{files['gallery'].as_uri()}#generator=HeadRelation&search={quote('dog 2')}")
    expect(page.get_by_label("Generator", exact=True)).to_have_value("HeadRelation")
    expect(page.get_by_role("status")).to_contain_text("of 60 examples")
    assert set(page.locator("#examples h3").all_inner_texts()) == {"HeadRelation"}


def test_markup_in_texts_is_text(gallery: Page) -> None:
    gallery.get_by_role("searchbox").fill("What is <script>")
    item = gallery.locator("#examples > li")
    expect(item).to_have_count(1)
    expect(item).to_contain_text(EVIL)
    expect(item.locator("figcaption").first).to_contain_text(LABEL)
    assert gallery.locator("#examples script, #examples img, #examples svg svg").count() == 0
    assert gallery.locator("script").count() == 2


def test_markup_that_got_in_runs_nothing(browser: Browser, files: dict[str, Path], tmp_path: Path) -> None:
    """The policy of the page knows its own script alone; without the policy the same markup runs."""
    text = files["gallery"].read_text(encoding="utf-8")
    spoilt = text.replace("<main", '<script>window.hit = 4</script><img src="data:," onerror="window.hit = 5"><main')
    bare = re.sub(r"<meta http-equiv.*?>", "", spoilt)
    context = browser.new_context(offline=True)
    opened = context.new_page()
    for name, page, hit in (("spoilt", spoilt, None), ("bare", bare, 5)):
        file = tmp_path / f"{name}.html"
        file.write_text(page, encoding="utf-8")
        opened.goto(file.as_uri())
        expect(opened.get_by_role("status")).to_have_text(f"{ROWS} of {ROWS} examples: 1 to {PER_PAGE}")
        assert opened.evaluate("window.hit") == hit
    context.close()


def _area(shape: Locator) -> list[float]:
    """Left, top, width and height in pixels of the large picture."""
    found = shape.evaluate("s => { const b = s.getBBox(); return [b.x, b.y, b.width, b.height]; }")
    return [float(side) for side in found]


def test_boxes_lie_where_the_objects_are(gallery: Page) -> None:
    gallery.get_by_role("searchbox").fill(f"{1:032x}")
    mark = gallery.locator("svg.picture .mark")
    expect(mark).to_have_count(1)
    assert _area(mark) == [8, 6, 32, 24]
    assert _area(gallery.locator("svg.picture image")) == [0, 0, 64, 48]
    expect(gallery.locator("svg.picture")).to_have_attribute("viewBox", "0 0 64 48")
    gallery.get_by_label("Show boxes").uncheck()
    expect(mark).to_be_hidden()


def test_pictures_of_one_question_stand_side_by_side(gallery: Page) -> None:
    gallery.get_by_role("searchbox").fill("What is <script>")
    expect(gallery.locator("figure")).to_have_count(2)
    left, right = (gallery.locator("figure").nth(place).bounding_box() for place in (0, 1))
    assert left is not None
    assert right is not None
    assert left["y"] == right["y"]
    assert right["x"] >= left["x"] + left["width"]


def test_lost_pictures_say_so(gallery: Page) -> None:
    gallery.get_by_role("searchbox").fill(f"{5:032x}")
    expect(gallery.locator("figcaption")).to_contain_text("no picture: missing")


def test_it_can_be_used_by_keyboard(gallery: Page) -> None:
    gallery.keyboard.press("Tab")
    expect(gallery.get_by_role("link", name="Skip to the examples")).to_be_focused()
    gallery.keyboard.press("Tab")
    expect(gallery.get_by_role("link", name="Card of the mix")).to_be_focused()
    gallery.keyboard.press("Tab")
    expect(gallery.get_by_role("searchbox")).to_be_focused()
    gallery.keyboard.type("dog 17?")
    expect(gallery.get_by_role("status")).to_contain_text("1 of 60")
    gallery.get_by_role("button", name="Clear filters").focus()
    gallery.keyboard.press("Enter")
    expect(gallery.get_by_role("status")).to_contain_text("60 of 60")  # until then no other page can be reached
    gallery.get_by_role("button", name="Next page").focus()
    gallery.keyboard.press("Enter")
    expect(gallery.get_by_text("Page 2 of 3")).to_be_visible()


@pytest.mark.parametrize("name", ["page", "gallery"])
def test_day_and_night_differ_and_nothing_is_wider_than_a_phone(page: Page, files: dict[str, Path], name: str) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(files[name].as_uri())
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(22, 24, 29)"]
    page.set_viewport_size({"width": 380, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 380


def test_the_card_links_to_the_gallery(page: Page, files: dict[str, Path]) -> None:
    page.goto(files["page"].as_uri())
    expect(page.get_by_role("heading", name="cards", exact=True)).to_be_visible()
    expect(page.get_by_role("img", name="Examples by generator")).to_be_visible()
    page.get_by_role("link", name="Gallery").click()
    expect(page.get_by_role("heading", name="cards: gallery")).to_be_visible()
