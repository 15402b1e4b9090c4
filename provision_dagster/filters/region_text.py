"""Region-text similarity: how well a region fits what a question says of it (Genixer, arXiv 2312.06731).

Each distinct region is encoded once, and each distinct expression; a pair whose score is stored is not looked at again
as long as picture, box, expression, model and settings are the same.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import polars as pl

from provision_dagster.filters.region_text_config import RegionTextConfig
from provision_dagster.filters.region_text_model import RegionTextModel
from provision_dagster.filters.region_text_pairs import PAIR, score_pairs
from provision_dagster.filters.regions import GENERATORS, READ, REGION_FAMILIES, regions_of
from provision_dagster.filters.schema import REGION_TEXT_SCORES
from provision_dagster.scene_graphs.annotators.feeding import Work
from provision_dagster.scene_graphs.annotators.parts import openable
from provision_dagster.storage.store import Store

TABLE = "region_text_scores"
COMMIT_SECONDS = 60.0
"""So much work is lost at most when a run is killed."""
AT_ONCE = 2
"""Shards under way: one at the model, and one that is read or committed."""


@dataclass(frozen=True)
class Scored:
    """What was done for one shard: scored questions, pairs and regions encoded in this run, failed questions."""

    shard: str
    questions: int
    pairs: int
    regions: int
    failed: int
    seconds: float


def score_shards(
    shards: Sequence[str],
    *,
    config: RegionTextConfig | None,
    store: Store,
    commit_seconds: float = COMMIT_SECONDS,
    model: RegionTextModel | None = None,
) -> tuple[list[Scored], Work]:
    """Score the questions of shards that point at a region.

    What is stored of the same picture, box, expression, model and settings is not scored again; a run that was killed
    goes on where it last committed.

    Parameters
    ----------
    config
        None empties the shards.
    store
        Holds raw QA and images; gets `region_text_scores`.
    commit_seconds
        How often a shard that is not done yet is committed.
    model
        A loaded one, of `config`; None loads it when it is needed.

    Returns
    -------
    tuple
        What was done for each shard, and the work of the model over all.

    Raises
    ------
    InputError
        When the model cannot be loaded.
    AnnotatorError
        When it fails on one picture after the other.
    """
    work = Work()
    if config is None:
        empty = pl.DataFrame(schema=REGION_TEXT_SCORES)
        for shard in shards:
            store.write_partition(TABLE, empty, key=shard)
        return [Scored(shard, 0, 0, 0, 0, 0.0) for shard in shards], work
    model = model or RegionTextModel(config)
    model.load()

    def one(shard: str) -> Scored:
        return _score_shard(shard, model=model, store=store, work=work, commit_seconds=commit_seconds)

    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="shard")
    try:
        return list(pool.map(one, shards)), work
    finally:
        work.stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _score_shard(shard: str, *, model: RegionTextModel, store: Store, work: Work, commit_seconds: float) -> Scored:
    start = committed = time.perf_counter()
    images = openable(store.scan("images", partitions=shard).collect())
    asked = asked_regions(store, shard, images=images, config=model.config)
    known = _known(store.scan(TABLE, partitions=shard).collect(), model)
    missing = asked.join(known, on=PAIR, how="anti", maintain_order="left").unique(PAIR, maintain_order=True)
    done = [known]
    for found in score_pairs(missing, images, model=model, work=work):
        done.append(found)
        if time.perf_counter() - committed >= commit_seconds:
            store.write_partition(TABLE, _rows(asked, done, shard=shard, model=model), key=shard)
            committed = time.perf_counter()
    rows = _rows(asked, done, shard=shard, model=model)
    store.write_partition(TABLE, rows, key=shard)
    return Scored(
        shard,
        questions=rows.height,
        pairs=missing.height,
        regions=missing.select(PAIR[:-1]).n_unique(),
        failed=rows.height - rows["error"].null_count(),
        seconds=time.perf_counter() - start,
    )


def asked_regions(store: Store, shard: str, *, images: pl.DataFrame, config: RegionTextConfig) -> pl.DataFrame:
    """List what is to be scored of a shard: schema REGIONS with the sides of the box as columns of their own.

    Parameters
    ----------
    images
        Rows of IMAGES of the shard that can be opened; questions about others are left out.
    """
    wanted = pl.col("generator").is_in(GENERATORS)
    raw = [store.scan(family, partitions=shard, columns=READ).filter(wanted) for family in REGION_FAMILIES]
    regions = regions_of(pl.concat(raw).collect(), config=config)
    return regions.join(images, on="image_id", how="semi", maintain_order="left").with_columns(
        pl.col("box").struct.unnest()
    )


def _known(rows: pl.DataFrame, model: RegionTextModel) -> pl.DataFrame:
    """Pairs that this model has scored, with their cosines."""
    same = rows.filter(
        (pl.col("model") == model.model) & (pl.col("config") == model.settings) & pl.col("cosine").is_not_null()
    )
    flat = same.with_columns(pl.col("box").struct.unnest())
    return flat.select(*PAIR, "cosine", "error").unique(PAIR, maintain_order=True)


def _rows(asked: pl.DataFrame, done: Sequence[pl.DataFrame], *, shard: str, model: RegionTextModel) -> pl.DataFrame:
    """Rows of the table: the questions whose pairs are done."""
    rows = asked.join(pl.concat(done), on=PAIR, how="inner", maintain_order="left")
    rows = rows.with_columns(
        shard=pl.lit(shard),
        model=pl.lit(model.model),
        config=pl.lit(model.settings),
        cosine=pl.when(pl.col("cosine").is_finite()).then("cosine"),
        error=pl.when(pl.col("cosine").is_nan() | pl.col("cosine").is_infinite())
        .then(pl.lit("not finite: use another `dtype`"))
        .otherwise("error"),
    )
    scored = rows.with_columns(
        logit=pl.Series(model.logits(rows["cosine"].to_numpy()), dtype=pl.Float64).fill_nan(None),
        percentile=pl.col("cosine").rank("max") / pl.col("cosine").count(),
    )
    return scored.select(pl.col(name).cast(dtype) for name, dtype in REGION_TEXT_SCORES.items())


def check_scores(
    shard: str, rows: pl.DataFrame, *, config: RegionTextConfig | None, store: Store
) -> Mapping[str, pl.DataFrame]:
    """Find rows of a shard that are out of range, of no question, or missing; by problem, with column `id`."""
    images = openable(store.scan("images", partitions=shard).collect())
    asked = pl.DataFrame(schema={"id": pl.String()})
    if config is not None:
        asked = asked_regions(store, shard, images=images, config=config).select("id")
    bad = ~pl.col("cosine").is_between(-1.001, 1.001) | ~pl.col("percentile").is_between(0, 1)
    both_or_none = pl.col("cosine").is_not_null() == pl.col("error").is_not_null()
    return {
        "score_out_of_range": rows.filter(bad),
        "score_and_reason_or_neither": rows.filter(both_or_none),
        "question_without_score": asked.join(rows, on="id", how="anti"),
        "score_of_no_question": rows.join(asked, on="id", how="anti"),
    }
