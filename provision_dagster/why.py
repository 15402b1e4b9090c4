"""The story of one question: from the picture through generator, scores and rules to the mixes that hold it."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.filters.config import FilterConfig
from provision_dagster.filters.filter_qa import RULES
from provision_dagster.filters.run_sql import run_models
from provision_dagster.filters.schema import FAMILIES, SCORES
from provision_dagster.storage.store import Store
from provision_dagster.stored_sql import shard_sources

SHORTEST = 4
"""Digits of an id that must be given at least."""

OF_SCORES = {"region_text": ("stg_region_text", "cosine"), "judge": ("stg_judge", "p_yes")}
"""Rules with a score for what they let pass too: the model that has it, and its column."""


@dataclass(frozen=True)
class Story:
    """What is known of one question.

    Attributes
    ----------
    qa
        Row of RAW_QA.
    shards
        Shards that hold it; the story is of the first.
    pictures, objects, relations
        What it is about: the pictures, and the objects that prove the answer, with relations between these.
    funnel
        What became of the candidates of its generator in the shard.
    scores
        Rows of each table of scores that are about the question or its pictures.
    verdicts
        Every rule in order: verdict (`broken`, `kept`, `not asked`), score, threshold, model, detail.
    stored
        Row of REJECTED_QA, or None.
    kept
        Whether `filtered_qa` holds it; None: the filters have not run since it was generated.
    mixes
        Recipe, position and form of each example made of it.
    """

    qa: dict[str, Any]
    shards: tuple[str, ...]
    pictures: pl.DataFrame
    objects: pl.DataFrame
    relations: pl.DataFrame
    funnel: pl.DataFrame
    scores: dict[str, pl.DataFrame]
    verdicts: pl.DataFrame
    stored: dict[str, Any] | None
    kept: bool | None
    mixes: pl.DataFrame

    @property
    def outdated(self) -> bool:
        """Whether the thresholds of today would decide otherwise than the stored tables."""
        broken = self.verdicts.filter(verdict="broken")["rule"].head(1).to_list()
        return self.kept is not None and broken != ([self.stored["rule"]] if self.stored else [])


def why(qa_id: str, *, store: Store, config: FilterConfig) -> Story:
    """Tell the story of a question.

    Parameters
    ----------
    qa_id
        Its id, or the first digits of it.
    store
        All tables.
    config
        Thresholds that the verdicts are of.

    Raises
    ------
    InputError
        If no question has this id, or several begin so; near ids and shards are named.
    """
    found = _find(qa_id.strip().lower(), store)
    qa = found.row(0, named=True)
    shard, images = qa["shard"], qa["image_ids"] or []
    pictures = store.scan("images", partitions=shard).filter(pl.col("image_id").is_in(images)).collect()
    graphs = store.scan("scene_graphs", partitions=shard).filter(pl.col("image_id").is_in(images)).collect()
    objects, relations = _evidence(graphs, named=(qa["evidence"] or {}).get("object_ids") or [])
    rejected = _by_id(store, "rejected_qa", qa)
    in_filtered = _by_id(store, "filtered_qa", qa).height > 0
    return Story(
        qa=qa,
        shards=tuple(found["shard"]),
        pictures=_with_safety(pictures, store=store, shard=shard),
        objects=objects,
        relations=relations,
        funnel=_funnel(store, qa),
        scores={name: _scored(store, name, qa) for name in SCORES if name != "picture_safety"},
        verdicts=_verdicts(store, qa, config),
        stored=rejected.row(0, named=True) if rejected.height else None,
        kept=in_filtered if in_filtered or rejected.height else None,
        mixes=store.scan("mixes").filter(pl.col("id") == qa["id"]).select("recipe", "position", "form").collect(),
    )


def _with_safety(pictures: pl.DataFrame, *, store: Store, shard: str) -> pl.DataFrame:
    """Return one row per image id, with the label and the score of its picture."""
    safety = store.scan("picture_safety", partitions=shard).drop("shard").collect()
    own = pictures.join(safety, on=["image_set", "image_key"], how="left", maintain_order="left")
    return own.unique("image_id", keep="first", maintain_order=True)


def _find(begin: str, store: Store) -> pl.DataFrame:
    """Return the rows of the one question whose id begins so, a row per shard."""
    if len(begin) < SHORTEST:
        raise InputError(f"QA_ID needs at least {SHORTEST} digits, got {begin!r}")
    every = pl.concat([store.scan(family, columns=["id", "shard", "family"]) for family in FAMILIES])
    ids = every.filter(pl.col("id").str.starts_with(begin)).collect().sort("id", "shard")
    different = ids["id"].unique().sort()
    if different.is_empty():
        raise InputError(_unknown(begin, every, store))
    if len(different) > 1:
        raise InputError(f"{len(different)} questions begin with `{begin}`: {', '.join(different.head(5))}")
    parts = ids.select("family", "shard").rows()
    rows = [store.scan(f, partitions=s).filter(pl.col("id") == different[0]).collect() for f, s in parts]
    return pl.concat(rows)


def _unknown(begin: str, every: pl.LazyFrame, store: Store) -> str:
    for digits in range(len(begin) - 1, 1, -1):
        near = every.filter(pl.col("id").str.starts_with(begin[:digits])).select("id").unique().sort("id").head(3)
        names = near.collect()["id"].to_list()
        if names:
            return f"no question has the id `{begin}`; near: {', '.join(names)}"
    shards = store.partitions("images")
    made = sorted({shard for family in FAMILIES for shard in store.partitions(family)})
    return (
        f"no question has the id `{begin}`; of {len(shards)} shards {len(made)} have questions"
        f"{': ' + ', '.join(made[:3]) if made else ''}"
    )


def _by_id(store: Store, table: str, qa: dict[str, Any]) -> pl.DataFrame:
    return store.scan(table, partitions=qa["shard"]).filter(pl.col("id") == qa["id"]).collect()


def _evidence(graphs: pl.DataFrame, *, named: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the named objects, and the relations between them."""
    parts = graphs.select("image_id", "objects").explode("objects").drop_nulls("objects")
    every = parts.with_columns(place=pl.int_range(pl.len()).over("image_id").cast(pl.UInt32)).unnest("objects")
    objects = every.filter(pl.col("id").is_in(named))
    joined = graphs.select("image_id", "relations").explode("relations").drop_nulls("relations").unnest("relations")
    ends = objects.select("image_id", "place", "label", "id")
    relations = joined.join(ends, left_on=["image_id", "subject"], right_on=["image_id", "place"]).join(
        ends, left_on=["image_id", "object"], right_on=["image_id", "place"], suffix="_of_object"
    )
    told = relations.select("image_id", subject="label", predicate="predicate", object="label_of_object")
    return objects.select("image_id", "id", "label", "box", "attributes", "score"), told


