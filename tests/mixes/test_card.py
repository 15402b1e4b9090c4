"""The card of a mix says what is in it; nothing in it is code; the same mix gives the same bytes."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest

from provision_dagster.mixes.card.charts import bars, curve
from provision_dagster.mixes.card.distributions import distributions
from provision_dagster.mixes.card.funnel import funnel
from provision_dagster.mixes.card.ledger import ledger, summary
from provision_dagster.mixes.card.pages import asset, markdown, percent
from provision_dagster.mixes.card.tails import tails
from provision_dagster.mixes.gallery.entries import gallery
from provision_dagster.mixes.gallery.sample import sample
from provision_dagster.mixes.manifest import Ledger
from provision_dagster.mixes.schema import MIX
from tests.mixes import cards
from tests.mixes.cards import EVIL, LABEL, PICTURES, ROWS
from tests.mixes.examples import HEIGHT, WIDTH, base_row, pictures


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cards")


@pytest.fixture(scope="module")
def mix(folder: Path) -> pl.DataFrame:
    return cards.mix(folder)


@pytest.fixture(scope="module")
def files(folder: Path) -> dict[str, Path]:
    return cards.written(folder)


def test_groups_answers_and_words_are_counted(mix: pl.DataFrame) -> None:
    found = distributions(mix.lazy())
    assert (found.rows, found.questions) == (ROWS, ROWS)
    assert found.groups["generator"].rows() == [
        ("AttributeBBox", 20, 1 / 3),
        ("HeadRelation", 20, 1 / 3),
        ("MostObject", 20, 1 / 3),
    ]
    assert dict(found.groups["form"].select("value", "rows").iter_rows()) == {"open": 45, "choice": 15}
    assert dict(found.groups["pictures"].select("value", "rows").iter_rows()) == {"1": 59, "2": 1}
    assert found.answers.select("value", "rows").rows() == [("brown", 45)]
    assert found.letters.rows() == [("B of 2", 15, 1.0)]
    assert found.yes_no == 0
    assert found.first_two_words.row(0)[:2] == ("what color", 59)
    assert found.question_words["value"][0] == "1 - 5"
    assert found.question_words["rows"].sum() == ROWS
    assert found.lengths.filter(of="answer").row(0)[1:] == (1, 1, 1, 1)


def test_long_texts_share_the_last_bar(mix: pl.DataFrame) -> None:
    long = mix.with_columns(question=pl.lit("word " * 75))
    found = distributions(long.lazy()).question_words
    assert found.row(-1)[:2] == ("over 60", ROWS)
    assert found["rows"].to_list() == [0] * 12 + [ROWS]


def test_the_funnel_follows_every_generator(mix: pl.DataFrame, folder: Path) -> None:
    found = funnel(mix.lazy(), tables=cards.tables(folder))
    assert found.generators.rows()[0] == ("qa_attribute", "AttributeBBox", 50, 30, 21, 20, 20)
    assert found.totals == {"candidates": 150, "proved": 90, "raw": 64, "kept": 60, "mixed": 60}
    assert found.dropped.rows()[0] == ("AttributeBBox", "ambiguous", 20)
    assert found.rejected.rows() == [("too_long", 4)]


def test_tails_count_an_example_once_per_value(mix: pl.DataFrame) -> None:
    objects, attributes, predicates = tails(mix.lazy())
    assert objects.counts.rows() == [("dog", ROWS)]
    assert attributes.counts.rows() == [("brown", 40)]  # twice in every third pair, and still once
    assert (predicates.values, predicates.mentions, predicates.head_share) == (0, 0, None)
    assert (objects.rare, objects.first, objects.last) == (0, f"dog ({ROWS})", "")


def test_the_ledger_has_every_picture(mix: pl.DataFrame, folder: Path) -> None:
    found = ledger(mix.lazy(), images=cards.pictures(folder).lazy())
    assert found["image_key"].to_list() == [f"i{i}.jpg" for i in range(PICTURES)]
    assert found["examples"].to_list() == [10, 11, 10, 10, 10, 10]
    (row,) = summary(found).rows()
    assert row == ("vg", "CC BY 4.0", PICTURES, ROWS + 1, PICTURES - 1, "author 0; author 1; author 2")


def _with_base(mix: pl.DataFrame) -> pl.DataFrame:
    """The mix with three rows of a base set in place of its first: two of one picture, one without any."""
    bare = pl.lit([], dtype=mix.schema["image_ids"])
    base = mix.head(3).with_columns(
        pl.Series("image_uris", [["coco/1.jpg"], ["coco/1.jpg"], []]),
        origin=pl.lit("base"),
        generator=pl.lit("base"),
        shard=pl.lit(""),
        image_ids=bare,
        license=pl.lit("unknown"),
    )
    return pl.concat([mix.slice(3), base])


def test_pictures_of_a_base_set_are_in_the_ledger(mix: pl.DataFrame, folder: Path) -> None:
    both = _with_base(mix).lazy()
    found = ledger(both, images=cards.pictures(folder).lazy()).filter(image_set="base")
    assert found.rows() == [("base", "coco/1.jpg", None, "unknown", None, 2)]
    assert funnel(both, tables=cards.tables(folder)).totals["mixed"] == ROWS - 3


def test_manifest_and_card_tell_of_the_same_pictures(mix: pl.DataFrame, folder: Path) -> None:
    both, images = _with_base(mix), cards.pictures(folder)
    pictures, told = ledger(both.lazy(), images=images.lazy()), Ledger()
    for part in (both.head(20), both.slice(20)):
        told.add(part)
    assert told.counts()["images"] == pictures.height == PICTURES + 1
    by_license = pictures.group_by("license").agg(pl.len(), pl.col("attribution").drop_nulls().unique().sort())
    said = [(one["license"], one["pictures"], one["attribution"]) for one in told.licenses(images)]
    assert said == by_license.sort("license").rows()


def test_a_sample_takes_generators_in_turn_and_a_larger_one_begins_with_it(mix: pl.DataFrame) -> None:
    few, many = (sample(mix.lazy(), seed=0, rows=rows) for rows in (7, 20))
    assert few["generator"].value_counts()["count"].to_list().count(2) == 2
    assert many["id"].to_list()[:7] == few["id"].to_list()
    shuffled = mix.sample(fraction=1, shuffle=True, seed=4)
    assert sample(shuffled.lazy(), seed=0, rows=20).equals(many)
    assert sample(mix.lazy(), seed=1, rows=7)["id"].to_list() != few["id"].to_list()
    rare = pl.concat([mix.filter(generator="MostObject").head(1), mix.filter(generator="HeadRelation")])
    assert sample(rare.lazy(), seed=0, rows=4)["generator"].to_list().count("MostObject") == 1
    assert sample(mix.lazy(), seed=0, rows=1_000).height == ROWS


def test_entries_have_boxes_labels_and_pictures(mix: pl.DataFrame, folder: Path) -> None:
    shown = gallery(mix, tables=cards.tables(folder))
    two = next(entry for entry in shown.entries if len(entry["pictures"]) == 2)
    assert two["boxes"] == [[cards.BOX | {"label": LABEL}], []]
    assert len(shown.pictures) == PICTURES
    whole, lost = shown.pictures["vg-00000/i0"], shown.pictures[f"vg-00000/i{PICTURES - 1}"]
    assert whole["src"].startswith("data:image/webp;base64,")
    assert (whole["width"], whole["height"], whole["problem"]) == (64, 48, None)
    assert (lost["src"], lost["width"], lost["problem"]) == (None, 64, "missing")


def test_boxes_of_the_text_stand_in_for_lost_evidence(mix: pl.DataFrame, folder: Path) -> None:
    box = cards.BOX | {"image": 0, "label": "dog"}
    changed = mix.head(1).with_columns(pl.Series("boxes", [[box]], dtype=mix.schema["boxes"]), id=pl.lit("gone"))
    (entry,) = gallery(changed, tables=cards.tables(folder)).entries
    assert entry["boxes"][0] == [cards.BOX | {"label": "dog"}]


def test_equal_mixes_give_equal_bytes(files: dict[str, Path], folder: Path) -> None:
    def everything() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in sorted(files["card"].parent.rglob("*")) if p.is_file()}

    before = everything()
    assert len(before) == 4 + len(list((files["card"].parent / "charts").iterdir()))
    cards.written(folder)
    assert everything() == before


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("name", ["page", "gallery"])
def test_pages_hold_no_markup_of_the_data_and_ask_for_nothing(files: dict[str, Path], name: str) -> None:
    text = files[name].read_text(encoding="utf-8")
    assert "window.hit" in text
    parser = _Elements()
    parser.feed(text)
    tags = [tag for tag, _ in parser.found]
    assert tags.count("script") == (2 if name == "gallery" else 0)
    assert "img" not in tags
    for tag, given in parser.found:
        assert not [a for a in given if a.startswith("on") or a == "style"], (tag, given)
        for link in ("src", "href"):
            assert not re.match(r"https?:|//|/|file:", given.get(link) or ""), (tag, given)
    (policy,) = [given["content"] for _, given in parser.found if given.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert str(files[name].parent) not in text


def test_markdown_shows_texts_as_texts(files: dict[str, Path]) -> None:
    text = files["card"].read_text(encoding="utf-8")
    assert "<script" not in text
    assert "A mix \\| of \\*tests\\* &lt;/script&gt;" in text
    assert "| AttributeBBox | qa\\_attribute | 50 | 30 | 21 | 20 | 20 |" in text
    assert "| vg | CC BY 4.0 | 6 | 61 | 5 | author 0; author 1; author 2; ... |" in text
    for chart in re.findall(r"\]\((charts/.*?)\)", text):
        ElementTree.parse(files["card"].parent / chart)
    assert markdown("a\n| <b> [c](d) `e`") == "a \\| &lt;b&gt; \\[c\\](d) \\`e\\`"


def test_the_ledger_is_written_line_by_line(files: dict[str, Path]) -> None:
    lines = [json.loads(line) for line in files["pictures"].read_text(encoding="utf-8").splitlines()]
    assert [line["attribution"] for line in lines] == [None if i == 4 else f"author {i}" for i in range(PICTURES)]


def test_long_answers_are_counted_together(mix: pl.DataFrame) -> None:
    texts = [f"{number:081}" if number % 2 else "x" * 80 for number in range(ROWS)]
    found = distributions(mix.with_columns(pl.Series("answer", texts), form=pl.lit("open")).lazy())
    assert found.answers.rows() == [("(over 80 letters)", 30, 0.5), ("x" * 80, 30, 0.5)]


def test_letters_are_counted_among_questions_with_as_many_options(mix: pl.DataFrame) -> None:
    three = pl.lit(["a", "b", "c"], dtype=mix.schema["options"])
    choice = mix.filter(form="choice")
    found = distributions(pl.concat([choice, choice.head(5).with_columns(options=three, response=pl.lit("C"))]).lazy())
    assert found.letters.rows() == [("B of 2", 15, 1.0), ("C of 3", 5, 1.0)]
    mixed = choice.with_columns(response=pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("A")).otherwise("response"))
    assert distributions(mixed.lazy()).letters.rows() == [("A of 2", 3, 0.2), ("B of 2", 12, 0.8)]


@pytest.mark.parametrize(
    ("share", "told"),
    [(None, ""), (0.0, "0.0%"), (0.0004, "< 0.1%"), (0.25, "25.0%"), (0.9999, "> 99.9%"), (1.0, "100.0%")],
)
def test_only_nothing_is_no_percent_and_only_all_a_hundred(share: float | None, told: str) -> None:
    assert percent(share) == told


def test_charts_are_xml_whatever_the_names() -> None:
    counts = pl.DataFrame({"value": [EVIL, None, "b\x01"], "rows": [1_000, 10, 0], "share": [0.99, 0.01, 0.0]})
    for chart in (bars("a", EVIL, counts), bars("b", "none", counts.head(0)), curve("c", "tail", counts.head(2))):
        root = ElementTree.fromstring(chart.file)
        assert root.tag.endswith("svg")
        assert not root.findall(".//{http://www.w3.org/2000/svg}script")
    assert curve("d", "none", counts.head(0)).described == "0 values, from 0 to 0 examples"


def _light(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(a: str, b: str) -> float:
    low, high = sorted((_light(a), _light(b)))
    return (high + 0.05) / (low + 0.05)


def test_texts_are_legible_by_day_and_by_night() -> None:
    """WCAG 2.2, 1.4.3 and 1.4.11: 4.5 for texts, 3 for what is drawn."""
    themes = re.findall(r":root \{(.*?)\}", asset("page.css"), flags=re.DOTALL)
    assert len(themes) == 2
    for theme in themes:
        colors = dict(re.findall(r"--(\w+): (#\w{6})", theme))
        for ground in ("ground", "panel"):
            for text in ("text", "quiet", "link", "right"):
                assert _contrast(colors[text], colors[ground]) >= 4.5, (text, ground)
            assert _contrast(colors["focus"], colors[ground]) >= 3
        assert _contrast("#4a7fc1", colors["ground"]) >= 3  # bars
    swatches = re.findall(r"\.f\d \{ fill: (#\w{6})", asset("gallery.css"))
    assert len(swatches) == 7
    assert all(_contrast("#ffffff", color) >= 4.5 for color in swatches)


def test_the_gallery_opens_pictures_of_a_base_set_in_tars(tmp_path: Path) -> None:
    made = pictures(tmp_path / "photos")
    uri = f"tar://in/i3.jpg::{tmp_path / 'photos' / 'set.tar'}"
    turns = [("human", "<image>\nWhat?"), ("gpt", "A wall.")]
    row = pl.DataFrame([base_row("packed", turns, [uri], position=0)], schema=MIX)
    found = gallery(row, tables={**cards.tables(tmp_path), "images": made.lazy()})
    (shown,) = found.pictures.values()
    assert (shown["name"], shown["width"], shown["height"]) == ("i3.jpg", WIDTH, HEIGHT)
