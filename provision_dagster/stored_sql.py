"""Models of `dbt_like_sql/` over the stored tables of one shard: their rows, and how DuckDB gets them."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.filters.config import FilterConfig
from provision_dagster.filters.filter_qa import number_pairs
from provision_dagster.filters.lineage import Lineage, column_lineage
from provision_dagster.filters.models import LAYERS, TESTS, Model, load_models, run_order
from provision_dagster.filters.run_sql import connect, create_models
from provision_dagster.filters.schema import FAMILIES, SCORES
from provision_dagster.filters.sources import SOURCES
from provision_dagster.storage.store import Store

MARTS = ("filtered_qa", "rejected_qa", "qa_statistics", "label_statistics")
"""Models whose rows are stored."""


@dataclass(frozen=True)
class Explained:
    """A model: what it says and reads, where its columns are from, and DuckDB's plan."""

    model: Model
    columns: Lineage
    upstream: tuple[str, ...]  # everything that is run before it, in order
    plan: str


def find_model(name: str) -> Model:
    """Return a model, or a test, of those that ship.

    Raises
    ------
    InputError
        If there is none of this name; the nearest names are told.
    """
    models = load_models(layers=(*LAYERS, TESTS))
    if name not in models:
        near = get_close_matches(name, models, n=3) or sorted(models)
        raise InputError(f"no model `{name}`; {'near' if near != sorted(models) else 'there are'}: {', '.join(near)}")
    return models[name]


def shard_sources(
    store: Store, shard: str | None, *, config: FilterConfig, marts: bool = False
) -> dict[str, pl.DataFrame]:
    """Read what the models read of one shard; all tables are empty when `shard` is None.

    Parameters
    ----------
    marts
        Whether marts are read too, as they are stored: SQL tests are about these.

    Raises
    ------
    InputError
        If no picture of such a shard is known; those that there are are named.
    """
    if shard is None:
        empty = {name: pl.DataFrame(schema=schema) for name, schema in SOURCES.items()}
        return empty | {"config": config.as_table()}
    known = store.partitions("images")
    if shard not in known:
        near = get_close_matches(shard, known, n=3) or known[:3]
        raise InputError(f"no shard `{shard}`; there are {len(known)}" + (f", near: {', '.join(near)}" if near else ""))
    raw = pl.concat([store.scan(family, partitions=shard) for family in FAMILIES]).collect()
    return {
        "raw_qa": number_pairs(raw),
        **{name: store.scan(name, partitions=shard).collect() for name in ("images", "scene_graphs")},
        "config": config.as_table(),
        **{name: _scores(store, name, shard) for name in SCORES},
        **{name: store.scan(name, partitions=shard).collect() for name in MARTS if marts},
    }


def _scores(store: Store, name: str, shard: str) -> pl.DataFrame:
    return store.scan(name).filter(pl.col("shard") == shard).select(list(SCORES[name])).collect()


def run_model(name: str, sources: Mapping[str, pl.DataFrame], *, config: FilterConfig, rows: int) -> pl.DataFrame:
    """Return the first rows of a model over given tables.

    Parameters
    ----------
    rows
        How many at most.
    """
    model, models = find_model(name), load_models(layers=(*LAYERS, TESTS))
    order = run_order(models, targets=[name], sources=sources)
    with connect(sources, limits=config.sql) as connection:
        create_models(connection, models=models, order=[step for step in order if step != name])
        found: pl.DataFrame = connection.sql(f"select * from (\n{model.sql}\n) limit {int(rows)}").pl()
        return found


def explain_model(name: str, sources: Mapping[str, pl.DataFrame], *, config: FilterConfig) -> Explained:
    """Say what a model does, and how DuckDB does it over given tables."""
    model, models = find_model(name), load_models(layers=(*LAYERS, TESTS))
    order = run_order(models, targets=[name], sources=sources)
    needed = {step: models[step] for step in order}
    columns = column_lineage(needed, sources={table: tuple(frame.columns) for table, frame in sources.items()})
    with connect(sources, limits=config.sql) as connection:
        create_models(connection, models=models, order=[step for step in order if step != name])
        plan = connection.execute(f"explain\n{model.sql}").fetchall()
    upstream = tuple(step for step in order if step != name)
    return Explained(model, columns[name], upstream, "\n".join(text for _, text in plan))
