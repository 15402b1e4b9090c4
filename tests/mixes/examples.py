"""A mix of every kind of row, with pictures on disk: in files, in a tar, several a question, rows of a base set."""

import tarfile
from pathlib import Path
from typing import Any

import polars as pl
from PIL import Image

from provision_dagster.mixes.build import build_mix
from provision_dagster.mixes.schema import MIX
from tests.mixes.rows import filtered, image, images, qa, recipe

COLORS = {"i1": (200, 30, 30), "i2": (30, 200, 30), "i3": (30, 30, 200)}
WIDTH, HEIGHT = 64, 48

BOX = {"x1": 8.0, "y1": 6.0, "x2": 40.0, "y2": 30.0}
OTHER = {"x1": 0.0, "y1": 0.0, "x2": 64.0, "y2": 48.0}
PRINTED = "[0.13, 0.13, 0.63, 0.63]"  # halves round up: 8 / 64 = 0.125
OTHER_PRINTED = "[0.00, 0.00, 1.00, 1.00]"
BARE: dict[str, Any] = {"options": [], "answer_index": None}


def pictures(folder: Path) -> pl.DataFrame:
    """Save a PNG, a JPEG and a JPEG in a tar; their rows of IMAGES."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"i1": folder / "i1.png", "i2": folder / "i2.jpg", "i3": folder / "i3.jpg"}
    for name, path in files.items():
        Image.new("RGB", (WIDTH, HEIGHT), COLORS[name]).save(path)
    with tarfile.open(folder / "set.tar", "w") as tar:
        tar.add(files["i3"], arcname="in/i3.jpg")
    files["i3"].unlink()
    size = {"width": WIDTH, "height": HEIGHT}
    return images(
        image("i1", uri=str(files["i1"]), license="CC BY 4.0", attribution="Ann", **size),
        image("i2", uri=str(files["i2"]), license="CC BY-SA 4.0", attribution="Ben", **size),
        image("i3", uri=str(folder / "set.tar"), member="in/i3.jpg", license="CC BY 4.0", attribution="Ann", **size),
    )


def asked(
    number: int, question: str, *, boxes: list[dict[str, float]], labels: list[str], **more: Any
) -> dict[str, Any]:
    """A question that points at boxes."""
    said = {"objects": labels, "attributes": [], "relations": [], "counts": []}
    return qa(number, question=question, metadata=said, **more) | {
        "evidence": {"object_ids": [str(n) for n in range(len(boxes))], "boxes": boxes}
    }


def questions() -> pl.DataFrame:
    """Questions about one picture and two, with boxes and without, in both forms."""
    return filtered(
        asked(1, f"What color is the dog in the box {PRINTED}?", boxes=[BOX], labels=["dog"]),
        asked(2, f"How is {PRINTED} related to {OTHER_PRINTED}?", boxes=[BOX, OTHER], labels=["dog", "sofa"]),
        qa(3, image_ids=["i3", "i2"], question="Which is redder?\n", answer="the <first> \"one\"", **BARE),
        qa(4, image_ids=["i3"]),
        qa(5, image_ids=["i2"], **BARE),
    )  # fmt: skip


def base_row(name: str, turns: list[tuple[str, str]], uris: list[str], *, position: int) -> dict[str, Any]:
    """A row of a base set."""
    row: dict[str, Any] = dict.fromkeys(MIX)
    return row | {
        "recipe": "test", "position": position, "source": -1, "id": f"base-{name}", "shard": "", "family": "base",
        "generator": "base", "image_ids": [], "image_uris": uris, "form": "open", "prompt": turns[0][1],
        "response": turns[1][1], "question": turns[0][1], "answer": turns[1][1], "options": [], "metadata": "{}",
        "license": "unknown", "origin": "base", "boxes": [], "template": "", "split": "train",
        "sizes": [{"width": None, "height": None}] * len(uris),
        "conversation": [{"from": speaker, "value": text} for speaker, text in turns],
    }  # fmt: skip


def mix_of(images: pl.DataFrame, **fields: Any) -> pl.DataFrame:
    """All of these rows, and two of a base set: several turns, and no picture."""
    made = build_mix(recipe(**fields), filtered_qa=questions(), images=images)
    uri = images["uri"][0]
    several = [("human", "What is\n<image>\nthis?"), ("gpt", "A wall."), ("human", "Which color?"), ("gpt", "Red.")]
    base = [
        base_row("turns", several, [uri], position=len(made)),
        base_row("text", [("human", "Hello?"), ("gpt", "Hello.")], [], position=len(made) + 1),
    ]
    return pl.concat([made, pl.DataFrame(base, schema=MIX)])
