"""`provision annotate`: from pictures to their scene graphs, without Dagster."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from provision_dagster.annotate import ASKING, Progress, annotate_images, load_model, with_questions
from provision_dagster.errors import InputError
from provision_dagster.image_sets.decode import open_image
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.paths import to_uri
from provision_dagster.image_sets.schema import IMAGE_SOURCES
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.configs import AnnotatorsConfig
from provision_dagster.scene_graphs.annotators.found import at_size, from_png
from provision_dagster.scene_graphs.annotators.parts import SIDES
from provision_dagster.scene_graphs.annotators.schema import SCHEMAS
from provision_dagster.scene_graphs.assemble import assemble
from provision_dagster.scene_graphs.completion import add_attributes, add_relations
from provision_dagster.scene_graphs.drawing import Frame, Panel, depth_picture, side_by_side
from provision_dagster.scene_graphs.merging import add_masks, merge_detections
from provision_dagster.scene_graphs.rle import decode_mask
from provision_dagster.scene_graphs.schema import ANNOTATIONS

SHOWN_WIDTH = 900
"""Pixels of a drawn picture; its depth map beside it has as many."""

SHOWN_ATTRIBUTES, SHOWN_RELATIONS = 3, 10
"""Attributes of an object and relations of a picture that are drawn: with more of them nothing could be read."""


def annotate_pictures(
    paths: Sequence[Path],
    annotators: AnnotatorsConfig,
    *,
    out: Path,
    show: bool = False,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """
    Make scene graphs of pictures with models alone.

    Writes `scene_graphs.json` in ProVision's layout (which `provision generate --format provision` reads),
    `depth_masks/<picture>_depth.png` (16 bits, larger = closer) and, if `show`, `shown/<picture>.png`: boxes, masks,
    labels with attributes and the first relations on the picture, and the depth map beside it.

    Parameters
    ----------
    paths
        Pictures, or folders of which all files are taken.

    Returns
    -------
    polars.DataFrame
        One row per path: `picture`, numbers of `objects`, `attributes` and `relations`, `depth` (whether a map was
        made), `error` (null if all went well).

    Raises
    ------
    InputError
        When there is no picture, two have one name, no model is configured, or weights are unusable.
    """
    if annotators.detections is None and annotators.depth_maps is None:
        raise InputError("no model is configured: the file of annotators has neither `detections` nor `depth_maps`")
    images = inspect_images(_sources(paths))
    found = {"detections": _run("detections", images, annotators, progress)}
    marked = merge_detections(pl.DataFrame(schema=ANNOTATIONS), found["detections"], lexicon=Lexicon.load())
    for table in ASKING:
        questions = with_questions(table, images, marked=marked, annotators=annotators)
        found[table] = _run(table, questions, annotators, progress)
    found["depth_maps"] = _run("depth_maps", images, annotators, progress)
    graphs, _ = assemble(images, _completed(marked, found), depth_maps=found["depth_maps"])
    out.mkdir(parents=True, exist_ok=True)
    made = dict(found["depth_maps"].select("image_key", "closeness").drop_nulls().iter_rows())
    files = dict(images.select("image_key", "uri").iter_rows())
    entries = {}
    for graph in graphs.iter_rows(named=True):
        key = graph["image_key"]
        closeness = _write_depth(graph, made.get(key), out=out)
        entries[key] = {"data_path": key, "annotation": _entry(graph, depth=closeness is not None), "source": "models"}
        if show:
            _draw(graph, open_image(files[key]), closeness).save(_file(out / "shown", f"{key}.png"))
    (out / "scene_graphs.json").write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    return _summary(images, graphs, found)


def _completed(marked: pl.DataFrame, found: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Give objects their masks, attributes and relations."""
    described = add_attributes(add_masks(marked, found["masks"]), found["attributes"], lexicon=Lexicon.load())
    return add_relations(described, found["relations"])


