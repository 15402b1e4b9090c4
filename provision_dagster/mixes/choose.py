"""Which rows a recipe takes: a hash of id and seed decides, so the order of the input does not matter."""

from fractions import Fraction

import polars as pl
import polars_hash as plh

from provision_dagster.errors import InputError
from provision_dagster.mixes.balance import balanced, in_strata
from provision_dagster.mixes.concepts import answers_yes_or_no, resampled
from provision_dagster.mixes.match import matching
from provision_dagster.mixes.recipe import Recipe
from provision_dagster.mixes.recipe_parts import Source


def hashed(column: str, *, seed: int, purpose: str) -> pl.Expr:
    """Return a 64-bit number per row that depends on its text, the seed and what it is for (xxHash64)."""
    text = plh.concat_str(pl.lit(f"{seed}/{purpose}/"), column)
    return text.nchash.xxhash64()


def choose(recipe: Recipe, *, pool: pl.DataFrame, base_rows: int = 0, replaceable: int = 0) -> pl.DataFrame:
    """Choose rows source by source.

    Parameters
    ----------
    recipe
        What to take.
    pool
        As from `make_pool`; with `informativeness` where the recipe has `concepts`.
    base_rows
        Rows of the base set.
    replaceable
        How many of them may be replaced.

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
    fitting = _fitted_to_base(taken, recipe=recipe, base_rows=base_rows, replaceable=replaceable)
    return fitting.drop("order")


def _take(
    recipe: Recipe, *, place: int, source: Source, pool: pl.DataFrame, left: pl.DataFrame, used: pl.DataFrame
) -> pl.DataFrame:
    where = f"recipe `{recipe.name}`, `sources.{place}`"
    found = matching(source, pool.filter(pl.col("hard") == source.hard), where=where)
    if recipe.form == "choice":
        found = found.filter("has_options")
        if found.is_empty():
            raise InputError(f"{where}: no row has options, so `form` can only be open or half, got choice")
    free = left.join(found.select("id"), on="id", how="semi", maintain_order="left")
    free = _best_first(free, recipe=recipe)
    fitting = free if recipe.cap_per_image is None else _under_cap(free, used=used, cap=recipe.cap_per_image)
    even = fitting if recipe.balance is None else balanced(fitting, balance=recipe.balance)
    yes = None if recipe.concepts is None else recipe.concepts.yes_share
    rest = even if yes is None else resampled(even, yes_share=yes, where=where).with_columns(said=answers_yes_or_no())
    possible = (
        f"{len(rest)} possible: {len(found)} match, {len(found) - len(free)} of these are taken by "
        f"earlier sources, {len(free) - len(fitting)} are over `cap_per_image`"
    )
    if recipe.balance is not None:
        possible += f", {len(fitting) - len(even)} over `balance.max_share`"
    if yes is not None:
        possible += f", {len(even) - len(rest)} over `concepts.yes_share`"
    if rest.is_empty():
        raise InputError(f"{where}: nothing to take, {possible}")
    if source.count is not None and source.count > len(rest):
        raise InputError(f"{where}, `count`: {source.count} rows wanted, {possible}")
    return in_strata(rest, strata=_strata(recipe)).head(_size(source, available=len(rest))).select(free.columns)


def _best_first(free: pl.DataFrame, *, recipe: Recipe) -> pl.DataFrame:
    """Order rows by hash, or where concepts count by what they touch of these, generator by generator."""
    if recipe.concepts is None:
        return free
    best = free.sort("informativeness", "order", "id", descending=[True, False, False])
    return in_strata(best, strata=["generator"])


def _strata(recipe: Recipe) -> list[str]:
    """Name the columns whose values keep their shares when a part of the rows is taken."""
    strata: set[str] = set(recipe.balance.by) if recipe.balance else set()
    if recipe.concepts is not None and recipe.concepts.yes_share is not None:
        strata.add("said")
    return sorted(strata | {"generator"}) if strata or recipe.concepts is not None else []


def _size(source: Source, *, available: int) -> int:
    if source.count is not None:
        return source.count
    if source.ratio is not None:
        return max(1, share_of(available, ratio=source.ratio))
    return available


def share_of(rows: int, *, ratio: float) -> int:
    """Return a share of rows, rounded down, of the ratio as it is written: 0.29 * 100 would be 28.999999999999996."""
    return int(Fraction(str(ratio)) * rows)


def _fitted_to_base(taken: list[pl.DataFrame], *, recipe: Recipe, base_rows: int, replaceable: int) -> pl.DataFrame:
    """Take as many rows as the base set's `ratio` says, of each source the same share."""
    rows = pl.concat(taken)
    if recipe.base is None:
        return rows
    where = f"recipe `{recipe.name}`, `base`"
    if recipe.base.ratio is not None:
        wanted = share_of(base_rows, ratio=recipe.base.ratio)
        possible = f"{base_rows} rows of the base set, {len(rows)} possible from the sources"
        if wanted > len(rows):
            most = int(10_000 * len(rows) / base_rows) / 10_000
            raise InputError(
                f"{where}, `ratio`: {recipe.base.ratio} is {wanted} rows, {possible}: a ratio of at most {most}"
            )
        if not wanted:
            raise InputError(f"{where}, `ratio`: {recipe.base.ratio} is no row, {possible}")
        place = (pl.int_range(pl.len()).over("source") + 0.5) / pl.len().over("source")
        rows = rows.with_columns(_place=place).sort("_place", "source", "order", "id").drop("_place").head(wanted)
    if recipe.base.mode == "replace" and len(rows) > replaceable:
        raise InputError(f"{where}: {len(rows)} rows cannot replace any of {replaceable}; give `ratio`, or `count`")
    return rows


def _under_cap(rows: pl.DataFrame, *, used: pl.DataFrame, cap: int) -> pl.DataFrame:
    """Keep, per image, as many rows as its cap leaves, best first; all images of a row need room."""
    shown = (
        rows.select("id", "image_ids")
        .explode("image_ids")
        .join(used, on="image_ids", how="left", maintain_order="left")
    )
    room = cap - pl.col("used").fill_null(0).cast(pl.Int64)
    over = shown.filter(pl.int_range(pl.len()).over("image_ids") >= room)
    return rows.join(over.select("id").unique(), on="id", how="anti", maintain_order="left")
