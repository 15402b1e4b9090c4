"""IO manager: an asset is the Delta table of its name, a partition is that shard's (or recipe's) rows.

dagster-polars reads and writes Delta too; it neither creates a table with its declared schema before the first
parallel write, nor
skips the commit when nothing changed, nor is usable without Dagster. `Store` does, and the command line runs on the
same code.
"""

import hashlib

import dagster as dg
import polars as pl

from provision_dagster.defs.describe import table_metadata
from provision_dagster.defs.resources import StoreResource


class DeltaIOManager(dg.ConfigurableIOManager):
    """Store frames in the tables of `storage.tables`; load them lazily, opening only the partitions asked for."""

    store: StoreResource

    def handle_output(self, context: dg.OutputContext, obj: pl.DataFrame) -> None:
        """Replace the partitions of this run, and describe the table in the materialization's metadata."""
        name = context.asset_key.path[-1]
        store = self.store.store()
        spec = store.spec(name)
        if context.has_asset_partitions:
            column = spec.partition_by
            assert column is not None
            for key in context.asset_partition_keys:
                version = store.write_partition(name, obj.filter(pl.col(column) == key), key=key)
        elif spec.partition_by is not None:
            keys = sorted({*store.partitions(name), *obj[spec.partition_by].unique()})
            version = store.version(name)
            for key in keys:
                version = store.write_partition(name, obj.filter(pl.col(spec.partition_by) == key), key=key)
        else:
            version = store.write_partition(name, obj)
        context.add_output_metadata(
            table_metadata(
                obj, spec=spec, uri=store.uri(name), version=version, partitioned=context.has_asset_partitions
            )
        )

    def load_input(self, context: dg.InputContext) -> pl.LazyFrame:
        """Scan the table, pruned to the partitions that this run reads."""
        name = context.asset_key.path[-1]
        store = self.store.store()
        partitions = context.asset_partition_keys if context.has_asset_partitions else None
        return store.scan(name, partitions=partitions)


class Content:
    """Version of a content that comes in portions: equal rows have equal versions, however they are cut."""

    def __init__(self) -> None:
        self._sink = hashlib.sha256()
        self._begun = False

    def add(self, frame: pl.DataFrame) -> None:
        """Add rows; all frames have the same columns."""
        if not self._begun:
            self._sink.update(repr(frame.schema).encode())
            self._begun = True
        # not the bytes of the Arrow buffers: equal rows may lie in memory in different ways
        texts = frame.with_columns(pl.col(pl.Binary).bin.encode("hex"))  # JSON has no bytes
        rows = texts.select(pl.struct(pl.all()).struct.json_encode()).to_series() if frame.width else pl.Series([""])
        for row in rows:
            self._sink.update(row.encode() + b"\n")

    def version(self) -> dg.DataVersion:
        """Version of all rows so far."""
        return dg.DataVersion(self._sink.hexdigest()[:32])


def data_version(frame: pl.DataFrame) -> dg.DataVersion:
    """Version of a frame's content: equal frames have equal versions, so nothing downstream turns stale for nothing."""
    content = Content()
    content.add(frame)
    return content.version()
