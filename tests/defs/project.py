"""A project in a temporary folder: its own tables, specs, exports and Dagster instance, driven by the command line."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from provision_dagster import runs
from provision_dagster.storage.store import Store
from provision_dagster.storage.tables import TABLES


@dataclass(frozen=True)
class Project:
    """One project; `run` starts `provision` in a process of its own."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Settings that keep everything inside the folder."""
        folders = {
            "PROVISION_DATA": "tables",
            "PROVISION_IMAGE_SETS": "image_sets",
            "PROVISION_EXPORTS": "exports",
            "PROVISION_RECIPES": "recipes",
            "PROVISION_FILTERS": "filters.yaml",
            "PROVISION_SAMPLE": "sample",
            "DAGSTER_HOME": "dagster_home",
        }
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PROVISION_", "DAGSTER_"))}
        return inherited | {name: str(self.folder / part) for name, part in folders.items()}

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start a command."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "provision_dagster.cli", *map(str, arguments)]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self, *arguments: str | Path, code: int = 0) -> str:
        """Run a command to its end, check its exit code and return what it printed."""
        process = self.start(*arguments)
        out, error = process.communicate(timeout=300)
        assert process.returncode == code, f"exit code {process.returncode}\n{out}\n{error}"
        return out + error

    @contextmanager
    def here(self) -> Iterator[dg.DagsterInstance]:
        """Open the instance in this process, with the project's settings and definitions that know them."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            runs.definitions.cache_clear()
            try:
                with runs.instance() as opened:
                    yield opened
            finally:
                runs.definitions.cache_clear()

    @property
    def store(self) -> Store:
        """The project's tables."""
        return Store(self.folder / "tables")

    def tables(self) -> dict[str, pl.DataFrame]:
        """Every table, sorted by its key."""
        store = self.store
        return {name: store.scan(name).collect().sort(list(spec.key)) for name, spec in TABLES.items()}

    def rows(self, name: str) -> pl.DataFrame:
        """One table."""
        return self.store.scan(name).collect()
