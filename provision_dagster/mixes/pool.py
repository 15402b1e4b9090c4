"""What choosing needs to know of each question: narrow columns, one row per question of all shards."""

from dataclasses import dataclass

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.mixes.concepts import ConceptSet
from provision_dagster.mixes.recipe import Recipe

Frame = pl.DataFrame | pl.LazyFrame

_NARROW = ("id", "shard", "family", "generator", "image_ids")

HARD = (pl.col("rule") == "judge") & pl.col("detail").str.starts_with("hard")
"""Rows of REJECTED_QA that the judge found hard rather than false (Genixer, arXiv 2312.06731)."""


@dataclass(frozen=True)
class Tables:
    """What a mix is made of, all shards: schemas FILTERED_QA, IMAGES, REJECTED_QA, JUDGE_SCORES, REGION_TEXT_SCORES.

    `held_out_pictures` has `image_id`: what shows one of these is left to evaluation, where the recipe says so.
    `base_pictures` (schema BASE_PICTURES) has pictures of base sets; rows of a base set that show one which is like a
    held-out picture are left out too.
    """

    filtered_qa: Frame
    images: Frame
    rejected_qa: Frame | None = None
    judge_scores: Frame | None = None
    region_text_scores: Frame | None = None
    held_out_pictures: Frame | None = None
    base_pictures: Frame | None = None


def make_pool(recipe: Recipe, *, tables: Tables, sets: pl.DataFrame, concepts: ConceptSet | None) -> pl.DataFrame:
    """Gather the questions that a recipe may take.

    Parameters
    ----------
    recipe
        Says which columns are needed.
    tables
        All shards.
    sets
        `shard` and `image_set` of every picture.
    concepts
        Concepts to look for in the texts; None: none.

    Returns
    -------
    pl.DataFrame
        `id`, `shard`, `family`, `generator`, `image_set`, `image_ids`, `has_options`, `hard`; where the recipe asks for
        them `template`, `answer`, `label`, `judge`, `region_text`, `concepts`.

    Raises
    ------
    InputError
        If ids repeat within a shard, a shard belongs to several image sets, or a table is missing.
    """
    wanted = _columns(recipe, concepts=concepts)
    parts = [_narrow(tables.filtered_qa, hard=False, wanted=wanted)]
    if any(source.hard for source in recipe.sources):
        rejected = _given(tables.rejected_qa, name="rejected_qa", why="`hard`").lazy().filter(HARD)
        parts.append(_narrow(rejected, hard=True, wanted=wanted))
    pool = _unique(pl.concat(parts))
    if tables.held_out_pictures is not None and recipe.held_out.exclude:
        pool = _without(pool, held_out=tables.held_out_pictures)
    shards = sets.select("shard", "image_set").unique()
    if shards["shard"].is_duplicated().any():
        raise InputError("table `images`: a shard must belong to one image set")
    return _scored(pool.join(shards, on="shard", how="left"), recipe=recipe, tables=tables)


def judged(scores: Frame, *, by: tuple[str, ...]) -> pl.LazyFrame:
    """P(Yes) of the form that the judge believes least, per id (or per id and form): column `judge`."""
    told = scores.lazy().filter(pl.col("p_yes").is_finite())
    return told.group_by(by).agg(judge=pl.col("p_yes").min())


def fitted(scores: Frame) -> pl.LazyFrame:
    """Cosine of the region that fits its expression worst, per id: column `region_text`."""
    told = scores.lazy().filter(pl.col("cosine").is_finite())
    return told.group_by("id").agg(region_text=pl.col("cosine").min())


def _columns(recipe: Recipe, *, concepts: ConceptSet | None) -> dict[str, pl.Expr]:
    """Say which further columns of the questions are read, and how."""
    by = set(recipe.balance.by) if recipe.balance else set()
    columns: dict[str, pl.Expr] = {}
    if "template" in by or any(source.templates for source in recipe.sources):
        columns["template"] = pl.col("template")
    if "answer" in by or recipe.concepts is not None:
        columns["answer"] = pl.col("answer")
    if "label" in by:
        columns["label"] = pl.col("metadata").struct.field("objects").list.first().fill_null("")
    if concepts is not None:
        columns["concepts"] = concepts.found_in("question", "answer")
    return columns


def _narrow(qa: Frame, *, hard: bool, wanted: dict[str, pl.Expr]) -> pl.DataFrame:
    has_options = pl.col("options").list.len() > 0
    told = qa.lazy().select(*_NARROW, has_options=has_options, hard=pl.lit(hard), **wanted)
    return told.collect(engine="streaming")


def _without(pool: pl.DataFrame, *, held_out: Frame) -> pl.DataFrame:
    """Leave out rows that show a picture that is held out."""
    shown = pool.select("id", image_id="image_ids").explode("image_id")
    showing = shown.join(held_out.lazy().select("image_id").unique().collect(), on="image_id", how="semi")
    return pool.join(showing, on="id", how="anti", maintain_order="left")


def _unique(pool: pl.DataFrame) -> pl.DataFrame:
    """Keep one of questions that two image sets share; the same question twice in a shard is a mistake."""
    repeated = pool.filter(pl.struct("id", "shard").is_duplicated())["id"].unique().sort().head(3).to_list()
    if repeated:
        raise InputError(f"table `filtered_qa`: `id` must be unique, got repeated {repeated}")
    if not pool["id"].is_duplicated().any():
        return pool
    return pool.sort("id", "hard", "shard").unique("id", keep="first", maintain_order=True)


def _scored(pool: pl.DataFrame, *, recipe: Recipe, tables: Tables) -> pl.DataFrame:
    if any(s.min_judge is not None or s.max_judge is not None for s in recipe.sources):
        scores = _given(tables.judge_scores, name="judge_scores", why="`min_judge` and `max_judge`")
        pool = pool.join(judged(scores, by=("id",)).collect(), on="id", how="left")
    if any(s.min_region_text is not None for s in recipe.sources):
        scores = _given(tables.region_text_scores, name="region_text_scores", why="`min_region_text`")
        pool = pool.join(fitted(scores).collect(), on="id", how="left")
    return pool


def _given(table: Frame | None, *, name: str, why: str) -> Frame:
    if table is None:
        raise InputError(f"recipe asks for {why}: table `{name}` must be given")
    return table
