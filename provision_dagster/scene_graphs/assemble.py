"""Scene graphs from images and annotations: joined, fitted to the picture, with evidence from its pixels."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.image_sets.schema import USABLE_STATUSES
from provision_dagster.scene_graphs.fitting import fit_to_pictures
from provision_dagster.scene_graphs.image_evidence import ImageEvidence, Task, gather
from provision_dagster.scene_graphs.mask_places import mask_file
from provision_dagster.scene_graphs.provenance import credited
from provision_dagster.scene_graphs.readers.judging import Rule, distinct_rows, judge
from provision_dagster.scene_graphs.schema import ANNOTATIONS, OBJECT, REJECTED_ANNOTATIONS, SCENE_GRAPHS

KEY = ["image_set", "image_key"]

_FROM_PIXELS = ("mask_rle", "mask_area", "depth", "points", "mirrored")
_OBJECT = {field.name: field.dtype for field in OBJECT.fields}
_EVIDENCE: dict[str, pl.DataType] = {
    "row": pl.UInt32(),
    "evidence": pl.List(pl.Struct({name: _OBJECT[name] for name in _FROM_PIXELS})),
    "points": SCENE_GRAPHS["points"],
    "has_masks": pl.Boolean(),
    "depth_span": pl.Float64(),
}


def assemble(
    images: pl.DataFrame, annotations: pl.DataFrame, *, depth_maps: pl.DataFrame | None = None, workers: int = 1
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """
    Make the scene graph of every usable image.

    An image without annotations has a scene graph without objects. Annotations whose size differs from the
    picture's are rejected whole (`size_mismatch`): they may be those of another picture, or of it turned.
    Annotations without a size take the picture's, and their boxes are clipped to it. A mask or depth file
    that cannot be used is a rejected row; the image goes on without that part.

    Parameters
    ----------
    images
        Schema IMAGES.
    annotations
        Columns of ANNOTATIONS with `image_set` filled.
    depth_maps
        Schema DEPTH_MAPS: what a model made; used for pictures whose annotations name no depth file.
    workers
        Processes that open mask and depth files. The result is the same for any number.

    Returns
    -------
    tuple of polars.DataFrame
        Schemas SCENE_GRAPHS, in the order of `images`, and REJECTED_ANNOTATIONS.

    Raises
    ------
    InputError
        When `image_set` is not filled, or `workers` is less than 1.
    """
    if workers < 1:
        raise InputError(f"`workers` must be at least 1, got {workers}")
    if annotations["image_set"].null_count():
        raise InputError("`annotations.image_set` has nulls; fill it with the name of the image set first")
    fitting, rejected = _joined(images, annotations.select(list(ANNOTATIONS)))
    fitting = _with_depth_maps(fitting, depth_maps)
    graphs, problems = _with_evidence(fitting.with_row_index("row"), workers=workers)
    return graphs.select(_column(name, dtype) for name, dtype in SCENE_GRAPHS.items()), distinct_rows(
        pl.concat([rejected, problems])
    )


def _column(name: str, dtype: pl.DataType) -> pl.Expr:
    empty: dict[str, object] = {
        "exhaustive_attributes": False,
        "exhaustive_relations": False,
        "clipped_boxes": 0,
    }
    if isinstance(dtype, pl.List):
        return pl.col(name).fill_null(pl.lit([], dtype=dtype)).cast(dtype)
    return (pl.col(name).fill_null(empty[name]) if name in empty else pl.col(name)).cast(dtype)


def _joined(images: pl.DataFrame, annotations: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row per usable image, with its annotations where they fit."""
    about = images.select(
        *KEY,
        "status",
        pl.col("shard").alias("of_shard"),
        pl.col("width").alias("w"),
        pl.col("height").alias("h"),
    )
    matched = annotations.join(about, on=KEY, how="left", maintain_order="left").with_columns(
        pl.coalesce("of_shard", "shard").alias("shard"),
        pl.lit(None, dtype=pl.String).alias("file"),
        pl.lit(None, dtype=pl.String).alias("item"),
    )
    kept, rejected = judge(matched, _image_rules(), part="image")
    fitted, outside = _fitted(kept)
    usable = images.filter(pl.col("status").is_in(USABLE_STATUSES))
    graphs = usable.select("shard", *KEY, "image_id", "width", "height").join(
        fitted.drop("shard", "width", "height"), on=KEY, how="left", maintain_order="left"
    )
    return graphs, pl.concat([rejected, outside])


def _image_rules() -> list[Rule]:
    differs = (pl.col("width") != pl.col("w")) | (pl.col("height") != pl.col("h"))
    sizes = pl.format("annotations are for {} x {} pixels, the picture has {} x {}", "width", "height", "w", "h")
    unusable = ~pl.col("status").is_in(USABLE_STATUSES)
    return [
        Rule(
            "duplicate_image",
            ~pl.struct(KEY).is_first_distinct(),
            "image_key",
            pl.lit("image is listed twice"),
        ),
        Rule("no_image", pl.col("status").is_null(), "image_key", pl.lit("no such image in this image set")),
        Rule("unusable_image", unusable, "status", pl.format("the picture is `{}`", "status")),
        Rule("size_mismatch", differs, "width", sizes),
    ]


