"""Held-out evaluation sets: pictures that no mix shows, questions about them, and the proof that mixes keep to it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import dagster as dg
import polars as pl

from provision_dagster.defs.checks import as_problem, result
from provision_dagster.defs.describe import Metadata, markdown_table
from provision_dagster.defs.io_manager import data_version
from provision_dagster.defs.partitions import EVERY_SHARD, RECIPES
from provision_dagster.defs.policies import policy
from provision_dagster.defs.resources import FoldersResource, StoreResource
from provision_dagster.mixes.held_out.base_overlaps import base_overlaps
from provision_dagster.mixes.held_out.base_pictures import base_pictures as open_base_pictures
from provision_dagster.mixes.held_out.config import HeldOutConfig
from provision_dagster.mixes.held_out.disjoint import overlaps, pictures_of, rows_that_show
from provision_dagster.mixes.held_out.export import export_held_out, remove_held_out
from provision_dagster.mixes.held_out.questions import held_out_questions
from provision_dagster.mixes.held_out.split import held_out_pictures as choose_pictures
from provision_dagster.mixes.registry import find_recipe
from provision_dagster.storage.contract import PROBLEMS, contract_problems, problems

READ = ("filtered_qa", "images")
LARGE_GROUP = 100
"""Pictures that hang together by being alike: of more, the bound on their distance is too wide for the data."""


@dg.multi_asset(
    ins={
        **{name: dg.AssetIn(name, partition_mapping=EVERY_SHARD) for name in READ},
        "duplicate_pictures": dg.AssetIn("duplicate_pictures"),
    },
    deps=["qa_quality"],
    outs={
        "held_out_pictures": dg.AssetOut(
            description="Pictures that no mix may show: a hash of each decides, and what is alike goes together.",
            dagster_type=pl.DataFrame,
            **policy("mixes", kinds={"polars"}, automatic=False),
        ),
        "held_out": dg.AssetOut(
            description="Questions whose pictures are all held out, in the groups of CV-Bench.",
            dagster_type=pl.DataFrame,
            **policy("mixes", kinds={"polars"}, automatic=False),
        ),
    },
)
def held_out_split(
    folders: FoldersResource, filtered_qa: pl.LazyFrame, images: pl.LazyFrame, duplicate_pictures: pl.LazyFrame
) -> Iterator[dg.Output[pl.DataFrame]]:
    """Split pictures, never questions; without a file of settings nothing is held out."""
    config = folders.held_out_settings()
    pictures = choose_pictures(images, duplicates=duplicate_pictures, config=config)
    questions, sides = held_out_questions(filtered_qa, pictures=pictures, config=config)
    yield dg.Output(
        pictures,
        output_name="held_out_pictures",
        metadata=_about_pictures(pictures, images=images, config=config),
        data_version=data_version(pictures),
    )
    groups = questions.group_by("type", "task").len("questions").sort("type", "task")
    told: Metadata = {
        "groups": dg.MetadataValue.md(markdown_table(groups)),
        "sides": dg.MetadataValue.md(markdown_table(sides)),
        "in_neither": int(sides["in_neither"].sum()),
    }
    yield dg.Output(questions, output_name="held_out", metadata=told, data_version=data_version(questions))


def _about_pictures(pictures: pl.DataFrame, *, images: pl.LazyFrame, config: HeldOutConfig | None) -> Metadata:
    if config is None:
        return {"held_out": "nothing: there is no file of settings"}
    every = images.select(pl.col("image_id").n_unique()).collect().item()
    distinct = pictures.unique("image_id")
    sizes = distinct.group_by("group").len()["len"]
    largest = int(cast("int | None", sizes.max()) or 0)
    told: dict[str, Any] = {
        "settings": dg.MetadataValue.json(config.model_dump(mode="json")),
        "share": distinct.height / max(every, 1),
        "pictures": distinct.height,
        "held_out_with_one_like_them": int((~distinct["drawn"]).sum()),
        "largest_group": largest,
    }
    if largest > LARGE_GROUP:
        told["warning"] = f"{largest} pictures hang together: `max_phash_distance` may be too wide for this data"
    return told


@dg.asset(
    ins={"images": dg.AssetIn(partition_mapping=EVERY_SHARD)}, **policy("mixes", kinds={"parquet"}, automatic=False)
)
def held_out_exports(
    folders: FoldersResource, store: StoreResource, held_out: pl.LazyFrame, images: pl.LazyFrame
) -> dg.MaterializeResult[None]:
    """The evaluation set for lmms-eval and VLMEvalKit, with its manifest."""
    config, folder = folders.held_out_settings(), Path(folders.exports) / "held_out"
    if config is None:
        remove_held_out(folder)
        return dg.MaterializeResult(metadata={"dagster/row_count": 0})
    versions = {table: store.store().version(table) for table in ("held_out", "images")}
    manifest = export_held_out(held_out.collect(), folder, images=images, config=config, table_versions=versions)
    counts = manifest["counts"]
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(folder.absolute())),
            "counts": dg.MetadataValue.json(counts),
            "dagster/row_count": counts["questions"],
        }
    )


@dg.asset(
    partitions_def=RECIPES,
    deps=["recipes"],
    ins={"held_out_pictures": dg.AssetIn("held_out_pictures")},
    **policy("mixes", kinds={"polars"}, automatic=False),
)
def base_pictures(
    context: dg.AssetExecutionContext,
    folders: FoldersResource,
    store: StoreResource,
    held_out_pictures: pl.LazyFrame,
) -> dg.Output[pl.DataFrame]:
    """Pictures of a recipe's base set, and which of them show a held-out one: rows with these are left out."""
    recipe = find_recipe(context.partition_key, files=folders.recipe_files())
    config = folders.held_out_settings()
    known, held_out = (frame.collect() for frame in (store.store().scan("base_pictures"), held_out_pictures))
    found = open_base_pictures(recipe, held_out_pictures=held_out, config=config, known=known)
    metadata: Metadata = {"held_out": found["like"].count(), "cannot_be_opened": found["error"].count()}
    return dg.Output(found, metadata=metadata, data_version=data_version(found))


