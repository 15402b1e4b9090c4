"""Pictures and questions for the tests of the judge."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from provision_dagster.filters.judge_questions import Case
from provision_dagster.filters.judge_words import Judged
from provision_dagster.image_sets.schema import IMAGES
from provision_dagster.scene_graphs.annotators.opening import Place
from tests.filters.rows import qa, raw_qa

SIZES = ((60, 80), (90, 50), (40, 40), (33, 71))
IDS = tuple(f"{digit}{number:031x}" for number, digit in enumerate("0a3f"))
"""Ids of the pictures: of different parts."""

SHARD = "s-00000"


def pictures(folder: Path) -> list[Place]:
    """Save pictures that look different."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    places = []
    for number, (height, width) in enumerate(SIZES):
        file = folder / f"{number}.png"
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(file)
        places.append(Place(0, str(file)))
    return places


def images(folder: Path) -> pl.DataFrame:
    """Rows of IMAGES for `pictures`."""
    rows: list[dict[str, Any]] = [
        {"image_id": name, "image_set": "s", "image_key": name, "shard": SHARD, "status": "ok", "uri": place.uri}
        for name, place in zip(IDS, pictures(folder), strict=True)
    ]
    return pl.DataFrame(rows, schema=IMAGES)


def some_qa() -> pl.DataFrame:
    """Nine questions about four pictures, one of them about two; some without options."""
    rows = [
        qa(n, image_ids=[IDS[n % 4]], answer=f"answer {n}", **({"options": [], "answer_index": None} if n > 4 else {}))
        for n in range(8)
    ]
    return raw_qa(*rows, qa(8, image_ids=[IDS[1], IDS[0]]))


def cases(places: list[Place]) -> list[Case]:
    """Many and few prompts about a picture, long and short ones, and some about several pictures."""
    about = (
        ([0], ["a", "bb", "ccc dd", "e" * 30, "f"]),
        ([1], ["one?"]),
        ([2], ["one?", "two??" * 3]),
        ([0, 1], ["x?", "yy?", "zzz?"]),
        ([1, 0], ["x?"]),
        ([3], ["t?"]),
    )
    return [Case(tuple(places[n] for n in shown), tuple(f"Is it {p}" for p in prompts)) for shown, prompts in about]


def sure(found: list[list[Judged]]) -> list[float]:
    """P(Yes) of all prompts, in order."""
    assert [one.error for case in found for one in case if one.error is not None] == []
    return [one.p_yes for case in found for one in case if one.p_yes is not None]
