"""Builds a mix: the rows that a recipe takes, in their final wording and order."""

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.mixes.choose import choose, hashed
from provision_dagster.mixes.recipe import Form, Recipe
from provision_dagster.mixes.render import pictures, render

_POOL = ("id", "shard", "family", "generator", "image_ids", "options")


def build_mix(
    recipe: Recipe, *, filtered_qa: pl.DataFrame | pl.LazyFrame, images: pl.DataFrame | pl.LazyFrame
) -> pl.DataFrame:
    """Build the examples of a recipe.

    Every choice is a function of recipe and QA ids: the order of the rows, their shards and the machine do
    not matter. Of rows that are not taken, only the narrow columns are held in memory.

    Parameters
    ----------
    recipe
        What to take and how to word it.
    filtered_qa
        Schema FILTERED_QA, all shards.
    images
        Schema IMAGES, all shards.

    Returns
    -------
    pl.DataFrame
        Schema MIX, one row per example, by position.

    Raises
    ------
    InputError
        If the recipe asks for what does not exist (the message says what is possible), ids repeat, or an
        image is missing.
    """
    known = pictures(images)
    chosen = choose(recipe, pool=_pool(filtered_qa, known=known))
    ordered = (
        _with_form(chosen, form=recipe.form, seed=recipe.seed)
        .with_columns(place=hashed("id", seed=recipe.seed, purpose="place"))
        .sort("place", "id")
        .with_row_index("position")
        .select("id", "source", "form", "position")
    )
    rows = filtered_qa.lazy().join(ordered.lazy(), on="id", how="inner").collect()
    return render(rows, recipe=recipe.name, pictures=known, notation=recipe.box_format)


def _pool(filtered_qa: pl.DataFrame | pl.LazyFrame, *, known: pl.DataFrame) -> pl.DataFrame:
    """Return what choosing needs to know of each row."""
    rows = filtered_qa.lazy().select(_POOL).with_columns(has_options=pl.col("options").list.len() > 0)
    pool = rows.drop("options").collect()
    repeated = pool.filter(pl.col("id").is_duplicated())["id"].unique().sort().head(3).to_list()
    if repeated:
        raise InputError(f"table `filtered_qa`: `id` must be unique, got repeated {repeated}")
    sets = known.select("shard", "image_set").unique()
    if sets["shard"].is_duplicated().any():
        raise InputError("table `images`: a shard must belong to one image set")
    return pool.join(sets, on="shard", how="left")


def _with_form(chosen: pl.DataFrame, *, form: Form, seed: int) -> pl.DataFrame:
    """Say which rows take their multiple-choice form; half takes every other one, generator by generator."""
    if form != "half":
        return chosen.with_columns(form=pl.lit(form))
    by_generator = chosen.with_columns(toss=hashed("id", seed=seed, purpose="form")).sort("generator", "toss", "id")
    with_options = by_generator.filter("has_options").with_row_index("place")
    choice = with_options.filter(pl.col("place") % 2 == 0).select("id", form=pl.lit("choice"))
    return chosen.join(choice, on="id", how="left").with_columns(pl.col("form").fill_null("open"))
