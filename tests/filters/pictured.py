"""A store with real pictures of four colored quarters, and questions about regions of them."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from provision_dagster.generators.schema import RAW_QA
from provision_dagster.image_sets.schema import IMAGES
from provision_dagster.storage.store import Store
from tests.filters.rows import qa
from tests.scene_graphs.annotators.tiny_clip import COLORS, plain

SHARD = "s-00000"
SIDE = 64
CORNERS = tuple(itertools.product((0, SIDE), (0, SIDE)))
NAMES = tuple(COLORS)


def colors_of(picture: int) -> list[str]:
    """Colors of the quarters of a picture, in the order of CORNERS (left and top)."""
    return [NAMES[(picture + place) % len(NAMES)] for place in range(4)]


def box_of(place: int) -> dict[str, float]:
    """The quarter, from its first pixel to its last."""
    left, top = CORNERS[place]
    return {"x1": float(left), "y1": float(top), "x2": float(left + SIDE), "y2": float(top + SIDE)}


def draw(folder: Path, picture: int) -> Path:
    """Save the picture; returns its file."""
    folder.mkdir(parents=True, exist_ok=True)
    canvas = np.zeros((2 * SIDE, 2 * SIDE, 3), dtype=np.uint8)
    for place, color in enumerate(colors_of(picture)):
        left, top = CORNERS[place]
        canvas[top : top + SIDE, left : left + SIDE] = plain(color, width=SIDE, height=SIDE, seed=place)
    file = folder / f"{picture}.png"
    Image.fromarray(canvas).save(file)
    return file


def images(folder: Path, *, pictures: int, shard: str = SHARD, first: int = 0) -> pl.DataFrame:
    """Rows of IMAGES for pictures that are drawn."""
    rows = [
        {
            "shard": shard, "image_set": "s", "position": n, "image_key": str(n), "image_id": f"i{n}",
            "uri": str(draw(folder, n)), "status": "ok", "width": 2 * SIDE, "height": 2 * SIDE,
        }
        for n in range(first, first + pictures)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=IMAGES)


def asks(number: int, *, picture: int, place: int, says: str, shard: str = SHARD) -> dict[str, Any]:
    """A question about a point of a quarter, whose object is named by a color: the tiny CLIP knows no other words."""
    return qa(
        number,
        shard=shard,
        family="qa_segmentation",
        generator="SameObjectSeg",
        image_ids=[f"i{picture}"],
        metadata={"objects": [says, says], "attributes": [], "relations": [], "counts": []},
        evidence={"object_ids": ["0", "1"], "boxes": [box_of(place), box_of(0)]},
    )


def questions(*, pictures: int, shard: str = SHARD, first: int = 0) -> list[dict[str, Any]]:
    """Two questions about each quarter: the first says its color, the other one that the picture does not have."""
    return [
        asks(8 * n + 2 * place + wrong, picture=n, place=place, says=said, shard=shard)
        for n in range(first, first + pictures)
        for place, color in enumerate(colors_of(n))
        for wrong, said in enumerate((color, colors_of(n + 4)[0]))
    ]


def stored(folder: Path, *, pictures: int = 3, shard: str = SHARD, first: int = 0) -> Store:
    """Write pictures and questions of a shard."""
    store = Store(folder / "tables")
    store.create_all()
    found = images(folder / "pictures", pictures=pictures, shard=shard, first=first)
    store.write_partition("images", found, key=shard)
    ask(store, questions(pictures=pictures, shard=shard, first=first), shard=shard)
    return store


def ask(store: Store, rows: list[dict[str, Any]], *, shard: str = SHARD) -> None:
    """Replace the questions of a shard."""
    store.write_partition("qa_segmentation", pl.DataFrame(rows, schema=RAW_QA), key=shard)
