"""Creation of one table with its full schema, safe when several processes try at once."""

from collections.abc import Mapping

import polars as pl
from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import DeltaError

from provision_dagster.errors import SchemaError
from provision_dagster.storage.encoding import statistics_columns
from provision_dagster.storage.settings import DATA_SETTING
from provision_dagster.storage.stored_types import stored_schema
from provision_dagster.storage.tables import TableSpec


def create_table(spec: TableSpec, *, uri: str, storage_options: Mapping[str, str]) -> bool:
    """Create a table unless it exists.

    Parameters
    ----------
    spec
        Its declaration.
    uri
        Where it is to be.
    storage_options
        As for `Store`.

    Returns
    -------
    bool
        True if this call created it.

    Raises
    ------
    SchemaError
        If it exists with other columns, types or partition columns.
    """
    options = dict(storage_options) or None
    if DeltaTable.is_deltatable(uri, options):
        _check_existing(spec, uri=uri, options=options)
        return False
    try:
        _create(spec, uri=uri, options=options)
    except DeltaError:
        if not DeltaTable.is_deltatable(uri, options):
            raise
        _check_existing(spec, uri=uri, options=options)
        return False
    return True


def _create(spec: TableSpec, *, uri: str, options: dict[str, str] | None) -> None:
    DeltaTable.create(
        uri,
        schema=pl.DataFrame(schema=stored_schema(spec.schema)).to_arrow().schema,
        mode="error",
        partition_by=list(spec.replace_by) or None,
        name=spec.name,
        description=spec.description,
        configuration={"delta.dataSkippingStatsColumns": ",".join(statistics_columns(spec))},
        storage_options=options,
        # with retries, a process that loses the race would commit the creation a second time
        commit_properties=CommitProperties(max_commit_retries=0),
    )


def _check_existing(spec: TableSpec, *, uri: str, options: dict[str, str] | None) -> None:
    table = DeltaTable(uri, storage_options=options)
    found = dict(pl.scan_delta(table, storage_options=options).collect_schema())
    expected = stored_schema(spec.schema)
    by = tuple(table.metadata().partition_columns)
    if found == expected and by == spec.replace_by:
        return
    differing = sorted(c for c in {*found, *expected} if found.get(c) != expected.get(c))
    details = [f"column `{c}`: expected {expected.get(c)}, got {found.get(c)}" for c in differing]
    details.append(f"partition columns: expected {list(spec.replace_by)}, got {list(by)}")
    raise SchemaError(
        f"table `{spec.name}` at `{uri}` was made with another layout: {'; '.join(details)}; "
        f"move it away or choose another `{DATA_SETTING}`"
    )