@dg.asset_check(asset="held_out", description="Whole questions about held-out pictures alone.", blocking=True)
def held_out_is_sound(store: StoreResource) -> dg.AssetCheckResult:
    """Check the contract, and that every picture of every question is held out."""
    opened = store.store()
    rows, pictures = (opened.scan(name).collect() for name in ("held_out", "held_out_pictures"))
    known = pl.element().is_in(pictures["image_id"].unique().implode())
    rules = {"picture_not_held_out": ~pl.col("image_ids").list.eval(known).list.all()}
    found = contract_problems(rows, spec=opened.spec("held_out"))
    return result(pl.concat([found, problems(rows, rules=rules, example=pl.col("id"))]), rows=rows.height)


@dg.asset_check(asset="held_out", description="Every generator has a held-out question.")
def held_out_covers(folders: FoldersResource, store: StoreResource) -> dg.AssetCheckResult:
    """Warn of generators that the evaluation set does not ask of."""
    opened = store.store()
    rows = opened.scan("held_out", columns=["generator"]).collect()
    if folders.held_out_settings() is None:
        return result(as_problem("generator_missing", rows.clear(), example="generator"), rows=0)
    every = opened.scan("filtered_qa", columns=["generator"]).unique().sort("generator").collect()
    missing = every.join(rows, on="generator", how="anti", maintain_order="left")
    found = as_problem("generator_missing", missing, example="generator")
    return result(found, rows=rows.height, severity=dg.AssetCheckSeverity.WARN)


@dg.asset_check(
    asset="mixes",
    description="No example shows a held-out picture, the same file, or a picture that looks like one.",
    partitions_def=RECIPES,
    blocking=True,
)
def mixes_are_disjoint(
    context: dg.AssetCheckExecutionContext, folders: FoldersResource, store: StoreResource
) -> dg.AssetCheckResult:
    """Prove that a mix and the held-out pictures have nothing in common: by id, SHA-256 and perceptual hash."""
    opened, name = store.store(), context.op_execution_context.partition_key
    pictures = opened.scan("held_out_pictures").collect()
    mix = opened.scan("mixes", partitions=name)
    rows = mix.select(pl.len()).collect().item()
    config = folders.held_out_settings()
    if config is None or pictures.is_empty():
        return result(problems(pictures, rules={}, example=pl.lit("")), rows=rows)
    shown = pictures_of(mix, images=opened.scan("images"))
    hits = overlaps(shown, pictures=pictures, max_distance=config.max_phash_distance)
    unknown = as_problem("picture_unknown", shown.filter(pl.col("shard").is_null()), example="image_id")
    known = opened.scan("base_pictures", partitions=name).collect()
    base = base_overlaps(mix, pictures=pictures, config=config, known=known)
    found = pl.concat([unknown, rows_that_show(mix, hits=hits), base.found])
    recipe = find_recipe(name, files=folders.recipe_files())
    severity = dg.AssetCheckSeverity.ERROR if recipe.held_out.exclude else dg.AssetCheckSeverity.WARN
    counts: Metadata = {
        "pictures_of_the_mix": shown["image_id"].n_unique(),
        "held_out_pictures": pictures["image_id"].n_unique(),
        "base_pictures": base.pictures,
        "base_pictures_unseen": base.unseen,
    }
    if found.is_empty() and base.unseen:
        severity = dg.AssetCheckSeverity.WARN
        example = "pictures of the base set that cannot be opened"
        found = pl.DataFrame({"rule": ["unseen"], "rows": [base.unseen], "example": [example]}, schema=PROBLEMS)
    told = result(found, rows=rows, severity=severity)
    return dg.AssetCheckResult(passed=told.passed, severity=told.severity, metadata={**told.metadata, **counts})
