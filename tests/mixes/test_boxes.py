"""Boxes in texts: which are mentioned, and how each notation writes them."""

import re
from pathlib import Path

import polars as pl
import pytest

from provision_dagster.errors import InputError
from provision_dagster.generators import templates
from provision_dagster.mixes.boxes import SAID, box_text, reword_boxes
from provision_dagster.mixes.build import build_mix
from tests.mixes.examples import BOX, HEIGHT, OTHER, PRINTED, WIDTH, asked, questions
from tests.mixes.rows import filtered, image, images, recipe


def mix(rows: pl.DataFrame, **fields: object) -> pl.DataFrame:
    size = {"width": WIDTH, "height": HEIGHT}
    known = images(*(image(name, **size) for name in ("i1", "i2", "i3")))
    return build_mix(recipe(**fields), filtered_qa=rows, images=known).sort("id")


@pytest.mark.parametrize(
    ("notation", "box", "text"),
    [
        ("ratio", BOX, "[0.13, 0.13, 0.63, 0.63]"),
        ("thousand", BOX, "[125, 125, 625, 625]"),
        ("pixels", BOX, "[8, 6, 40, 30]"),
        ("ratio", OTHER, "[0.00, 0.00, 1.00, 1.00]"),
        ("thousand", OTHER, "[0, 0, 999, 999]"),
        ("pixels", OTHER, "[0, 0, 64, 48]"),
        ("pixels", {"x1": 0.4, "y1": 0.5, "x2": 63.5, "y2": 47.6}, "[0, 1, 64, 48]"),
    ],
)
def test_notations(notation: str, box: dict[str, float], text: str) -> None:
    frame = pl.DataFrame([{**box, "width": WIDTH, "height": HEIGHT}])
    assert frame.select(box_text(notation)).item() == text  # type: ignore[arg-type]


def test_an_unknown_notation() -> None:
    with pytest.raises(InputError, match="`notation` must be one of ratio, thousand, pixels, got 'percent'"):
        box_text("percent")  # type: ignore[arg-type]


def test_the_boxes_that_a_text_mentions() -> None:
    found = mix(questions())["boxes"].to_list()
    assert found[0] == [{"image": 0, **BOX, "label": "dog"}]
    assert found[1] == [{"image": 0, **BOX, "label": "dog"}, {"image": 0, **OTHER, "label": "sofa"}]
    assert found[2:] == [[], [], []]


def test_evidence_that_is_not_written_is_not_mentioned() -> None:
    rows = filtered(asked(1, f"What is left of [{PRINTED}?", boxes=[OTHER, BOX], labels=["sofa", "dog"]))
    assert [box["label"] for box in mix(rows)["boxes"][0]] == ["dog"]


@pytest.mark.parametrize(
    ("notation", "first", "second"),
    [
        ("ratio", PRINTED, "[0.00, 0.00, 1.00, 1.00]"),
        ("thousand", "[125, 125, 625, 625]", "[0, 0, 999, 999]"),
        ("pixels", "[8, 6, 40, 30]", "[0, 0, 64, 48]"),
    ],
)
def test_a_recipe_names_the_notation(notation: str, first: str, second: str) -> None:
    rows = mix(questions(), box_format=notation, form="open")
    assert rows["prompt"][0] == f"What color is the dog in the box {first}?"
    assert rows["question"][1] == f"How is {first} related to {second}?"
    assert rows["prompt"].to_list()[2:] == mix(questions(), form="open")["prompt"].to_list()[2:]


def test_boxes_in_options_and_answers() -> None:
    said = {"answer": PRINTED, "options": [PRINTED, "[0.10]"], "answer_index": 0}
    rows = filtered(asked(1, f"Where is it, {PRINTED}?", boxes=[BOX], labels=["dog"], **said))
    row = mix(rows, box_format="pixels", form="choice").row(0, named=True)
    assert row["options"] == ["[8, 6, 40, 30]", "[0.10]"]
    assert row["answer"] == "[8, 6, 40, 30]"
    assert row["prompt"] == "Where is it, [8, 6, 40, 30]?\nA. [8, 6, 40, 30]\nB. [0.10]"


def test_what_a_question_says_of_its_notation_is_true_in_each() -> None:
    for phrase, others in SAID.items():
        rows = filtered(asked(1, f"Boxes {phrase}: what is in {PRINTED}?", boxes=[BOX], labels=["dog"]))
        for notation, told in others.items():
            assert mix(rows, box_format=notation, form="open")["prompt"][0].startswith(f"Boxes {told}: what is in [")


def test_every_template_with_a_box_that_names_its_notation_is_known() -> None:
    texts = [
        text
        for file in Path(templates.__file__).parent.glob("templates/*.yaml")
        for text in re.findall(r'(?:open|choice): "(.*)"', file.read_text(encoding="utf-8"))
        if re.search(r"\{\w*box\}", text)
    ]
    naming = [text for text in texts if re.search(r"ratio|fraction|share|percent|0 to 1|normali", text)]
    assert len(texts) > 100
    assert naming
    assert [text for text in naming if not any(phrase in text for phrase in SAID)] == []


def test_a_picture_of_unknown_size() -> None:
    rows = mix(questions()).with_columns(
        sizes=pl.lit(
            [{"width": None, "height": None}], dtype=pl.List(pl.Struct({"width": pl.Int32, "height": pl.Int32}))
        )
    )
    with pytest.raises(
        InputError, match="`box_format` pixels: 2 rows mention boxes of pictures whose size is not known"
    ):
        reword_boxes(rows, notation="pixels")
