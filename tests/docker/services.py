"""The services of the compose file as plain processes: same commands, checks and environment, other ports."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.docker.database import free_port
from tests.docker.files import DOCKER, PASSWORD, image_environment, resolved
from tests.docker.waiting import wait_until

BIN = Path(sys.executable).parent
"""Programs of the environment that runs the tests; in the image they are on PATH."""


@dataclass
class Services:
    """Starts services of the compose file in one folder, which stands for the image's working directory."""

    folder: Path
    module: str
    environment: Mapping[str, str]
    code_port: int
    ui_port: int

    def adapt(self, command: list[str]) -> list[str]:
        """Return a command of the compose file with this test's module, ports and addresses."""
        words = {"provision_dagster.definitions": self.module, "0.0.0.0": "127.0.0.1"}
        words |= {"4000": str(self.code_port), "3000": str(self.ui_port)}
        replaced = [words.get(word, word.replace(":3000/", f":{self.ui_port}/")) for word in command]
        return [str(BIN / replaced[0]), *replaced[1:]]

    def settings(self, service: Mapping[str, Any]) -> dict[str, str]:
        """Return the environment of a service: the image's, compose's, then what this test must replace."""
        inside = {**image_environment(), **service["environment"]}
        inside.pop("PATH")
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        here = {"PATH": path, "HOME": str(self.folder), "DAGSTER_HOME": str(self.folder)}
        return {**inside, **here, **self.environment}

    @contextmanager
    def running(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a service, and stop it as Docker does at the end."""
        service = resolved(POSTGRES_PASSWORD=PASSWORD)["services"][name]
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                self.adapt(service["command"]),
                cwd=self.folder,
                env=self.settings(service),
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)

    def wait_until_healthy(self, name: str, *, process: subprocess.Popen[bytes]) -> None:
        """Repeat the health check of a service until it succeeds."""
        service = resolved(POSTGRES_PASSWORD=PASSWORD)["services"][name]
        check, environment = self.adapt(service["healthcheck"]["test"][1:]), self.settings(service)

        def healthy() -> bool:
            done = subprocess.run(check, cwd=self.folder, env=environment, capture_output=True)
            return done.returncode == 0

        wait_until(healthy, process=process, log=self.folder / f"{name}.log", seconds=90)


@contextmanager
def started(
    *names: str, folder: Path, module: str, environment: Mapping[str, str]
) -> Iterator[tuple[Services, dict[str, subprocess.Popen[bytes]]]]:
    """Run services with the instance and workspace files of the image: the first, then all others at once."""
    services = Services(folder, module, environment, code_port=free_port(), ui_port=free_port())
    (folder / "dagster.yaml").write_text((DOCKER / "dagster.yaml").read_text())
    workspace = (DOCKER / "workspace.yaml").read_text()
    workspace = workspace.replace("host: code", "host: 127.0.0.1").replace("4000", str(services.code_port))
    (folder / "workspace.yaml").write_text(workspace)
    with ExitStack() as stack:
        processes: dict[str, subprocess.Popen[bytes]] = {}
        for group in (names[:1], names[1:]):
            processes |= {name: stack.enter_context(services.running(name)) for name in group}
            for name in group:
                services.wait_until_healthy(name, process=processes[name])
        yield services, processes
