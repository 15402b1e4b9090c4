"""Partitions: a shard is a fixed-size slice of one image set, a recipe names one mix."""

import dagster as dg

SHARDS = dg.DynamicPartitionsDefinition(name="shard")
"""Keys `<image set>-<number>`, registered by the asset `image_sets` (and so by `provision ingest` and the sensor)."""

RECIPES = dg.DynamicPartitionsDefinition(name="recipe")
"""Names of the recipes in the recipe folder, registered by the asset `recipes`."""

EVERY_SHARD = dg.AllPartitionMapping()
"""What is made of a whole table, whichever shards it has."""


def image_set_of(shard: str) -> str:
    """Return the image set of a shard key: "visual-genome-00012" -> "visual-genome"."""
    return shard.rsplit("-", 1)[0]
