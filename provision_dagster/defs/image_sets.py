"""Pictures in: image sets are registered, listed shard by shard, opened and fingerprinted."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from provision_dagster.defs.describe import Metadata, markdown_table
from provision_dagster.defs.io_manager import data_version
from provision_dagster.defs.partitions import SHARDS, image_set_of
from provision_dagster.defs.policies import RETRY, policy
from provision_dagster.defs.resources import FoldersResource
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.repeated import repeated_images
from provision_dagster.image_sets.safety import read_safety
from provision_dagster.image_sets.schema import IMAGE_SETS
from provision_dagster.image_sets.spec import load_spec
from provision_dagster.scene_graphs.annotators.settings import annotator_settings as models_of
from provision_dagster.scene_graphs.ingest import ingest_image_set
from provision_dagster.scene_graphs.registry import register_image_sets, usable_annotators_of


@dg.asset(**policy("image_sets", kinds={"polars"}, automatic=False))
def image_sets(context: dg.AssetExecutionContext, folders: FoldersResource) -> dg.Output[pl.DataFrame]:
    """Every image set of the spec folder: how many pictures, which shards. Registers the shards as partitions."""
    table = register_image_sets(folders.image_set_files())
    shards = table.explode("shards")["shards"].drop_nulls().to_list()
    assert SHARDS.name is not None
    context.instance.add_dynamic_partitions(SHARDS.name, shards)
    counts = table.select("image_set", "images", pl.col("shards").list.len(), "error")
    metadata: Metadata = {"shards": len(shards), "image_sets": dg.MetadataValue.md(markdown_table(counts))}
    return dg.Output(table.select(list(IMAGE_SETS)), metadata=metadata, data_version=data_version(table))


@dg.asset(deps=[image_sets], **policy("annotators", kinds={"polars"}, automatic=False))
def annotator_settings(folders: FoldersResource) -> dg.Output[pl.DataFrame]:
    """Which models look at the pictures of each image set, and how they are set; made when sets are registered."""
    table = models_of(usable_annotators_of(folders.image_set_files()))
    shown = table.select("image_set", "table", "kind", pl.col("files").list.eval(pl.element().struct.field("name")))
    metadata: Metadata = {"models": dg.MetadataValue.md(markdown_table(shown))}
    return dg.Output(table, metadata=metadata, data_version=data_version(table))


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            name, deps=[image_sets], description=text, **policy("image_sets", kinds={"polars"})
        ).with_io_manager_key("io_manager")
        for name, text in (
            ("image_sources", "Pictures of a shard as listed, before any is opened."),
            (
                "picture_safety",
                "Safety labels and unsafe scores of a shard's pictures, where its set tells them.",
            ),
            ("annotations", "Human annotations of a shard in the shape of a scene graph, before pixel evidence."),
            ("rejected_annotations", "Parts of annotations that could not be used, each with its reason."),
        )
    ],
    partitions_def=SHARDS,
    # one run reads each image set once, however many of its shards are asked for
    backfill_policy=dg.BackfillPolicy.single_run(),
    can_subset=False,
)
def ingest(context: dg.AssetExecutionContext, folders: FoldersResource) -> Iterator[dg.Output[pl.DataFrame]]:
    """Read image sets and cut them into shards."""
    keys = list(context.partition_keys)
    wanted = {image_set_of(key) for key in keys}
    specs = [spec for file in folders.image_set_files() if (spec := load_spec(file)).name in wanted]
    missing = sorted(wanted - {spec.name for spec in specs})
    if missing:
        raise dg.Failure(f"no spec file for image set {', '.join(missing)} in `{folders.image_sets}`")
    read = [ingest_image_set(spec) for spec in specs]
    safety = [read_safety(spec, sources=r.sources) for spec, r in zip(specs, read, strict=True)]
    unknown = pl.concat(s.unknown_keys for s in safety)
    if len(unknown):
        some = ", ".join(unknown.head(3))
        context.log.warning(f"safety is told of {len(unknown)} keys that no picture has: {some}")
    for name, frames in (
        ("image_sources", [r.sources for r in read]),
        ("picture_safety", [s.table for s in safety]),
        ("annotations", [r.annotations for r in read]),
        ("rejected_annotations", [r.rejected for r in read]),
    ):
        rows = pl.concat(frames).filter(pl.col("shard").is_in(keys))
        version = data_version(rows) if len(keys) == 1 else None
        metadata = {"unknown_keys": len(unknown)} if name == "picture_safety" else None
        yield dg.Output(rows, output_name=name, data_version=version, metadata=metadata)


@dg.asset(partitions_def=SHARDS, retry_policy=RETRY, **policy("image_sets", kinds={"python"}))
def images(context: dg.AssetExecutionContext, image_sources: pl.LazyFrame) -> dg.Output[pl.DataFrame]:
    """Every picture of a shard, opened and fingerprinted: size, hashes, licence, and whether it can be used."""
    table = inspect_images(image_sources.sort("position").collect())
    statuses = table.group_by("status").len("pictures").sort("status")
    bad = table.filter(pl.col("error").is_not_null()).select("image_key", "status", "error").head(10)
    metadata: Metadata = {
        "usable": int(table["status"].is_in(["ok", "annotations_only"]).sum()),
        "statuses": dg.MetadataValue.md(markdown_table(statuses)),
        "not_usable": dg.MetadataValue.md(markdown_table(bad)),
    }
    return dg.Output(table, metadata=metadata, data_version=data_version(table))


@dg.asset(**policy("image_sets", kinds={"polars"}))
def repeated_pictures(images: pl.LazyFrame) -> dg.Output[pl.DataFrame]:
    """Pictures whose pixels stand in an earlier shard or image set already: only the first goes on."""
    table = repeated_images(images)
    return dg.Output(table, data_version=data_version(table))
