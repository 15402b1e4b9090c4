"""The store: declared Delta tables under one root, on local disk or S3-style storage."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from provision_dagster.errors import InputError
from provision_dagster.storage.checking import conform, slice_key
from provision_dagster.storage.creation import create_table
from provision_dagster.storage.files import TableFiles
from provision_dagster.storage.history import version_before_change
from provision_dagster.storage.settings import options_from_env, root_url, url_from_env
from provision_dagster.storage.slices import lost_files, slice_files
from provision_dagster.storage.stored_types import stored_schema
from provision_dagster.storage.tables import TABLES, TableSpec
from provision_dagster.storage.writer import PartitionWriter, Slice

Partitions = str | Sequence[str] | Mapping[str, str | Sequence[str]]


class Store:
    """All tables under one root.

    Parameters
    ----------
    url
        Folder, or URL that delta-rs understands (`s3://bucket/prefix`).
    storage_options
        Credentials and endpoint for URLs, with the names of delta-rs (`AWS_ENDPOINT_URL`, `AWS_REGION`, ...).
    tables
        Declarations; those of the factory unless told otherwise.

    Raises
    ------
    InputError
        If `url` is empty or names an existing file.
    """

    def __init__(
        self,
        url: str | Path,
        *,
        storage_options: Mapping[str, str] | None = None,
        tables: Mapping[str, TableSpec] = TABLES,
    ) -> None:
        self.url = root_url(url)
        self.storage_options = dict(storage_options or {})
        self.tables = dict(tables)

    @classmethod
    def from_env(cls) -> "Store":
        """Return the store that `PROVISION_DATA` and `PROVISION_STORAGE_OPTIONS` name.

        Raises
        ------
        InputError
            If the options are not a JSON object of strings.
        """
        return cls(url_from_env(), storage_options=options_from_env())

    def spec(self, name: str) -> TableSpec:
        """Return the declaration of a table; `InputError` names the known tables if there is none."""
        if name not in self.tables:
            raise InputError(f"`name` must be one of {sorted(self.tables)}, got {name!r}")
        return self.tables[name]

    def uri(self, name: str) -> str:
        """Return where a table is."""
        return f"{self.url}/{self.spec(name).name}"

    def create_all(self) -> list[str]:
        """Create every table that does not exist, with its full schema; several processes may do so at once.

        Returns
        -------
        list of str
            Names of the tables that this call created.

        Raises
        ------
        SchemaError
            If a table exists with another schema or partitioning.
        """
        made = {
            name: create_table(spec, uri=self.uri(name), storage_options=self.storage_options)
            for name, spec in self.tables.items()
        }
        return [name for name, new in made.items() if new]

    def table(self, name: str) -> DeltaTable:
        """Open a table at its latest version; `InputError` if it was not created."""
        try:
            return DeltaTable(self.uri(name), storage_options=self.storage_options or None)
        except TableNotFoundError as error:
            raise self._not_created(name) from error

    def write_partition(
        self,
        name: str,
        df: pl.DataFrame,
        *,
        key: str | Mapping[str, str] | None = None,
        ordered: bool = False,
    ) -> int:
        """Replace one partition of a table atomically; do nothing when it holds these rows already.

        Parameters
        ----------
        name
            Table.
        df
            All rows of the partition, in any order; no rows empties it.
        key
            Value of the partition column, or a value per column of `TableSpec.replace_by`; None for a table
            without partitions.
        ordered
            True keeps the rows in the order at hand, which must be the same whenever the rows are; False sorts them
            by `TableSpec.sort_by`.

        Returns
        -------
        int
            Version of the table that holds the rows.

        Raises
        ------
        SchemaError
            If the frame has not exactly the declared columns and types.
        InputError
            If the key does not fit the table, or a row belongs elsewhere.
        """
        spec = self.spec(name)
        with self.partition_writer(name, key=key) as writer:
            rows = conform(df, spec=spec)
            writer.write(rows if ordered else rows.sort(spec.sort_by, maintain_order=True))
        assert writer.version is not None
        return writer.version

    def partition_writer(self, name: str, *, key: str | Mapping[str, str] | None = None) -> PartitionWriter:
        """Replace one partition with rows that come in turn, in bounded memory, committed once at the end.

        Parameters
        ----------
        name
            Table.
        key
            As for `write_partition`.

        Returns
        -------
        PartitionWriter
            To be used in a `with` block; `write` takes frames.

        Raises
        ------
        InputError
            If the key does not fit the table, or the table was not created.

        Examples
        --------
        >>> with store.partition_writer("qa_object", key="set-00000") as writer:  # doctest: +SKIP
        ...     for chunk in chunks:
        ...         writer.write(chunk)
        """
        spec = self.spec(name)
        chosen = slice_key(key, spec=spec)
        wanted = {column: [value] for column, value in chosen.items()}
        return PartitionWriter(
            Slice(
                spec=spec,
                key=chosen,
                files=self._files(name),
                open=lambda: self.table(name),
                read=lambda table: self._read(spec, table, wanted=wanted, columns=None),
                storage_options=self.storage_options,
            )
        )

    def scan(
        self,
        name: str,
        *,
        partitions: Partitions | None = None,
        columns: Sequence[str] | None = None,
        version: int | None = None,
    ) -> pl.LazyFrame:
        """Read a table lazily, opening only the files of the partitions asked for.

        Parameters
        ----------
        name
            Table.
        partitions
            One or several values of the partition column, or values per partition column; None for all.
        columns
            Columns to keep, in this order; None for all.
        version
            Version of the table; None for the latest.

        Returns
        -------
        pl.LazyFrame
            With the declared types.

        Raises
        ------
        InputError
            If a table, column or partition column is unknown.
        """
        spec = self.spec(name)
        unknown = [c for c in columns or () if c not in spec.schema]
        if unknown:
            raise InputError(f"table `{name}`: `columns` must be of {list(spec.schema)}, got {unknown}")
        table = self._at(name, version)
        return self._read(spec, table, wanted=_wanted(partitions, spec=spec), columns=columns)

    def files(self, name: str, *, partitions: Partitions | None = None) -> list[str]:
        """Return the URIs of the data files that a scan of these partitions may open, sorted."""
        wanted = _wanted(partitions, spec=self.spec(name))
        filters = [(column, "in", values) for column, values in wanted.items()]
        return sorted(self.table(name).file_uris(file_pruning_predicate=filters or None))

    def lost_files(self, name: str, *, key: str | Mapping[str, str] | None = None, version: int) -> list[str]:
        """Return the data files that a version of a table names and that are not there any more.

        Parameters
        ----------
        name
            Table.
        key
            As for `write_partition`; None for all partitions.
        version
            Version of the table.

        Returns
        -------
        list of str
            Relative to the table. Upkeep deletes what only old versions need (see `maintenance`).
        """
        chosen = {} if key is None else slice_key(key, spec=self.spec(name))
        return lost_files(slice_files(self._at(name, version), key=chosen), store=self._files(name))

    def version(self, name: str) -> int:
        """Return the latest version of a table."""
        return int(self.table(name).version())

    def previous_version(self, name: str, *, key: str | Mapping[str, str] | None = None) -> int | None:
        """Return the version of a table in which a partition last had other rows than now.

        Parameters
        ----------
        name
            Table.
        key
            As for `write_partition`.

        Returns
        -------
        int or None
            None when it had none before, or they cannot be read any more (see `maintenance`).
        """
        chosen = slice_key(key, spec=self.spec(name))
        return version_before_change(self.table(name), key=chosen, files=self._files(name))

    def partitions(self, name: str) -> list[str]:
        """Return the values of the partition column that hold rows, sorted; `[]` without such a column."""
        spec = self.spec(name)
        if spec.partition_by is None:
            return []
        return sorted({str(found[spec.partition_by]) for found in self.table(name).partitions()})

    def _at(self, name: str, version: int | None) -> DeltaTable:
        table = self.table(name)
        if version is not None:
            table.load_as_version(version)
        return table

    def _files(self, name: str) -> TableFiles:
        try:
            return TableFiles(self.uri(name), storage_options=self.storage_options)
        except TableNotFoundError as error:
            raise self._not_created(name) from error

    def _not_created(self, name: str) -> InputError:
        return InputError(f"table `{name}` does not exist at `{self.uri(name)}`: call `Store.create_all()` first")

    def _read(
        self,
        spec: TableSpec,
        table: DeltaTable,
        *,
        wanted: Mapping[str, Sequence[str]],
        columns: Sequence[str] | None,
    ) -> pl.LazyFrame:
        frame = pl.scan_delta(table, storage_options=self.storage_options or None)
        for column, values in wanted.items():
            frame = frame.filter(pl.col(column).is_in(list(values)))
        names = spec.schema if columns is None else columns
        stored = stored_schema(spec.schema)
        return frame.select(pl.col(n) if stored[n] == spec.schema[n] else pl.col(n).cast(spec.schema[n]) for n in names)


def _wanted(partitions: Partitions | None, *, spec: TableSpec) -> dict[str, list[str]]:
    """Bring the ways to name partitions into one: values per column."""
    if partitions is None:
        return {}
    if isinstance(partitions, Mapping):
        named = {c: [v] if isinstance(v, str) else list(v) for c, v in partitions.items()}
    else:
        values = [partitions] if isinstance(partitions, str) else list(partitions)
        named = {spec.partition_by or "": values}
    unknown = [column for column in named if column not in spec.replace_by]
    if unknown:
        raise InputError(
            f"table `{spec.name}`: `partitions` must be values of {list(spec.replace_by)}, got {partitions!r}"
        )
    return named
