"""Which models look at which image set, as a table: what they find is out of date when it changes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.scene_graphs.annotators.base_config import PATHS, AnnotatorConfig
from provision_dagster.scene_graphs.annotators.configs import AnnotatorsConfig
from provision_dagster.scene_graphs.annotators.schema import ANNOTATOR_SETTINGS, SCHEMAS


def annotator_settings(configs: Mapping[str, AnnotatorsConfig]) -> pl.DataFrame:
    """List the models of image sets.

    Parameters
    ----------
    configs
        By image set.

    Returns
    -------
    polars.DataFrame
        Schema ANNOTATOR_SETTINGS. Files are told by name and size, so that a file that moves changes nothing.
    """
    rows = [row for name, config in sorted(configs.items()) for row in _rows(name, config)]
    return pl.DataFrame(rows, schema=ANNOTATOR_SETTINGS)


def _rows(image_set: str, config: AnnotatorsConfig) -> Iterator[dict[str, Any]]:
    for table in SCHEMAS:
        part = getattr(config, table)
        if part is not None:
            files = [{"field": field, "name": Path(file).name, "bytes": _size(file)} for field, file in _files(part)]
            yield {
                "image_set": image_set,
                "table": table,
                "kind": part.kind,
                "settings": part.told(),
                "files": files,
            }
    yield {"image_set": image_set, "table": "scene_graphs", "kind": config.objects, "settings": "{}", "files": []}


def _files(part: AnnotatorConfig, within: str = "") -> Iterator[tuple[str, str]]:
    """(field, file or model) that a configuration and its parts name."""
    for field, value in part:
        if isinstance(value, AnnotatorConfig):
            yield from _files(value, f"{within}{field}.")
        elif field in PATHS and value is not None:
            yield f"{within}{field}", str(value)


def _size(file: str) -> int | None:
    path = Path(file)
    return path.stat().st_size if path.is_file() else None
