"""How good the models of annotated image sets are, against what humans marked."""

import dagster as dg
import polars as pl

from provision_dagster.defs.checks import result
from provision_dagster.defs.describe import Metadata, markdown_pictures, markdown_table
from provision_dagster.defs.io_manager import data_version
from provision_dagster.defs.partitions import image_set_of
from provision_dagster.defs.policies import RETRY, policy
from provision_dagster.defs.resources import FoldersResource, StoreResource
from provision_dagster.defs.stages import ANNOTATE
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.configs import QualityFloor
from provision_dagster.scene_graphs.annotators.schema import ANNOTATOR_QUALITY
from provision_dagster.storage.contract import PROBLEMS

SETS_DRAWN = 3
"""Image sets whose charts go into the metadata: some 60 KB each."""

HOW = (
    "Average precision is that of the detections kept above `score_threshold` of the configuration: lower than of all "
    "(`provision evaluate-annotator` keeps all). In image sets whose labels were not searched for exhaustively, a find "
    "that no human marked counts as false. Masks, attributes and relations can be compared where a model was asked "
    "about things that humans described too: with `objects: model`."
)


@dg.asset(
    deps=["images", "annotations", *ANNOTATE],
    description="How good the models of each annotated image set are: figures by measure and label.",
    retry_policy=RETRY,
    **policy("annotators", kinds={"python"}),
)
def annotator_quality(folders: FoldersResource, store: StoreResource) -> dg.Output[pl.DataFrame]:
    """Compare tables of models with human annotations, image set by image set."""
    opened, tables = store.store(), [pl.DataFrame(schema=ANNOTATOR_QUALITY)]
    charts: Metadata = {}
    shards = opened.partitions("images")
    for name in sorted(folders.annotators()):
        # read when needed: charts and statistics take a second to import
        from provision_dagster.scene_graphs.annotators.quality.plots import plot_quality
        from provision_dagster.stored_quality import stored_quality

        own = [shard for shard in shards if image_set_of(shard) == name]
        found = stored_quality(opened, image_set=name, shards=own, lexicon=Lexicon.load()) if own else None
        if found is None:
            continue
        tables.append(found[1])
        if len(charts) < SETS_DRAWN:
            charts[f"charts_{name}"] = dg.MetadataValue.md(markdown_pictures(plot_quality(found[0])))
    table = pl.concat(tables)
    return dg.Output(table, metadata={**_told(table), **charts}, data_version=data_version(table))


def _told(table: pl.DataFrame) -> Metadata:
    """Figures over all labels as numbers, which the UI draws over time, and as a table."""
    whole = table.filter(of="")
    numbers = {f"{row['image_set']}: {row['measure']}": row["value"] for row in whole.iter_rows(named=True)}
    shown = whole.select("image_set", "measure", pl.col("value").round(4), "count", "pictures", "model")
    return {"figures": dg.MetadataValue.md(markdown_table(shown)), "how": HOW, **numbers}


@dg.asset_check(asset=annotator_quality, description="Each figure reaches the `quality_floor` of its annotators.")
def annotator_quality_above_floor(folders: FoldersResource, store: StoreResource) -> dg.AssetCheckResult:
    """Warn when a model is worse than the least that its configuration asks for, or could not be measured."""
    figures = store.store().scan("annotator_quality").filter(pl.col("of") == "").collect()
    floors = {name: config.quality_floor for name, config in folders.annotators().items()}
    return result(_below(figures, floors), rows=figures.height, severity=dg.AssetCheckSeverity.WARN)


def _below(figures: pl.DataFrame, floors: dict[str, QualityFloor]) -> pl.DataFrame:
    asked = [
        (name, measure, least)
        for name, floor in sorted(floors.items())
        for measure, least in floor.model_dump(exclude_none=True).items()
    ]
    wanted = pl.DataFrame(
        asked, schema={"image_set": pl.String, "measure": pl.String, "least": pl.Float64}, orient="row"
    )
    # an image set without any figure is one that no human annotated
    wanted = wanted.join(figures, on="image_set", how="semi", maintain_order="left")
    both = wanted.join(figures, on=["image_set", "measure"], how="left", maintain_order="left")
    bad = both.filter(pl.col("value").is_null() | (pl.col("value") < pl.col("least")))
    told = pl.format("{} < {}", pl.col("value").round(4), "least").fill_null("not measured")
    return bad.select(
        rule=pl.format("{}: {}", "image_set", "measure"), rows=pl.lit(1, dtype=pl.Int64), example=told
    ).cast(dict(PROBLEMS))  # type: ignore[arg-type]
