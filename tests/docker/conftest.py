"""One database for all tests of the folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.database import Database, running_database
from tests.docker.files import PASSWORD


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    """A real PostgreSQL server with an empty database."""
    with running_database(password=PASSWORD) as found:
        yield found


@pytest.fixture
def instance_environment(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What `dagster.yaml` asks of the environment, set for this test."""
    settings = {
        **database.environment,
        "DAGSTER_ARTIFACTS": str(tmp_path / "artifacts"),
        "DAGSTER_LOGS": str(tmp_path / "logs"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return settings