def _fitted(annotations: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give annotations without a size that of the picture."""
    unsized = pl.col("width").is_null() & pl.col("w").is_not_null()
    sized = annotations.filter(~unsized).select(list(ANNOTATIONS))
    to_fit = annotations.filter(unsized).with_columns(pl.col("w").alias("width"), pl.col("h").alias("height"))
    fitted, outside = fit_to_pictures(to_fit.select(list(ANNOTATIONS)))
    return pl.concat([sized, fitted.select(list(ANNOTATIONS))]), outside


def _with_depth_maps(graphs: pl.DataFrame, depth_maps: pl.DataFrame | None) -> pl.DataFrame:
    """Add the maps that a model made (`closeness`) to pictures without a depth file, and say who made them."""
    made = {"closeness": pl.Binary(), "model": pl.String()}
    maps = pl.DataFrame(schema={name: graphs.schema[name] for name in KEY} | made) if depth_maps is None else depth_maps
    found = graphs.join(maps.select(*KEY, *made), on=KEY, how="left", maintain_order="left")
    wanted = pl.col("depth_uri").is_null() & pl.col("closeness").is_not_null()
    return found.with_columns(
        closeness=pl.when(wanted).then("closeness"),
        provenance=pl.when(wanted).then(credited(depth=pl.col("model"))).otherwise("provenance"),
    ).drop("model")


def _with_evidence(graphs: pl.DataFrame, *, workers: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    inline = pl.col("objects").list.eval(pl.element().struct.field("mask_rle").is_not_null()).list.any()
    files = pl.any_horizontal(pl.col("mask_uri", "depth_uri", "closeness").is_not_null())
    needs = files | inline.fill_null(value=False)
    with_pixels = graphs.filter(needs.fill_null(value=False)).with_columns(
        *mask_file(pl.col("mask_uri"), objects=pl.col("objects").list.len())
    )
    rows = with_pixels["row"].to_list()
    found = list(_gather_all(_tasks(with_pixels), workers=workers))
    evidence = pl.DataFrame([_evidence_row(row, one) for row, one in zip(rows, found, strict=True)], schema=_EVIDENCE)
    keys = dict(zip(rows, with_pixels.select("shard", *KEY).iter_rows(), strict=True))
    problems = [
        (*keys[row], problem.file, *problem[1:])
        for row, one in zip(rows, found, strict=True)
        for problem in one.problems
    ]
    rejected = pl.DataFrame(problems, schema=REJECTED_ANNOTATIONS, orient="row")
    return _merged(graphs, evidence), rejected


def _tasks(graphs: pl.DataFrame) -> Iterator[Task]:
    objects = pl.col("objects").list
    parts = [objects.eval(pl.element().struct.field(name)).alias(name) for name in ("id", "box", "mask_rle")]
    files = ("mask_uri", "mask_places", "mask_count", "depth_uri", "closeness")
    columns = graphs.select("image_id", "width", "height", *files, *parts)
    for row in columns.iter_rows(named=True):
        yield Task(
            image_id=row["image_id"],
            width=row["width"],
            height=row["height"],
            mask_uri=row["mask_uri"],
            mask_places=row["mask_places"] or [],
            mask_count=row["mask_count"] or 0,
            depth_uri=row["depth_uri"],
            closeness=row["closeness"],
            ids=row["id"] or [],
            boxes=row["box"] or [],
            mask_rles=row["mask_rle"] or [],
        )


def _gather_all(tasks: Iterable[Task], *, workers: int) -> Iterator[ImageEvidence]:
    if workers == 1:
        yield from map(gather, tasks)
        return
    # Not forked: polars and scipy keep threads that a fork would leave half alive.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(gather, tasks, chunksize=8)


def _evidence_row(row: int, found: ImageEvidence) -> dict[str, object]:
    objects = [dict(zip(_FROM_PIXELS, evidence, strict=True)) for evidence in found.objects]
    return {
        "row": row,
        "evidence": objects,
        "points": found.points,
        "has_masks": found.has_masks,
        "depth_span": found.depth_span,
    }


def _merged(graphs: pl.DataFrame, evidence: pl.DataFrame) -> pl.DataFrame:
    """Put the evidence of each object into the object."""
    joined = graphs.join(evidence, on="row", how="left", maintain_order="left")
    pairs = joined.filter(pl.col("evidence").list.len() > 0).select("row", "objects", "evidence")
    filled = pl.col("objects").struct.with_fields(
        pl.col("evidence").struct.field(name).alias(name) for name in _FROM_PIXELS
    )
    nested = (
        pairs.explode("objects", "evidence")
        .select("row", filled)
        .group_by("row", maintain_order=True)
        .agg(pl.col("objects").alias("with_evidence"))
    )
    # A part whose file could not be used is missing: nobody made it.
    not_opened = pl.col("has_masks").is_null()
    usable = {"masks": not_opened | pl.col("has_masks"), "depth": not_opened | pl.col("depth_span").is_not_null()}
    made_by = pl.col("provenance").struct.with_fields(
        pl.when(there).then(pl.field(part)).alias(part) for part, there in usable.items()
    )
    joined = joined.join(nested, on="row", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("with_evidence", "objects").alias("objects"), made_by)
