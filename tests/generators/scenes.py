"""Scene graphs for tests, written compactly, and strategies that draw random ones."""

from typing import Any

import polars as pl
from hypothesis import strategies as st

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.schema import SCENE_GRAPHS, VOCABULARY

Thing = tuple[str, tuple[float, float, float, float], list[str]]
"""label, box, attributes"""


def scene(
    key: str,
    things: list[Thing],
    relations: list[tuple[int, str, int]] = (),  # type: ignore[assignment]
    *,
    exhaustive: list[str] = (),  # type: ignore[assignment]
    doubtful: list[str] = (),  # type: ignore[assignment]
    complete: bool = False,
    groups: tuple[int, ...] = (),
    size: tuple[int, int] = (100, 100),
) -> dict[str, Any]:
    """Make one row of the scene-graph table."""
    objects = [
        {
            "id": str(i),
            "label": label,
            "box": dict(zip(("x1", "y1", "x2", "y2"), map(float, box), strict=True)),
            "score": None,
            "attributes": sorted(set(attributes)),
            "is_group": i in groups,
            "mask_rle": None,
            "mask_area": None,
            "depth": None,
            "points": [],
        }
        for i, (label, box, attributes) in enumerate(things)
    ]
    return {
        "shard": "set-00000",
        "image_set": "set",
        "image_key": key,
        "image_id": f"{abs(hash_key(key)):032x}"[:32],
        "width": size[0],
        "height": size[1],
        "objects": objects,
        "relations": [{"subject": s, "predicate": p, "object": o, "score": None} for s, p, o in relations],
        "captions": [],
        "regions": [],
        "exhaustive_labels": list(exhaustive),
        "doubtful_labels": list(doubtful),
        "exhaustive_attributes": complete,
        "exhaustive_relations": complete,
        "points": [],
        "provenance": None,
        "clipped_boxes": 0,
    }


def hash_key(key: str) -> int:
    """Number that a key stands for, the same in every process."""
    return int.from_bytes(key.encode().ljust(8, b"_")[:8], "big")


def graphs(*scenes: dict[str, Any]) -> pl.DataFrame:
    """Make a scene-graph table."""
    return pl.DataFrame(list(scenes), schema=SCENE_GRAPHS)


def vocabulary(table: pl.DataFrame) -> pl.DataFrame:
    """Count the words of a scene-graph table."""
    objects = table.select(o="objects").explode("o").drop_nulls().unnest("o")
    labels = objects.select(kind=pl.lit("label"), value="label", context=pl.lit(""))
    attributes = (
        objects.select(kind=pl.lit("attribute"), value="attributes", context="label")
        .explode("value")
        .drop_nulls("value")
    )
    relations = table.select(r="relations").explode("r").drop_nulls().unnest("r")
    predicates = relations.select(kind=pl.lit("predicate"), value="predicate", context=pl.lit(""))
    counted = pl.concat([labels, attributes, predicates]).group_by("kind", "value", "context").agg(count=pl.len())
    return counted.with_columns(image_set=pl.lit("set")).select(list(VOCABULARY)).cast(dict(VOCABULARY))  # type: ignore[arg-type]


LABELS = ["man", "person", "dog", "car", "truck", "table", "cup", "tree", "trees", "shirt", "wheel", "arm", "zorble"]
ATTRIBUTES = [
    "red",
    "blue",
    "light blue",
    "white",
    "wooden",
    "metal",
    "small",
    "large",
    "open",
    "closed",
    "sitting",
    "frobbed",
]
PREDICATES = [
    "on",
    "under",
    "holding",
    "wearing",
    "next to",
    "to the left of",
    "to the right of",
    "has",
    "sitting on",
    "blorking",
]


@st.composite
def random_scene(draw: st.DrawFn, key: str) -> dict[str, Any]:
    """Draw a scene of up to 8 things with odd and unknown words among the common ones."""
    things: list[Thing] = []
    for _ in range(draw(st.integers(0, 8))):
        x, y = draw(st.integers(0, 90)), draw(st.integers(0, 90))
        box = (x, y, draw(st.integers(x + 1, 100)), draw(st.integers(y + 1, 100)))
        held = draw(st.lists(st.sampled_from(ATTRIBUTES), max_size=3))
        things.append((draw(st.sampled_from(LABELS)), box, held))
    relations = []
    if len(things) > 1:
        place = st.integers(0, len(things) - 1)
        pairs = st.tuples(place, st.sampled_from(PREDICATES), place).filter(lambda r: r[0] != r[2])
        relations = draw(st.lists(pairs, max_size=8, unique=True))
    exhaustive = draw(st.sampled_from([[], LABELS]))
    return scene(key, things, relations, exhaustive=exhaustive, complete=draw(st.booleans()))


@st.composite
def random_graphs(draw: st.DrawFn, *, most: int = 4) -> pl.DataFrame:
    """Draw a small scene-graph table."""
    return graphs(*(draw(random_scene(f"k{i}")) for i in range(draw(st.integers(1, most)))))


def lexicon() -> Lexicon:
    """Return the lexicon that ships."""
    return Lexicon.load()
