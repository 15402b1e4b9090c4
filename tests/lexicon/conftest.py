import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from provision_dagster.lexicon import Lexicon


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return Lexicon.load()


def pairs(frame: pl.DataFrame) -> set[tuple[str, str]]:
    return {(row[0], row[1]) for row in frame.iter_rows()}


def _gz(path: Path) -> Any:
    return json.loads(gzip.decompress(path.read_bytes()))


def _visual_genome(folder: Path) -> Iterator[tuple[str, str]]:
    for image in _gz(folder / "objects_v1_4.json.gz"):
        for thing in image["objects"]:
            yield from (("label", name) for name in thing["names"])
    for image in _gz(folder / "attributes.json.gz"):
        for thing in image["attributes"]:
            yield from (("attribute", value) for value in thing.get("attributes", []))
    for image in _gz(folder / "relationships_v1_4.json.gz"):
        yield from (("predicate", relation["predicate"]) for relation in image["relationships"])


def _gqa(folder: Path) -> Iterator[tuple[str, str]]:
    for image in _gz(folder / "train_sceneGraphs.json.gz").values():
        for thing in image["objects"].values():
            yield "label", thing["name"]
            yield from (("attribute", value) for value in thing["attributes"])
            yield from (("predicate", relation["name"]) for relation in thing["relations"])


def _provision(folder: Path) -> Iterator[tuple[str, str]]:
    def annotations(name: str) -> list[Any]:
        return [v["annotation"] for v in json.loads((folder / name).read_text()).values()]

    for found in annotations("object-detection-annotations.json"):
        yield from (("label", label) for label in found["labels"])
    for found in annotations("image-attributes-annotations.json"):
        yield from (("attribute", value) for values in found["attributes"] for value in values)
    for found in annotations("relation-annotations-parsed.json"):
        yield from (("predicate", predicate) for _, predicate, _ in found["relations"])


@pytest.fixture(scope="session")
def mentions(shared: Path) -> pl.DataFrame:
    """Every label, attribute and predicate mention of the real annotations, normalized and counted."""
    data = shared / "data"
    found = [
        *_visual_genome(data / "visual_genome"),
        *_gqa(data / "gqa"),
        *_provision(data / "provision_baseball"),
    ]
    counted = Counter((kind, " ".join(value.lower().split())) for kind, value in found)
    rows = [(kind, value, count) for (kind, value), count in counted.items()]
    return pl.DataFrame(rows, schema=["kind", "value", "count"], orient="row")
