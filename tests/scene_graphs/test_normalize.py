"""Normal form of labels, attributes and predicates."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision_dagster.scene_graphs.normalize import attribute_parts, normalized, one_line


def apply(expression: pl.Expr, value: str) -> object:
    return pl.DataFrame({"text": [value]}, schema={"text": pl.String}).select(expression).item()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("  Tree  Trunk ", "tree trunk"),
        ("ON", "on"),
        ("light GREY", "light gray"),
        ("greyish", "grayish"),
        ("greyhound", "greyhound"),
        ("tall\t\n tree\u00a0x", "tall tree x"),
        ("zero\u200bwidth", "zerowidth"),
        ("cafe\u0301", "caf\u00e9"),
        ("", ""),
    ],
)
def test_label(written: str, expected: str) -> None:
    assert apply(normalized(pl.col("text")), written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Black and white", ["black", "white"]),
        ("red, grey/blue", ["blue", "gray", "red"]),
        ("red, white, and blue", ["blue", "red", "white"]),
        ("red and red", ["red"]),
        ("red white and green", ["green", "red white"]),
        ("sandy", ["sandy"]),
        ("hand and", ["hand"]),
        ("1,000/24/7", ["1,000/24/7"]),
        ("a/b/c", ["a", "b", "c"]),
        ("black-and-white", ["black-and-white"]),
        (" , and / ", []),
        ("", []),
    ],
)
def test_attribute(written: str, expected: list[str]) -> None:
    found = apply(attribute_parts(pl.col("text")), written)
    assert isinstance(found, pl.Series)
    assert found.to_list() == expected


@settings(deadline=None)
@given(st.text())
def test_normal_form_is_stable(text: str) -> None:
    once = apply(normalized(pl.col("text")), text)
    assert isinstance(once, str)
    assert apply(normalized(pl.col("text")), once) == once
    assert once == once.strip()
    assert "  " not in once


@settings(deadline=None)
@given(st.lists(st.sampled_from(["red", "Grey", " and ", ",", "/", "  ", "and", "1", "0,5"])).map("".join))
def test_parts_are_stable(text: str) -> None:
    parts = apply(attribute_parts(pl.col("text")), text)
    assert isinstance(parts, pl.Series)
    again = pl.DataFrame({"text": parts.to_list()}, schema={"text": pl.String})
    split = again.select(attribute_parts(pl.col("text"))).to_series().to_list()
    assert split == [[part] for part in parts]
    assert parts.to_list() == sorted(set(parts))


def test_one_line_keeps_case() -> None:
    assert apply(one_line(pl.col("text")), " A  Sign says\n STOP ") == "A Sign says STOP"
