"""Wording of examples: the prompt, the response, the paths of the pictures and their licence.

Open form: the prompt is the question, the response the answer. Multiple-choice form: one line per option, and
the response is the letter alone::

    What color is the dog?
    A. brown
    B. black
"""

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.filters.config import LETTERS
from provision_dagster.mixes.schema import MIX

_PICTURE = ("shard", "image_id", "image_set", "image_key", "uri", "member", "license", "status", "width", "height")

_PRINTED_BOX = r"\[[01]\.\d\d(, [01]\.\d\d){3}\]"
"""A box as the generators write it: "[0.12, 0.34, 0.56, 0.78]"."""


def pictures(images: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Say for each image of a shard under which path it is found.

    Parameters
    ----------
    images
        Schema IMAGES.

    Returns
    -------
    pl.DataFrame
        `shard`, `image_id`, `image_set`, `width`, `height`, `image_uri`, `license`; one row per shard and image.
        `image_uri` is the path or URL; `tar://member::tar` in a tar, as fsspec writes it; the image key without
        pixels.
    """
    found = images.lazy().select(_PICTURE).filter(pl.col("image_id").is_not_null()).collect()
    path = (
        pl.when(pl.col("uri").is_null())
        .then("image_key")
        .when(pl.col("member").is_not_null())
        .then(pl.format("tar://{}::{}", "member", "uri"))
        .otherwise("uri")
    )
    # a file that occurs twice has the same id twice: the one that was kept comes first
    best = found.sort(pl.col("status") != "ok", "image_key").unique(["shard", "image_id"], keep="first")
    license = pl.col("license").fill_null("unknown")
    return best.select("shard", "image_id", "image_set", "width", "height", image_uri=path, license=license)


def render(rows: pl.DataFrame, *, recipe: str, pictures: pl.DataFrame) -> pl.DataFrame:
    """Write out examples.

    Parameters
    ----------
    rows
        Columns of FILTERED_QA, `form` (open or choice), `source` and `position`. Rows in choice form have
        options. Without a column `scores` (as in MIX) no row is scored.
    recipe
        Name of the mix.
    pictures
        As from `pictures`.

    Returns
    -------
    pl.DataFrame
        Schema MIX, by position.

    Raises
    ------
    InputError
        If an image is not among the pictures.
    """
    choice = pl.col("form") == "choice"
    right = pl.col("options").list.get(pl.col("answer_index"), null_on_oob=True)
    written = _with_pictures(rows.sort("position"), pictures=pictures).with_columns(
        recipe=pl.lit(recipe),
        question=pl.when(choice).then(pl.coalesce("choice_question", "question")).otherwise("question"),
        answer=pl.when(choice).then(right).otherwise("answer"),
        options=pl.when(choice).then("options").otherwise(pl.lit([], dtype=pl.List(pl.String))),
        answer_index=pl.when(choice).then("answer_index"),
        labels=pl.col("metadata").struct.field("objects"),
        metadata=_metadata(),
    )
    lettered = pl.col("options").list.eval(
        pl.format("\n{}. {}", pl.lit(LETTERS).str.slice(pl.int_range(pl.len()), 1), pl.element())
    )
    letter = pl.lit(LETTERS).str.slice(pl.col("answer_index").cast(pl.Int64), 1)
    worded = written.with_columns(
        prompt=pl.concat_str("question", lettered.list.join("")),
        response=pl.when(choice).then(letter).otherwise("answer"),
        origin=pl.lit("generated"),
        conversation=pl.lit(None, dtype=MIX["conversation"]),
        scores=pl.col("scores") if "scores" in rows.columns else pl.lit(None, dtype=MIX["scores"]),
        split=pl.lit("train"),
    )
    return _with_boxes(worded).select(pl.col(name).cast(dtype) for name, dtype in MIX.items())


def _with_pictures(rows: pl.DataFrame, *, pictures: pl.DataFrame) -> pl.DataFrame:
    """Add `image_uris`, `sizes` and `license`, picture by picture in the order of `image_ids`."""
    shown = rows.select("position", "shard", image_id="image_ids").explode("image_id")
    found = shown.join(pictures, on=["shard", "image_id"], how="left", maintain_order="left")
    lost = found.filter(pl.col("image_uri").is_null())
    if len(lost):
        examples = lost["image_id"].unique().sort().head(3).to_list()
        raise InputError(f"table `images`: {lost['image_id'].n_unique()} images are missing that QA show: {examples}")
    per_row = found.group_by("position", maintain_order=True).agg(
        image_uris="image_uri",
        sizes=pl.struct("width", "height"),
        license=pl.col("license").unique().sort().str.join(" AND "),
    )
    return rows.join(per_row, on="position", how="left", maintain_order="left")


def _with_boxes(rows: pl.DataFrame) -> pl.DataFrame:
    """Add `boxes`: those of the evidence that prompt or response name by coordinates, in its order."""
    said = pl.concat_str("prompt", pl.lit(" "), "response")
    # what prints boxes is about one picture, and has a label per box, in the same order
    pointing = rows.filter(said.str.contains(_PRINTED_BOX), pl.col("image_ids").list.len() == 1)
    each = (
        pointing.select(
            "position",
            "labels",
            said.alias("said"),
            pl.col("sizes").list.first().struct.unnest(),
            box=pl.col("evidence").struct.field("boxes"),
        )
        .explode("box", empty_as_null=False)
        .unnest("box")
        .with_columns(label=pl.col("labels").list.get(_place_in_row(), null_on_oob=True))
    )
    named = each.filter(pl.col("said").str.contains(_printed(), literal=True))
    lists = named.group_by("position", maintain_order=True).agg(
        boxes=pl.struct(image=pl.lit(0, dtype=pl.Int32), x1="x1", y1="y1", x2="x2", y2="y2", label="label")
    )
    return rows.join(lists, on="position", how="left", maintain_order="left").with_columns(
        pl.col("boxes").fill_null(pl.lit([], dtype=MIX["boxes"]))
    )


def _place_in_row() -> pl.Expr:
    return pl.int_range(pl.len()).over("position")


def _printed() -> pl.Expr:
    """A box as the generators print it: hundredths of width and height, rounded half up."""
    sides = {"x1": "width", "y1": "height", "x2": "width", "y2": "height"}
    ratios = [
        ((200 * pl.col(edge) + pl.col(side)) / (2 * pl.col(side))).floor().clip(0, 100).cast(pl.Int64)
        for edge, side in sides.items()
    ]
    texts = [pl.format("{}.{}", n // 100, (n % 100).cast(pl.String).str.zfill(2)) for n in ratios]
    return pl.format("[{}, {}, {}, {}]", *texts)


def _metadata() -> pl.Expr:
    said = pl.col("metadata").struct
    names = ("objects", "attributes", "relations", "counts")
    mentioned = [said.field(name).fill_null([]).alias(name) for name in names]
    return pl.struct("id", "image_ids", "template", *mentioned).struct.json_encode()
