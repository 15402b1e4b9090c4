"""Which rows a source's selectors match, and what there is when they match none."""

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.mixes.recipe_parts import Source

LISTS = {"families": "family", "generators": "generator", "image_sets": "image_set", "templates": "template"}
"""Selectors of a source that are lists, and the columns that they select by."""

SCORES = {"min_judge": "judge", "max_judge": "judge", "min_region_text": "region_text"}
"""Selectors by a score, and the columns that hold it."""


def matching(source: Source, pool: pl.DataFrame, *, where: str) -> pl.DataFrame:
    """Select rows of a pool (see `make_pool`); if there are none, `InputError` says what there is."""
    # a family may be empty (a set without attributes); a name that is nowhere in the data is a mistake
    table = "rejected_qa, as hard," if source.hard else "filtered_qa"
    for field, column in LISTS.items():
        values = getattr(source, field)
        unknown = sorted(set(values) - set(pool[column])) if values and field != "families" else []
        if unknown:
            raise InputError(f"{where}, `{field}`: no row of {unknown}; {_there(pool, column, table=table)}")
    rows = pool
    for field, column in LISTS.items():
        if wanted := getattr(source, field):
            rows = rows.filter(pl.col(column).is_in(wanted))
    rows = _by_pictures_and_scores(rows, source=source)
    if rows.is_empty():
        raise InputError(f"{where}: no row matches {_asked(source) or 'at all'}; {_offered(source, pool, table=table)}")
    return rows


def _by_pictures_and_scores(rows: pl.DataFrame, *, source: Source) -> pl.DataFrame:
    shown = pl.col("image_ids").list.len()
    if source.images != "any":
        rows = rows.filter(shown == 1 if source.images == "single" else shown > 1)
    if source.min_judge is not None:
        rows = rows.filter(pl.col("judge") >= source.min_judge)
    if source.max_judge is not None:
        rows = rows.filter(pl.col("judge") < source.max_judge)
    if source.min_region_text is not None:
        rows = rows.filter(pl.col("region_text") >= source.min_region_text)
    return rows


def _asked(source: Source) -> dict[str, object]:
    asked: dict[str, object] = {
        column: list(getattr(source, field)) for field, column in LISTS.items() if getattr(source, field)
    }
    if source.images != "any":
        asked["images"] = source.images
    asked |= {field: getattr(source, field) for field in SCORES if getattr(source, field) is not None}
    return asked


def _offered(source: Source, pool: pl.DataFrame, *, table: str) -> str:
    columns = [column for field, column in LISTS.items() if field != "templates" or source.templates]
    told = [_there(pool, column, table=table) for column in columns]
    if source.images != "any":
        single = pool.filter(pl.col("image_ids").list.len() == 1).height
        told.append(f"{single} rows are about one picture, {len(pool) - single} about several")
    for column in sorted({SCORES[field] for field in SCORES if getattr(source, field) is not None}):
        scores = pool[column].drop_nulls().sort().to_list()
        spread = f", from {scores[0]:.3f} to {scores[-1]:.3f}" if scores else ""
        told.append(f"{len(scores)} of {len(pool)} rows have a score `{column}`{spread}")
    return "; ".join(told)


def _there(pool: pl.DataFrame, column: str, *, table: str) -> str:
    """Say which values of a column there are, with their numbers of rows."""
    counts = pool.group_by(column).len().sort(column)
    named = ", ".join(f"{value} ({rows})" for value, rows in counts.rows())
    return f"by `{column}`, {table} has {named or 'no rows'}"
