"""Streaming JSON: the same values as json.loads, whatever the pieces, and no more than a piece in memory."""

import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision_dagster.scene_graphs.readers import json_stream
from provision_dagster.scene_graphs.readers.json_stream import Cursor, RepeatedKeys, entries, section_entries
from provision_dagster.scene_graphs.readers.spill import KeyedEntries, Spill

values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=8,
)


class Slow(io.StringIO):
    """Hands out a few characters at a time, whatever is asked for."""

    step = 1

    def read(self, size: int | None = -1) -> str:
        return super().read(self.step)


@settings(deadline=None)
@given(st.lists(values, max_size=5), st.integers(1, 7), st.sampled_from([None, 1]), st.booleans())
def test_array_in_any_pieces(found: list[Any], step: int, indent: int | None, ascii_only: bool) -> None:
    text = Slow(json.dumps(found, indent=indent, ensure_ascii=ascii_only))
    text.step = step
    cursor = Cursor(text, path=Path("x"))
    assert [value for _, value in cursor.array()] == found
    cursor.end()


def test_numbers_cut_between_pieces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("[1234567890, -1.5e10, NaN, -Infinity]")
    for size in range(1, 12):
        monkeypatch.setattr(json_stream, "CHUNK", size)
        found = [value for _, value in entries(file)]
        assert str(found) == "[1234567890, -15000000000.0, nan, -inf]"


def test_sections(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"info": {"a": 1}, "images": [], "annotations": [5, 6]}')
    assert list(section_entries(file)) == [
        ("info", None, {"a": 1}),
        ("images", None, []),
        ("annotations", None, []),
        ("annotations", 0, 5),
        ("annotations", 1, 6),
    ]


def test_repeated_keys(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"a": {"x": 1, "x": 2, "y": 3}}')
    ((_, found),) = entries(file, repeats=True)
    assert isinstance(found, RepeatedKeys)
    assert (dict(found), found.repeated) == ({"x": 1, "y": 3}, (("x", 2),))


def test_a_long_file_is_not_held(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    entry = json.dumps({"text": "x" * 10_000})
    file.write_text("[" + ",".join([entry] * 3_000) + "]")
    tracemalloc.start()
    assert sum(1 for _ in entries(file)) == 3_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert file.stat().st_size > 30_000_000
    assert peak < 8_000_000


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers()), max_size=12),
    st.lists(st.sampled_from("abcde")),
)
def test_keyed_entries_lose_nothing(stream: list[tuple[str, int]], wanted: list[str]) -> None:
    source, left = KeyedEntries(stream), list(stream)
    for key in wanted:
        first = next((pair for pair in left if pair[0] == key), None)
        assert source.take(key) == (first[1] if first else None)
        if first:
            left.remove(first)
    assert sorted(source.rest()) == sorted(left)


def test_spill_keeps_order() -> None:
    spill = Spill()
    for number in range(5_000):
        spill.put(str(number % 3), {"n": number})
    assert [value["n"] for value in spill.take("1")] == list(range(1, 5_000, 3))
    assert spill.take("1") == []
    assert [value["n"] for _, value in spill.rest()] == [n for n in range(5_000) if n % 3 != 1]