def _funnel(store: Store, qa: dict[str, Any]) -> pl.DataFrame:
    key = {"shard": qa["shard"], "family": qa["family"]}
    own = store.scan("funnel", partitions=key).filter(pl.col("generator") == qa["generator"])
    return own.select("reason", "count").collect().sort("count", "reason", descending=[True, False])


def _scored(store: Store, name: str, qa: dict[str, Any]) -> pl.DataFrame:
    about = [qa["id"], *(qa["image_ids"] or [])]
    own = (pl.col("shard") == qa["shard"]) & pl.col("id").is_in(about)
    return store.scan(name).filter(own).select(list(SCORES[name])).collect()


def _verdicts(store: Store, qa: dict[str, Any], config: FilterConfig) -> pl.DataFrame:
    """Ask every rule: the first that is broken rejects, and the others are told too."""
    sources = shard_sources(store, qa["shard"], config=config)
    models = [f"int_rule_{rule}" for rule in RULES]
    staged = [model for model, _ in OF_SCORES.values()]
    frames = run_models(sources, targets=[*models, *staged], limits=config.sql)
    row = sources["raw_qa"].filter(pl.col("id") == qa["id"])["row"][0]
    broken = {rule: frames[f"int_rule_{rule}"].filter(pl.col("row") == row) for rule in RULES}
    rows = [_verdict(rule, broken[rule], frames, qa["id"], config) for rule in RULES]
    schema = {"rule": pl.String, "verdict": pl.String, "score": pl.Float64, "threshold": pl.Float64}
    return pl.DataFrame(rows, schema={**schema, "model": pl.String, "detail": pl.String})


def _verdict(
    rule: str, broken: pl.DataFrame, frames: dict[str, pl.DataFrame], qa_id: str, config: FilterConfig
) -> dict[str, Any]:
    if broken.height:
        return {"verdict": "broken", **broken.row(0, named=True), "rule": rule}
    if rule not in OF_SCORES:
        return {"rule": rule, "verdict": "kept"}
    model, column = OF_SCORES[rule]
    own = frames[model].filter(pl.col("id") == qa_id)
    if own.is_empty():
        return {"rule": rule, "verdict": "not asked", "detail": "there is no score"}
    threshold = {"region_text": config.min_region_text_cosine, "judge": config.min_judge_p_yes}[rule]
    return {"rule": rule, "verdict": "kept", "score": own[column][0], "threshold": threshold, "model": own["model"][0]}
