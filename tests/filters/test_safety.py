"""The rule `safety`: what is told of pictures, against the greatest score, denied labels and what must be told."""

from typing import Any

import polars as pl
import pytest

from provision_dagster.filters.config import FilterConfig
from provision_dagster.filters.filter_qa import filter_qa
from provision_dagster.image_sets.schema import IMAGES, PICTURE_SAFETY
from tests.filters.rows import qa, raw_qa, scene_graphs

Told = tuple[str | None, float | None]


def keyed(*keys: str, status: str = "ok") -> pl.DataFrame:
    """Pictures of the set `t`: the image id is the key up to a dot, so `i1` and `i1.copy` have the same pixels."""
    rows = [{"image_set": "t", "image_key": k, "image_id": k.split(".")[0], "status": status} for k in keys]
    return pl.DataFrame(rows, schema=IMAGES)


def safety(told: dict[str, Told], *, image_set: str = "t") -> pl.DataFrame:
    rows = [{"image_set": image_set, "image_key": k, "safety": s, "unsafe_score": u} for k, (s, u) in told.items()]
    return pl.DataFrame(rows, schema=PICTURE_SAFETY)


def rejected(
    table: pl.DataFrame, *rows: dict[str, Any], images: pl.DataFrame | None = None, **settings: Any
) -> list[tuple[Any, ...]]:
    raw = raw_qa(*(rows or (qa(1),)))
    kept, gone = filter_qa(
        raw,
        images=keyed("i1", "i2") if images is None else images,
        scene_graphs=scene_graphs(),
        scores={"picture_safety": table},
        config=FilterConfig(**settings),
    )
    assert sorted([*kept["id"], *gone["id"]]) == sorted(raw["id"])
    assert gone["model"].null_count() == gone.height
    return gone.select("rule", "score", "threshold", "detail").rows()


@pytest.mark.parametrize(
    ("told", "settings", "reason"),
    [
        # by default nothing goes, whatever is told
        (("nsfw", 1.0), {}, None),
        (None, {}, None),
        # the threshold itself is allowed, and what has no score has no verdict
        ((None, 0.5), {"max_unsafe_score": 0.5}, None),
        ((None, 0.0), {"max_unsafe_score": 0.0}, None),
        (("nsfw", None), {"max_unsafe_score": 0.0}, None),
        (None, {"max_unsafe_score": 0.0}, None),
        ((None, 0.51), {"max_unsafe_score": 0.5}, (0.51, 0.5, "an unsafe score of 0.510")),
        # labels, whatever the case
        (("safe", None), {"denied_safety_labels": ("nsfw",)}, None),
        ((None, 1.0), {"denied_safety_labels": ("nsfw",)}, None),
        ((" NSFW", None), {"denied_safety_labels": ("gore", "nsfw ")}, (None, None, 'the denied safety label "nsfw"')),
        # the score is told first
        (("nsfw", 0.9), {"max_unsafe_score": 0.5, "denied_safety_labels": ("nsfw",)}, (0.9, 0.5, "an unsafe score")),
        (("nsfw", 0.1), {"max_unsafe_score": 0.5, "denied_safety_labels": ("nsfw",)}, (None, None, "the denied")),
        # what must be told
        (None, {"require_safety": True}, (None, None, "neither a safety label nor an unsafe score")),
        (("odd", None), {"require_safety": True}, None),
        ((None, 1.0), {"require_safety": True}, None),
        (("safe", None), {"require_safety": True, "max_unsafe_score": 0.5}, (None, None, "no unsafe score")),
        ((None, 0.1), {"require_safety": True, "denied_safety_labels": ("x",)}, (None, None, "no safety label")),
        ((None, 0.1), {"require_safety": True, "max_unsafe_score": 0.5}, None),
        (("safe", None), {"require_safety": True, "denied_safety_labels": ("x",)}, None),
        ((None, 0.9), {"require_safety": True, "max_unsafe_score": 0.5}, (0.9, 0.5, "an unsafe score")),
    ],
)
def test_safety(told: Told | None, settings: dict[str, Any], reason: tuple[float | None, float | None, str]) -> None:
    found = rejected(safety({"i1": told} if told else {}), **settings)
    assert len(found) == (reason is not None)
    for rule, score, threshold, detail in found:
        assert (rule, score, threshold) == ("safety", *reason[:2])
        assert detail.startswith(f"image i1 has {reason[2]}")


def test_of_several_pictures_the_worst_is_named() -> None:
    table = safety({"i1": ("nsfw", 0.6), "i2": (None, 0.9)})
    found = rejected(table, qa(1), qa(2, image_ids=["i1", "i2"]), max_unsafe_score=0.5, denied_safety_labels=("nsfw",))
    assert found == [
        ("safety", 0.6, 0.5, "image i1 has an unsafe score of 0.600"),
        ("safety", 0.9, 0.5, "image i2 has an unsafe score of 0.900"),
    ]


def test_what_is_told_of_a_copy_counts() -> None:
    """The same pixels twice: the copy is no picture to ask about, but what is told of it is true of both."""
    made = pl.concat([keyed("i1", "i2"), keyed("i1.copy", status="duplicate")])
    table = safety({"i1": ("safe", 0.1), "i1.copy": ("NSFW", 0.8)})
    assert rejected(table, images=made, max_unsafe_score=0.5)[0][1] == 0.8
    assert "the denied safety label" in rejected(table, images=made, denied_safety_labels=("nsfw",))[0][3]


def test_keys_of_another_image_set_are_others() -> None:
    assert rejected(safety({"i1": ("nsfw", 1.0)}, image_set="other"), max_unsafe_score=0.5) == []


def test_without_the_table_only_what_must_be_told_goes() -> None:
    asked = {"images": keyed("i1"), "scene_graphs": scene_graphs()}
    for required in (False, True):
        config = FilterConfig(max_unsafe_score=0.0, denied_safety_labels=("safe",), require_safety=required)
        kept, gone = filter_qa(raw_qa(qa(1)), **asked, config=config)
        assert (kept.height, gone["rule"].to_list()) == ((0, ["safety"]) if required else (1, []))
