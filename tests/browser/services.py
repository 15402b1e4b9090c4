"""A real webserver and a real daemon on a project of its own, started and stopped as a user would."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.docker.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
SCENES = 160
SHARD_SIZE = 40
READY_SECONDS = 120.0
STOP_SECONDS = 20.0


def settings(folder: Path) -> dict[str, str]:
    """Environment of a project whose every file lies in `folder`."""
    ours = {
        "PROVISION_DATA": "tables",
        "PROVISION_IMAGE_SETS": "image_sets",
        "PROVISION_EXPORTS": "exports",
        "PROVISION_RECIPES": "recipes",
        "DAGSTER_HOME": "dagster_home",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PROVISION_", "DAGSTER_"))}
    return kept | {name: str(folder / path) for name, path in ours.items()} | {"DAGSTER_DISABLE_TELEMETRY": "true"}


def provision(*arguments: str, env: dict[str, str]) -> str:
    """Run the command line and return what it prints; its whole output is in the message when it fails."""
    command = [sys.executable, "-m", "provision_dagster.cli", *arguments]
    done = subprocess.run(command, env=env, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, f"`provision {arguments[0]}` ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


def make_project(folder: Path) -> dict[str, str]:
    """Render scenes, register them as four shards, list their pictures; return the project's environment."""
    env = settings(folder)
    provision("home", env=env)
    scenes, size = folder / "scenes", ("--width", "320", "--height", "240")
    provision("render", "--out", str(scenes), "--n", str(SCENES), *size, env=env)
    given = {
        "--name": "scenes",
        "--format": "provision",
        "--images": str(scenes / "images"),
        "--depth": str(scenes / "depth_masks"),
        "--shard-size": str(SHARD_SIZE),
    }
    options = [part for pair in given.items() for part in pair]
    provision("ingest", str(scenes / "scene_graphs.json"), *options, env=env)
    return env


@contextmanager
def dagster(env: dict[str, str], *, logs: Path) -> Iterator[str]:
    """Serve a project with `dagster-webserver` and `dagster-daemon`; gives the address, and ends both in the end."""
    port = _free_port()
    workspace = ["-w", str(REPOSITORY / "workspace.yaml")]
    with ExitStack() as stack:
        serve = ["dagster-webserver", "-h", "127.0.0.1", "-p", str(port), *workspace]
        webserver = stack.enter_context(_running(serve, env=env, log=logs / "webserver.log"))
        stack.enter_context(_running(["dagster-daemon", "run", *workspace], env=env, log=logs / "daemon.log"))
        address = f"http://127.0.0.1:{port}"
        ready, log = f"{address}/server_info", logs / "webserver.log"
        wait_until(lambda: _is_served(ready), process=webserver, log=log, seconds=READY_SECONDS)
        yield address


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(command: list[str], *, env: dict[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program of this environment in a process group of its own, and end the whole group."""
    program = Path(sys.executable).with_name(command[0])
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(program), *command[1:]],
            env=env,
            cwd=REPOSITORY,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end_group(process)


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """Ask a process group to end, and kill what is left of it (runs are grandchildren)."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
        except ProcessLookupError:
            break
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.wait(STOP_SECONDS)


def _is_served(url: str) -> bool:
    # no proxy of the environment stands between this machine and itself
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5):
            return True
    except OSError:
        return False
