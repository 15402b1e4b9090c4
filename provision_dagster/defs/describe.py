"""What a materialization tells: rows, columns, a preview, where the table is."""

import base64
from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from provision_dagster.storage.store import Store
from provision_dagster.storage.tables import TableSpec

Metadata = dict[str, Any]
"""Metadata of an output, by key."""

PREVIEW_ROWS = 5
PREVIEW_CHARS = 60


def table_metadata(
    frame: pl.DataFrame, *, spec: TableSpec, uri: str, version: int, partitioned: bool
) -> dict[str, Any]:
    """Metadata of a written frame, with the names that Dagster's UI knows."""
    rows = "dagster/partition_row_count" if partitioned else "dagster/row_count"
    return {
        rows: frame.height,
        "dagster/column_schema": column_schema(spec),
        "dagster/uri": uri,
        "table_version": version,
        "preview": dg.MetadataValue.md(markdown_table(frame.head(PREVIEW_ROWS))),
    }


def stored_metadata(frame: pl.DataFrame, *, table: str, store: Store) -> Metadata:
    """Metadata of partitions that an asset has written itself."""
    spec, uri, version = store.spec(table), store.uri(table), store.version(table)
    return table_metadata(frame, spec=spec, uri=uri, version=version, partitioned=True)


def column_schema(spec: TableSpec) -> dg.TableSchema:
    """Columns of a table with what they hold and their polars types."""
    return dg.TableSchema(
        [
            dg.TableColumn(
                name,
                type=str(dtype)[:200],
                description=spec.about(name),
                constraints=dg.TableColumnConstraints(unique=spec.key == (name,), nullable=name not in spec.key),
            )
            for name, dtype in spec.schema.items()
        ],
        constraints=dg.TableConstraints(other=[f"key: {', '.join(spec.key)}"]),
    )


def markdown_table(frame: pl.DataFrame) -> str:
    """Write a frame as a Markdown table, each cell cut to `PREVIEW_CHARS`."""
    if frame.width == 0:
        return ""
    head = f"| {' | '.join(frame.columns)} |\n|{'---|' * frame.width}"
    rows = [f"| {' | '.join(_cell(value) for value in row)} |" for row in frame.iter_rows()]
    return "\n".join([head, *rows])


def markdown_pictures(pictures: Mapping[str, bytes]) -> str:
    """Show PNGs in Markdown, the pixels in the text: they need no place of their own. Keep them small."""
    coded = {name: base64.b64encode(png).decode("ascii") for name, png in pictures.items()}
    return "\n\n".join(f"![{name}](data:image/png;base64,{text})" for name, text in coded.items())


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    text = text if len(text) <= PREVIEW_CHARS else text[: PREVIEW_CHARS - 1] + "…"
    for special in "\\`*_<>|[]":
        text = text.replace(special, f"\\{special}")
    return " ".join(text.split())
