"""Whatever comes in: nothing is lost, nothing doubled, order does not matter, a slow oracle agrees."""

import random
from typing import Any

import hypothesis.strategies as st
import polars as pl
from hypothesis import given, settings

from provision_dagster.filters.filter_qa import filter_qa, qa_statistics
from tests.filters.rows import box, images, qa, raw_qa, scene_graphs

ROW = st.fixed_dictionaries(
    {
        "generator": st.sampled_from(["AttributeBBox", "MostObject"]),
        "image_ids": st.sampled_from([["i1"], ["i2"], ["i1", "i2"], ["gone"]]),
        "question": st.sampled_from(["What is it?", "WHAT is it?", "Where is it?", "Broken", ""]),
        "answer": st.sampled_from(["brown", "Brown", "black"]),
        "options": st.sampled_from([[], ["brown", "black"], ["a", "A"], ["brown"]]),
        "answer_index": st.sampled_from([None, 0, 1, 2]),
        "evidence": st.sampled_from(
            [
                None,
                {"object_ids": ["o1"], "boxes": [box(60, 60)]},
                {"object_ids": ["o1", "o3"], "boxes": [box(60, 40)]},
                {"object_ids": [], "boxes": [box(50, 50), box(51, 52)]},
            ]
        ),
    }
)
OBJECTS = {"i1": {"o1", "o2"}, "i2": {"o3"}}


def broken_rule(row: dict[str, Any]) -> str | None:
    """The rules that look at one pair, in plain Python."""
    boxes = (row["evidence"] or {}).get("boxes") or []
    sides = [min(b["x2"] - b["x1"], b["y2"] - b["y1"]) for b in boxes]
    known = set().union(*(OBJECTS.get(image, set()) for image in row["image_ids"]))
    options, index = row["options"], row["answer_index"]
    fits = index is not None and index < len(options)
    if not row["question"].endswith(("?", ".")):
        return "format"
    if "gone" in row["image_ids"]:
        return "image"
    if row["generator"] == "AttributeBBox" and min(sides, default=0) < 50:
        return "region_size"
    if (options or index is not None) and (len({o.lower() for o in options}) < max(2, len(options)) or not fits):
        return "options"
    if not set((row["evidence"] or {}).get("object_ids") or []) <= known:
        return "evidence"
    return None


def oracle(rows: list[dict[str, Any]]) -> dict[str, str | None]:
    verdicts = {row["id"]: broken_rule(row) for row in rows}
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda r: str(r["id"])):
        if verdicts[row["id"]] is None:
            groups.setdefault((*row["image_ids"], row["question"].lower()), []).append(row)
    for group in groups.values():
        conflict = len({row["answer"].lower() for row in group}) > 1
        for row in group if conflict else group[1:]:
            verdicts[row["id"]] = "conflicting_answers" if conflict else "duplicate"
    return verdicts


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=25), st.randoms(use_true_random=False))
def test_the_oracle_agrees(changes: list[dict[str, Any]], rng: random.Random) -> None:
    rows = [qa(i, **change) for i, change in enumerate(changes)]
    raw = raw_qa(*rows)
    kept, rejected = filter_qa(raw, images=images(), scene_graphs=scene_graphs())
    assert len(kept) + len(rejected) == len(raw)
    found = {**dict.fromkeys(kept["id"]), **dict(rejected.select("id", "rule").rows())}
    assert found == oracle(rows)
    assert pl.concat([kept, rejected.select(kept.columns)]).sort("id").equals(raw)

    rng.shuffle(rows)
    again = filter_qa(raw_qa(*rows), images=images(), scene_graphs=scene_graphs())
    assert again[0].equals(kept)
    assert again[1].equals(rejected)


@settings(max_examples=20, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=25))
def test_the_statistics_add_up(changes: list[dict[str, Any]]) -> None:
    raw = raw_qa(*(qa(i, **change) for i, change in enumerate(changes)))
    kept, _ = filter_qa(raw, images=images(), scene_graphs=scene_graphs())
    statistics, labels = qa_statistics(raw, filtered_qa=kept)
    assert statistics["raw_rows"].sum() == len(raw)
    assert statistics["rows"].sum() == len(kept)
    assert (statistics["keep_rate"] * statistics["raw_rows"]).sum() == len(kept)
    assert labels.filter(kind="object")["rows"].sum() == len(kept)
    for shares, choices in statistics.select("answer_position_shares", "choice_share").rows():
        assert abs(sum(shares) - (1 if choices else 0)) < 1e-9
