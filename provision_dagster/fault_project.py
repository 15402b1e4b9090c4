"""A project in a folder of its own: tables, settings, exports and Dagster instance."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provision_dagster import runs

SETTINGS = {
    "PROVISION_DATA": "tables",
    "PROVISION_IMAGE_SETS": "image_sets",
    "PROVISION_EXPORTS": "exports",
    "PROVISION_RECIPES": "recipes",
    "PROVISION_FILTERS": "filters.yaml",
    "DAGSTER_HOME": "dagster_home",
}


@contextmanager
def project_in(folder: Path) -> Iterator[Path]:
    """Keep tables, settings and runs in a folder of their own."""
    before = {name: os.environ.get(name) for name in SETTINGS}
    os.environ.update({name: str(folder / part) for name, part in SETTINGS.items()})
    runs.definitions.cache_clear()
    try:
        yield folder
    finally:
        runs.definitions.cache_clear()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
