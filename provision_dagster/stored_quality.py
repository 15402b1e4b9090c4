"""How good the models of an image set are, from the tables that they filled: no model runs again."""

from collections.abc import Sequence

import polars as pl

from provision_dagster.evaluate import comparable
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.parts import openable
from provision_dagster.scene_graphs.annotators.quality import Quality, match_objects, measure, renamed
from provision_dagster.scene_graphs.annotators.quality.measured import TABLES
from provision_dagster.scene_graphs.annotators.schema import ANNOTATOR_QUALITY
from provision_dagster.storage.store import Store

SAMPLE = 2_000
"""Pictures of an image set that are compared at most: those with the smallest ids, which are hashes of their pixels."""

DEPTH_SAMPLE = 200
"""Of these, pictures whose depth is compared: every pixel of them is looked at."""

KEY = ["image_set", "image_key"]


def stored_quality(
    store: Store, *, image_set: str, shards: Sequence[str], lexicon: Lexicon
) -> tuple[Quality, pl.DataFrame] | None:
    """
    Compare what stands in the tables of models with what humans marked in the same pictures.

    Detections are those that were kept, so average precision is cut short by their score threshold. What models say of
    objects can be compared where the objects are theirs (`objects: model`), or a human marked them without it: each is
    taken for the marked object that it overlaps best.

    Parameters
    ----------
    store
        Tables `images`, `annotations` and those of models.
    shards
        Those of the image set.
    lexicon
        Tells which words agree.

    Returns
    -------
    tuple of Quality and polars.DataFrame, or None
        The frame has schema ANNOTATOR_QUALITY. None when no human annotated a picture, or no model looked at one.
    """
    truth = _truth(store, shards)
    tables = {name: _rows(store, name, shards, truth) for name in TABLES}
    looked_at = [name for name, rows in tables.items() if rows.height]
    if truth.is_empty() or not looked_at:
        return None
    names = match_objects(truth, tables["detections"])
    quality = measure(truth, renamed(tables, names), lexicon=lexicon)
    made_by = [
        {"table": name} | {what: " + ".join(tables[name][what].unique().sort()) for what in ("model", "config")}
        for name in looked_at
    ]
    figures = quality.figures().join(pl.DataFrame(made_by), on="table", how="left", maintain_order="left")
    told = figures.with_columns(image_set=pl.lit(image_set), pictures=pl.lit(quality.pictures))
    return quality, told.select(pl.col(name).cast(dtype) for name, dtype in ANNOTATOR_QUALITY.items())


def _truth(store: Store, shards: Sequence[str]) -> pl.DataFrame:
    """Annotations that mark an object, searched for some, or name a depth file, of a sample of the pictures."""
    marked = (pl.col("objects").list.len() > 0) | (pl.col("exhaustive_labels").list.len() > 0)
    said = marked | pl.col("depth_uri").is_not_null()
    annotated = store.scan("annotations", partitions=shards).filter(said)
    keys = annotated.select(KEY).collect()
    images = openable(store.scan("images", partitions=shards).collect()).join(keys, on=KEY, how="semi")
    chosen = images.sort("image_id", *KEY).head(SAMPLE)
    rows = annotated.join(chosen.lazy().select(KEY), on=KEY, how="semi").collect()
    ordered = chosen.select(KEY).join(rows, on=KEY, maintain_order="left")
    return comparable(ordered, chosen)


def _rows(store: Store, table: str, shards: Sequence[str], truth: pl.DataFrame) -> pl.DataFrame:
    """Rows of a model's table for these pictures, in their order."""
    keys = truth.select(KEY)
    if table == "depth_maps":  # maps are large: only those that there is something to compare with
        keys = truth.filter(pl.col("depth_uri").is_not_null()).head(DEPTH_SAMPLE).select(KEY)
    found = store.scan(table, partitions=shards).join(keys.lazy(), on=KEY, how="semi").collect()
    return keys.join(found, on=KEY, maintain_order="left").select(found.columns)
