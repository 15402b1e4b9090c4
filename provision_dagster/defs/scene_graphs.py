"""Scene graphs: annotations and pixels of a picture become one row that holds all a question may ask."""

import dagster as dg
import polars as pl

from provision_dagster.annotate import still_asked
from provision_dagster.defs.describe import Metadata, markdown_table
from provision_dagster.defs.image_sets import annotator_settings
from provision_dagster.defs.io_manager import data_version
from provision_dagster.defs.marked import completed, marked, with_answers
from provision_dagster.defs.partitions import SHARDS
from provision_dagster.defs.policies import RETRY, policy
from provision_dagster.defs.resources import FoldersResource, GenerationResource
from provision_dagster.generators.balance import STRENGTHS
from provision_dagster.generators.strengths import image_set_strengths
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.assemble import assemble
from provision_dagster.scene_graphs.fitting import sized
from provision_dagster.scene_graphs.merging import add_masks
from provision_dagster.scene_graphs.vocabulary import count_vocabulary


@dg.multi_asset(
    outs={
        "scene_graphs": dg.AssetOut(
            description="One row per picture: objects, attributes, relations and pixel evidence.",
            **policy("scene_graphs", kinds={"python"}),
        ),
        "rejected_evidence": dg.AssetOut(
            description="Masks, depth maps and pictures that could not be used, each with its reason.",
            **policy("scene_graphs", kinds={"python"}),
        ),
    },
    deps=[annotator_settings],
    partitions_def=SHARDS,
    retry_policy=RETRY,
)
def assembled(
    images: pl.LazyFrame,
    annotations: pl.LazyFrame,
    detections: pl.LazyFrame,
    masks: pl.LazyFrame,
    depth_maps: pl.LazyFrame,
    attributes: pl.LazyFrame,
    relations: pl.LazyFrame,
    repeated_pictures: pl.LazyFrame,
    folders: FoldersResource,
) -> tuple[dg.Output[pl.DataFrame], dg.Output[pl.DataFrame]]:
    """Join annotations and what models found with the pictures they are of; each mask and depth map is opened once."""
    key = ["image_set", "image_key"]
    first = images.join(repeated_pictures.select(key), on=key, how="anti", maintain_order="left")
    known = marked(annotations, detections, folders.annotators())
    said = {"masks": masks.collect(), "attributes": attributes.collect(), "relations": relations.collect()}
    # objects may have changed since a model was asked about them, under ids that are there still
    now = {
        table: still_asked(table, rows, images.collect(), marked=known, annotators=folders.annotators())
        for table, rows in said.items()
    }
    whole = with_answers(add_masks(known, now["masks"]), now["attributes"], now["relations"])
    graphs, rejected = assemble(first.collect(), whole, depth_maps=depth_maps.collect())
    reasons = rejected.group_by("part", "reason").len("rows").sort("part", "reason")
    metadata: Metadata = {
        "objects": int(graphs["objects"].list.len().sum()),
        "relations": int(graphs["relations"].list.len().sum()),
        "answers_about_other_objects": sum(said[table].height - now[table].height for table in said),
        "rejected": dg.MetadataValue.md(markdown_table(reasons)),
    }
    return (
        dg.Output(graphs, metadata=metadata, data_version=data_version(graphs)),
        dg.Output(rejected, data_version=data_version(rejected)),
    )


@dg.asset(deps=[annotator_settings], **policy("scene_graphs", kinds={"polars"}))
def vocabulary(
    annotations: pl.LazyFrame,
    detections: pl.LazyFrame,
    attributes: pl.LazyFrame,
    relations: pl.LazyFrame,
    folders: FoldersResource,
) -> dg.Output[pl.DataFrame]:
    """How often each label, attribute and predicate occurs in an image set; distractors are drawn from it."""
    known = completed(annotations, detections, folders.annotators(), attributes=attributes, relations=relations)
    table = count_vocabulary(known.select("image_set", "objects", "relations"))
    words = table.group_by("image_set", "kind").agg(words=pl.col("value").n_unique(), mentions=pl.col("count").sum())
    metadata: Metadata = {"words": dg.MetadataValue.md(markdown_table(words.sort("image_set", "kind")))}
    return dg.Output(table, metadata=metadata, data_version=data_version(table))


@dg.asset(deps=[annotator_settings], **policy("scene_graphs", kinds={"polars"}))
def answer_strengths(
    images: pl.LazyFrame,
    annotations: pl.LazyFrame,
    detections: pl.LazyFrame,
    masks: pl.LazyFrame,
    depth_maps: pl.LazyFrame,
    attributes: pl.LazyFrame,
    relations: pl.LazyFrame,
    vocabulary: pl.LazyFrame,
    folders: FoldersResource,
    generation: GenerationResource,
) -> dg.Output[pl.DataFrame]:
    """How likely each option is the answer where it is offered: multiple choice is thinned out by it (T4)."""
    said = completed(annotations, detections, folders.annotators(), attributes=attributes, relations=relations)
    sizes = images.select("image_set", "image_key", "width", "height").collect()
    known = sized(add_masks(said, masks.collect()), sizes)
    tables = [
        image_set_strengths(
            known.filter(image_set=name),
            vocabulary=vocabulary.filter(pl.col("image_set") == name).collect(),
            lexicon=Lexicon.load(),
            settings=generation.settings(),
            depth_maps=depth_maps.filter(pl.col("image_set") == name),
        )
        for name in known["image_set"].unique().sort()
    ]
    table = pl.concat([pl.DataFrame(schema=STRENGTHS), *tables])
    fitted = table.group_by("image_set", "generator").agg(options=pl.len(), strongest=pl.col("strength").max())
    metadata: Metadata = {"generators": dg.MetadataValue.md(markdown_table(fitted.sort("image_set", "generator")))}
    return dg.Output(table, metadata=metadata, data_version=data_version(table))
