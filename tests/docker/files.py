"""The files under test, read the way their own tools read them."""

import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
PASSWORD = "p@ss/w:rd%1 $x"
"""Holds every character that a URL or a compose file treats specially."""


@functools.cache
def compose_command() -> list[str]:
    """Return `docker compose` or `docker-compose`, whichever works here; skip the test without one."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) is None:
            continue
        if subprocess.run([*command, "version"], capture_output=True).returncode == 0:
            return command
    pytest.skip("neither `docker compose` nor `docker-compose` is installed")


def run_compose_config(**settings: str) -> subprocess.CompletedProcess[str]:
    """Run `config` on the compose file with `.env.example` and these settings, nothing else."""
    command = [*compose_command(), "-f", str(DOCKER / "compose.yaml")]
    return subprocess.run(
        [*command, "--env-file", str(DOCKER / ".env.example"), "config"],
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **settings},
        capture_output=True,
        text=True,
        timeout=60,
    )


@functools.cache
def resolved(**settings: str) -> dict[str, Any]:
    """Return the compose file as compose resolves it, or fail with what it said."""
    done = run_compose_config(**settings)
    assert done.returncode == 0, done.stderr
    # compose writes `$` as `$$`, so that its output is a compose file again
    found: dict[str, Any] = yaml.safe_load(done.stdout.replace("$$", "$"))
    return found


def published(service: dict[str, Any]) -> list[str]:
    """Return the ports of a resolved service as `address:port:port`, in the spelling of either compose."""
    ports = service.get("ports", [])
    return [
        port.removesuffix("/tcp")
        if isinstance(port, str)
        else f"{port.get('host_ip', '')}:{port['published']}:{port['target']}"
        for port in ports
    ]


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile as (instruction, rest) with continued lines joined."""
    lines = [line for line in (DOCKER / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    pairs = [line.split(maxsplit=1) for line in joined if line.strip()]
    return [(name, rest) for name, rest in pairs]


def image_environment() -> dict[str, str]:
    """Return what ENV sets in the last stage of the Dockerfile."""
    steps = instructions()
    last = max(i for i, (name, _) in enumerate(steps) if name == "FROM")
    settings = [pair for name, rest in steps[last:] if name == "ENV" for pair in rest.split()]
    return dict(setting.split("=", 1) for setting in settings)
