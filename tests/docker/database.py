"""A real PostgreSQL server for the length of a test."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy

from tests.docker.waiting import wait_until


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Database:
    """A running server with one user and one database, both named `dagster`."""

    port: int
    password: str
    programs: Path

    @property
    def environment(self) -> dict[str, str]:
        """What `dagster.yaml` asks of the environment, for this server."""
        return {
            "DAGSTER_POSTGRES_HOST": "127.0.0.1",
            "DAGSTER_POSTGRES_PORT": str(self.port),
            "DAGSTER_POSTGRES_DB": "dagster",
            "DAGSTER_POSTGRES_USER": "dagster",
            "DAGSTER_POSTGRES_PASSWORD": self.password,
        }

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Return the rows of a query, past everything of Dagster."""
        where = sqlalchemy.URL.create(
            "postgresql+psycopg2", "dagster", self.password, "127.0.0.1", self.port, "dagster"
        )
        engine = sqlalchemy.create_engine(where, poolclass=sqlalchemy.NullPool)
        with engine.connect() as link:
            return [tuple(row) for row in link.execute(sqlalchemy.text(sql))]


def find_programs() -> Path:
    """Return the folder of `initdb` and `postgres`, newest version first; skip the test without them."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    on_path = shutil.which("initdb")
    for folder in [*reversed(packaged), *([Path(on_path).resolve().parent] if on_path else [])]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    pytest.skip("PostgreSQL is not installed (Debian package `postgresql`)")


def server_user() -> str | None:
    """Return the user to run the server as: it refuses root; None is whoever runs the test."""
    if os.getuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        pytest.skip("run as root, and there is no user `postgres` to run the server as")


@contextmanager
def running_database(*, password: str) -> Iterator[Database]:
    """Create a server in a temporary folder, start it, and stop it at the end."""
    database = Database(port=free_port(), password=password, programs=find_programs())
    user = server_user()
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        (folder / "password").write_text(password)
        if user:
            for path in (folder, folder / "password"):
                shutil.chown(path, user, user)
        with server(database, folder=folder, user=user):
            yield database
    finally:
        shutil.rmtree(folder)


@contextmanager
def server(database: Database, *, folder: Path, user: str | None) -> Iterator[None]:
    """Run the server; at the end it must stop by itself when asked."""
    data, programs = str(folder / "data"), database.programs
    login = ["-U", "dagster", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}"]
    subprocess.run(
        [programs / "initdb", "-D", data, "--no-sync", *login],
        check=True,
        user=user,
        cwd=folder,
        capture_output=True,
    )
    listen = ["-h", "127.0.0.1", "-p", str(database.port), "-k", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, "-F", *listen], user=user, cwd=folder, stdout=log, stderr=log
        )
    try:
        ready = [str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(database.port), "-q"]
        wait_until(lambda: subprocess.run(ready).returncode == 0, process=process, log=folder / "log", seconds=30)
        subprocess.run(
            [programs / "createdb", "-h", "127.0.0.1", "-p", str(database.port), "-U", "dagster", "dagster"],
            env={**os.environ, "PGPASSWORD": database.password},
            check=True,
        )
        yield
    finally:
        process.send_signal(signal.SIGINT)  # the server's "fast" stop: ends sessions, writes everything
        code = process.wait(timeout=30)
    assert code == 0, (folder / "log").read_text()
