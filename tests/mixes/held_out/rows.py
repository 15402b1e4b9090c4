"""Pictures with hashes, and questions about them, for the tests of held-out sets."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from PIL import Image, ImageDraw

from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.schema import IMAGE_SOURCES, IMAGES
from provision_dagster.mixes.held_out.config import HeldOutConfig
from provision_dagster.mixes.held_out.schema import HELD_OUT_PICTURES
from provision_dagster.mixes.held_out.split import held_out_pictures

HALF = HeldOutConfig(share=0.5)


def phash(number: int) -> str:
    """A hash with 32 set bits, far from those of other numbers."""
    bits = random.Random(number).sample(range(64), 32)
    return f"{sum(1 << bit for bit in bits):016x}"


def turned(text: str, *, bits: int, start: int = 0) -> str:
    """The same hash with some bits turned: as many set as unset ones, so that it still says something."""
    number = int(text, 16)
    ones = [bit for bit in range(64) if number >> bit & 1]
    zeros = [bit for bit in range(64) if not number >> bit & 1]
    half = bits // 2
    for bit in [*ones[start : start + half], *zeros[start : start + half]]:
        number ^= 1 << bit
    return f"{number:016x}"


def picture(name: str, **changes: Any) -> dict[str, Any]:
    number = int.from_bytes(name.encode(), "big")
    row: dict[str, Any] = {
        "shard": "vg-00000",
        "image_set": "vg",
        "image_key": f"{name}.jpg",
        "image_id": name,
        "sha256": f"{number:064x}"[-64:],
        "phash": phash(number),
        "status": "ok",
    }
    return row | changes


def pictures(*rows: dict[str, Any]) -> pl.LazyFrame:
    return pl.DataFrame(list(rows), schema=IMAGES).lazy()


def many_pictures(count: int, *, start: int = 0) -> list[dict[str, Any]]:
    return [picture(f"p{number}") for number in range(start, start + count)]


def held(*rows: dict[str, Any], config: HeldOutConfig = HALF, alike: Sequence[tuple[str, str]] = ()) -> set[str]:
    """Ids that are held out."""
    schema = {"kind": pl.String, "id": pl.String, "of": pl.String}
    told = pl.DataFrame([("picture", *pair) for pair in alike], schema=schema, orient="row")
    found = held_out_pictures(pictures(*rows), duplicates=told.lazy(), config=config)
    assert dict(found.schema) == HELD_OUT_PICTURES
    return set(found["image_id"])


def side_of(wanted: bool, *, besides: Sequence[str] = ()) -> str:
    """Name of a picture whose own hash holds it out, or does not."""
    names = (f"n{number}" for number in range(10_000))
    return next(name for name in names if name not in besides and (name in held(picture(name))) == wanted)


def drawn_pictures(folder: Path, count: int) -> pl.DataFrame:
    """Real pictures, different ones, as the table `images` holds them; every third is no plain JPEG."""
    rows = []
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        rng = random.Random(number)
        image = Image.new("RGB", (96, 64), tuple(rng.randrange(256) for _ in range(3)))
        draw = ImageDraw.Draw(image)
        for _ in range(12):
            x, y = rng.randrange(90), rng.randrange(60)
            draw.rectangle((x, y, x + rng.randrange(5, 40), y + rng.randrange(5, 30)), fill=tuple(rng.randbytes(3)))
        file = folder / f"{number}.{('jpg', 'png', 'webp')[number % 3]}"
        image.save(file)
        rows.append({"shard": "vg-00000", "image_set": "vg", "position": number, "image_key": file.name})
        rows[-1] |= {"uri": str(file), "license": ("CC0 1.0", "CC BY 4.0")[number % 2]}
    return inspect_images(pl.DataFrame(rows, schema=IMAGE_SOURCES))
