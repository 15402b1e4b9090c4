"""Reads an image set once and cuts it into shards: pictures, human annotations, and rejects with reasons."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from provision_dagster.image_sets.readers import list_images
from provision_dagster.image_sets.spec import ImageSetSpec
from provision_dagster.scene_graphs.readers import image_keys, read_annotations
from provision_dagster.scene_graphs.schema import ANNOTATIONS, REJECTED_ANNOTATIONS


@dataclass(frozen=True)
class IngestedSet:
    """One image set as read: every picture, every annotation, everything rejected, each with its shard."""

    sources: pl.DataFrame  # schema IMAGE_SOURCES
    annotations: pl.DataFrame  # schema ANNOTATIONS
    rejected: pl.DataFrame  # schema REJECTED_ANNOTATIONS

    @property
    def shards(self) -> list[str]:
        """Keys of the shards, in order."""
        return self.sources["shard"].unique().sort().to_list()

    def shard(self, key: str) -> "IngestedSet":
        """Return the part of one shard."""
        return IngestedSet(*(f.filter(shard=key) for f in (self.sources, self.annotations, self.rejected)))


def ingest_image_set(spec: ImageSetSpec) -> IngestedSet:
    """Read an image set: list its pictures and convert its annotations, if it has any.

    Raises
    ------
    InputError
        If the set cannot be read at all; single bad items become rows with a status or reason.
    """
    if spec.reader != "annotations":
        return IngestedSet(list_images(spec), _empty(ANNOTATIONS), _empty(REJECTED_ANNOTATIONS))
    batches = list(_batches(spec))
    annotations = pl.concat([a for a, _, _ in batches])
    rejected = pl.concat([r for _, r, _ in batches])
    sources = list_images(spec, pl.concat([k for _, _, k in batches]))
    places = sources.select("image_key", "shard", "image_set")
    first = sources["shard"].min()
    return IngestedSet(
        sources=sources,
        annotations=_placed(annotations, places, schema=ANNOTATIONS),
        # what cannot be tied to a listed picture is told in the first shard
        rejected=_placed(rejected, places, schema=REJECTED_ANNOTATIONS, how="left").with_columns(
            pl.col("shard").fill_null(first), pl.col("image_set").fill_null(spec.name)
        ),
    )


def _batches(spec: ImageSetSpec) -> Iterator[tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]]:
    assert spec.annotations is not None
    assert spec.annotations_format is not None
    read = read_annotations(
        spec.annotations,
        format=spec.annotations_format,
        images=spec.images,
        depth=spec.depth,
        masks=spec.masks,
    )
    for annotations, rejected in read:
        yield annotations, rejected, image_keys(annotations)


def _placed(
    rows: pl.DataFrame, places: pl.DataFrame, *, schema: dict[str, pl.DataType], how: str = "inner"
) -> pl.DataFrame:
    joined = rows.drop("shard", "image_set").join(places, on="image_key", how=how, maintain_order="left")  # type: ignore[arg-type]
    return joined.select(list(schema))


def _empty(schema: dict[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(schema=schema)
