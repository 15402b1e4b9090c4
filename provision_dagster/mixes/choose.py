"""Which rows a recipe takes: a hash of id and seed decides, so the order of the input does not matter."""

from fractions import Fraction

import polars as pl
import polars_hash as plh

from provision_dagster.errors import InputError
from provision_dagster.mixes.recipe import Recipe, Source


def hashed(column: str, *, seed: int, purpose: str) -> pl.Expr:
    """Return a 64-bit number per row that depends on its text, the seed and what it is for (xxHash64)."""
    text = plh.concat_str(pl.lit(f"{seed}/{purpose}/"), column)
    return text.nchash.xxhash64()


def choose(recipe: Recipe, *, pool: pl.DataFrame) -> pl.DataFrame:
    """Choose rows source by source.

    Parameters
    ----------
    recipe
        What to take.
    pool
        One row per filtered QA: `id`, `family`, `generator`, `image_set`, `image_ids`, `has_options`.

    Returns
    -------
    pl.DataFrame
        The rows of the pool that are taken, with `source`, in no particular order.

    Raises
    ------
    InputError
        If a source asks for what does not exist; the message says what is possible.
    """
    left = pool.with_columns(order=hashed("id", seed=recipe.seed, purpose="take")).sort("order", "id")
    taken: list[pl.DataFrame] = []
    used = pl.DataFrame(schema={"image_ids": pl.String, "used": pl.UInt32})
    for place, source in enumerate(recipe.sources):
        part = _take(recipe, place=place, source=source, pool=pool, left=left, used=used)
        taken.append(part.with_columns(source=pl.lit(place, dtype=pl.Int32)))
        left = left.join(part, on="id", how="anti", maintain_order="left")
        used = pl.concat(taken).explode("image_ids").group_by("image_ids").agg(used=pl.len())
    return pl.concat(taken).drop("order")


def _take(
    recipe: Recipe, *, place: int, source: Source, pool: pl.DataFrame, left: pl.DataFrame, used: pl.DataFrame
) -> pl.DataFrame:
    where = f"recipe `{recipe.name}`, `sources.{place}`"
    matching = _matching(source, pool, where=where)
    if recipe.form == "choice":
        matching = matching.filter("has_options")
        if matching.is_empty():
            raise InputError(f"{where}: no row has options, so `form` can only be open or half, got choice")
    free = left.join(matching.select("id"), on="id", how="semi", maintain_order="left")
    fitting = free if recipe.cap_per_image is None else _under_cap(free, used=used, cap=recipe.cap_per_image)
    possible = (
        f"{len(fitting)} possible: {len(matching)} match, {len(matching) - len(free)} of these are taken by "
        f"earlier sources, {len(free) - len(fitting)} are over `cap_per_image`"
    )
    if fitting.is_empty():
        raise InputError(f"{where}: nothing to take, {possible}")
    if source.count is not None and source.count > len(fitting):
        raise InputError(f"{where}, `count`: {source.count} rows wanted, {possible}")
    return fitting.head(_size(source, available=len(fitting)))


def _size(source: Source, *, available: int) -> int:
    if source.count is not None:
        return source.count
    if source.ratio is not None:
        # as written in the recipe: 0.29 * 100 would be 28.999999999999996
        return max(1, int(Fraction(str(source.ratio)) * available))
    return available


def _matching(source: Source, pool: pl.DataFrame, *, where: str) -> pl.DataFrame:
    # a family may be empty (a set without attributes); a name that is nowhere in the data is a mistake
    for field, column, values in (
        ("generators", "generator", source.generators),
        ("image_sets", "image_set", source.image_sets),
    ):
        unknown = sorted(set(values) - set(pool[column]))
        if unknown:
            raise InputError(f"{where}, `{field}`: no row of {unknown}; {_there(pool, column)}")
    selectors = {"family": source.families, "generator": source.generators, "image_set": source.image_sets}
    rows = pool
    for column, wanted in selectors.items():
        if wanted:
            rows = rows.filter(pl.col(column).is_in(wanted))
    if rows.is_empty():
        asked = {column: list(wanted) for column, wanted in selectors.items() if wanted}
        there = "; ".join(_there(pool, column) for column in selectors)
        raise InputError(f"{where}: no row matches {asked or 'at all'}; {there}")
    return rows


def _there(pool: pl.DataFrame, column: str) -> str:
    """Say which values of a column there are, with their numbers of rows."""
    counts = pool.group_by(column).len().sort(column)
    named = ", ".join(f"{value} ({rows})" for value, rows in counts.rows())
    return f"by `{column}`, filtered_qa has {named or 'no rows'}"


def _under_cap(rows: pl.DataFrame, *, used: pl.DataFrame, cap: int) -> pl.DataFrame:
    """Keep, per image, as many rows as its cap leaves, in hash order; all images of a row need room."""
    shown = (
        rows.select("id", "image_ids")
        .explode("image_ids")
        .join(used, on="image_ids", how="left", maintain_order="left")
    )
    room = cap - pl.col("used").fill_null(0).cast(pl.Int64)
    over = shown.filter(pl.int_range(pl.len()).over("image_ids") >= room)
    return rows.join(over.select("id").unique(), on="id", how="anti", maintain_order="left")