def _sources(paths: Sequence[Path]) -> pl.DataFrame:
    """Rows of IMAGE_SOURCES, in the order given."""
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"`{path}` does not exist; give pictures or folders of pictures")
        files += sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    if not files:
        raise InputError(f"no picture in {', '.join(f'`{path}`' for path in paths)}")
    names = [file.name for file in files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"two pictures have the name `{twice[0]}`; results are named after pictures")
    known = {
        "image_key": names,
        "uri": [to_uri(str(file.absolute())) for file in files],
        "position": list(range(len(files))),
    }
    frame = pl.DataFrame(known).with_columns(shard=pl.lit("pictures-00000"), image_set=pl.lit("pictures"))
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in IMAGE_SOURCES.items() if name not in frame.columns]
    return frame.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in IMAGE_SOURCES.items())


def _run(table: str, images: pl.DataFrame, annotators: AnnotatorsConfig, progress: Progress | None) -> pl.DataFrame:
    model = load_model(table, annotators)
    if model is None:
        return pl.DataFrame(schema=SCHEMAS[table])
    return annotate_images(model, images, progress=progress)[0]


def _file(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def _write_depth(graph: dict[str, Any], png: bytes | None, *, out: Path) -> np.ndarray | None:
    if png is None:
        return None
    full = np.round(at_size(from_png(png), width=graph["width"], height=graph["height"])).astype(np.uint16)
    Image.fromarray(full).save(_file(out / "depth_masks", _depth_name(graph["image_key"])))
    return full


def _depth_name(key: str) -> str:
    return f"{key}_depth.png"


def _entry(graph: dict[str, Any], *, depth: bool) -> dict[str, Any]:
    """One image in ProVision's layout."""
    objects = graph["objects"]
    entry = {
        "width": graph["width"],
        "height": graph["height"],
        "object_ids": [thing["id"] for thing in objects],
        "labels": [thing["label"] for thing in objects],
        "bboxes": [[thing["box"][side] for side in SIDES] for thing in objects],
        "det_scores": [thing["score"] for thing in objects],
        "attributes": [thing["attributes"] for thing in objects],
        "relations": [[r["subject"], r["predicate"], r["object"]] for r in graph["relations"]],
        "doubtful_labels": graph["doubtful_labels"],
        "provenance": graph["provenance"],
    }
    if any(thing["mask_rle"] for thing in objects):
        entry["mask_rle"] = [thing["mask_rle"] for thing in objects]
    return entry | ({"depth_mask_id": _depth_name(graph["image_key"])} if depth else {})


def _draw(graph: dict[str, Any], picture: Image.Image, closeness: np.ndarray | None) -> Image.Image:
    size = {"width": graph["width"], "height": graph["height"]}
    frames = [
        Frame(
            tuple(thing["box"][side] for side in SIDES),
            " ".join([*thing["attributes"][:SHOWN_ATTRIBUTES], thing["label"], f"{thing['score']:.2f}"]),
            decode_mask(thing["mask_rle"], **size) if thing["mask_rle"] else None,
        )
        for thing in graph["objects"]
    ]
    arrows = [(r["subject"], r["predicate"], r["object"]) for r in graph["relations"][:SHOWN_RELATIONS]]
    panels = [Panel(picture, frames=frames, arrows=arrows)]
    if closeness is not None:
        panels.append(Panel(depth_picture(closeness.astype(np.float64))))
    return side_by_side(panels, width=SHOWN_WIDTH)


def _summary(images: pl.DataFrame, graphs: pl.DataFrame, found: dict[str, pl.DataFrame]) -> pl.DataFrame:
    errors = pl.concat([rows.select("image_key", "error") for rows in found.values()]).drop_nulls()
    told = errors.group_by("image_key").agg(pl.col("error").unique(maintain_order=True).str.join("; "))
    named = pl.col("objects").list.eval(pl.element().struct.field("attributes").list.len()).list.sum()
    counts = graphs.select(
        "image_key",
        objects=pl.col("objects").list.len(),
        attributes=named.cast(pl.UInt32),
        relations=pl.col("relations").list.len(),
        depth=pl.col("depth_span").is_not_null(),
    )
    rows = images.select("image_key", unusable="error").join(counts, on="image_key", how="left", maintain_order="left")
    rows = rows.join(told, on="image_key", how="left", maintain_order="left")
    return rows.select(
        "image_key",
        pl.col("objects", "attributes", "relations").fill_null(0),
        pl.col("depth").fill_null(value=False),
        error=pl.coalesce("unusable", "error"),
    ).rename({"image_key": "picture"})
