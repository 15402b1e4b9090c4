"""What a gallery tells of each example: texts, scores, pictures, and the boxes of the objects that it is about."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

import polars as pl

from provision_dagster.mixes.gallery.thumbnails import thumbnail
from provision_dagster.mixes.picture_files import place_of
from provision_dagster.mixes.shown import kept_pictures

Row = dict[str, Any]

TEXTS = (
    "id",
    "family",
    "generator",
    "form",
    "origin",
    "template",
    "prompt",
    "response",
    "question",
    "answer",
    "license",
)
SIDES = ("x1", "y1", "x2", "y2")

_PICTURE = ("image_set", "image_key", "uri", "member", "width", "height")


@dataclass(frozen=True)
class Gallery:
    """Examples, and the pictures that they show, by key."""

    entries: list[Row]
    pictures: dict[str, Row]


@dataclass(frozen=True)
class _Known:
    """What tables say of the sample: pictures by shard and id, evidence by id, objects by picture."""

    images: dict[tuple[str, str], Row]
    evidence: dict[str, Row]
    objects: dict[str, list[Row]]


def gallery(sample: pl.DataFrame, *, tables: Mapping[str, pl.LazyFrame]) -> Gallery:
    """Collect what is shown of a sample.

    Parameters
    ----------
    sample
        Schema MIX, some hundred rows.
    tables
        `images`, `scene_graphs`, `filtered_qa` and `rejected_qa`.

    Returns
    -------
    Gallery
        In the order of the sample. Boxes are those of the evidence; of questions that are no longer in the tables,
        those that their text names.
    """
    known = _known(sample, tables)
    pictures: dict[str, Row] = {}
    entries = []
    for row in sample.iter_rows(named=True):
        keys = [_show(row, place, known, pictures) for place in range(len(row["image_uris"] or []))]
        scores = {name: _finite(value) for name, value in (row["scores"] or {}).items()}
        told = {name: row[name] for name in TEXTS}
        told |= {"options": row["options"] or [], "right": row["answer_index"], "turns": row["conversation"] or []}
        entries.append(told | {"scores": scores, "pictures": keys, "boxes": _boxes(row, known)})
    return Gallery(entries, pictures)


def _known(sample: pl.DataFrame, tables: Mapping[str, pl.LazyFrame]) -> _Known:
    # tables are partitioned by shard: files of others are not opened
    here = pl.col("shard").is_in(sample["shard"].unique().implode())
    ids, images = sample["id"].unique(), sample["image_ids"].explode().drop_nulls().unique()
    named, shown = here & pl.col("id").is_in(ids.implode()), here & pl.col("image_id").is_in(images.implode())
    pictures = kept_pictures(tables["images"].filter(shown), columns=_PICTURE)
    # hard questions are of the rejected
    asked = [tables[name].filter(named).select("id", "evidence") for name in ("rejected_qa", "filtered_qa")]
    part = pl.element().struct
    objects = pl.col("objects").list.eval(pl.struct(part.field("id"), part.field("label"), part.field("box")))
    graphs = tables["scene_graphs"].filter(shown).select("image_id", objects=objects)
    found = [rows.collect(engine="streaming").iter_rows(named=True) for rows in (pictures, pl.concat(asked), graphs)]
    return _Known(
        {(row["shard"], row["image_id"]): row for row in found[0]},
        {row["id"]: row["evidence"] or {} for row in found[1]},
        {row["image_id"]: row["objects"] or [] for row in found[2]},
    )


def _show(row: Row, place: int, known: _Known, pictures: dict[str, Row]) -> str:
    """Put a picture of an example among the pictures, once, and return its key."""
    ids = row["image_ids"] or []
    image = known.images.get((row["shard"], ids[place])) if place < len(ids) else None
    path = row["image_uris"][place]
    key = f"{row['shard']}/{ids[place]}" if image else path
    if key not in pictures:
        # of a path only the file's name: the page may be handed on
        file, member = place_of(path)
        name = f"{image['image_set']} {image['image_key']}" if image else PurePosixPath(member or file).name
        small = asdict(thumbnail(image["uri"], image["member"]) if image else thumbnail(file, member))
        size = image or ((row["sizes"] or [])[place : place + 1] or [None])[0] or {}
        sides = {side: small[side] or size.get(side) for side in ("width", "height")}
        pictures[key] = small | sides | {"name": name, "number": len(pictures)}
    return key


def _boxes(row: Row, known: _Known) -> list[list[Row]]:
    """Return the boxes of an example with their labels, picture by picture."""
    found: list[list[Row]] = [[] for _ in row["image_uris"] or []]
    evidence = known.evidence.get(row["id"])
    if evidence is None:
        for box in row["boxes"] or []:
            found[box["image"]].append({name: box[name] for name in (*SIDES, "label")})
        return found
    for name, box in zip(evidence.get("object_ids") or [], evidence.get("boxes") or [], strict=False):
        _place(name, box, known=known, ids=row["image_ids"], found=found)
    return found


def _place(name: str, box: Row, *, known: _Known, ids: list[str], found: list[list[Row]]) -> None:
    """Add a box to the first picture that has such an object, and not yet that box."""
    for image, boxes in zip(ids, found, strict=True):
        match = next((o for o in known.objects.get(image, []) if (o["id"], o["box"]) == (name, box)), None)
        labelled = match and {**box, "label": match["label"]}
        if labelled and labelled not in boxes:
            boxes.append(labelled)
            return


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
