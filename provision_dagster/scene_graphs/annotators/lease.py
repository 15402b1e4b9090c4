"""One GPU per run, free again when the run ends, however it ends."""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from provision_dagster.errors import ProvisionError
from provision_dagster.scene_graphs.annotators.configs import AnnotatorsConfig, HubConfig

WAIT = 0.5
"""Seconds between two looks for a free device."""


class NoDeviceError(ProvisionError):
    """No device became free in time."""


def lease_folder() -> Path:
    """Where the locks lie: in DAGSTER_HOME, so that all runs of an instance on this machine share them."""
    home = os.environ.get("DAGSTER_HOME")
    return (Path(home) if home else Path(tempfile.gettempdir()) / "provision_dagster") / "devices"


@contextmanager
def leased(devices: Sequence[str], *, folder: Path, seconds: float = 3600) -> Iterator[str | None]:
    """Take a free device for oneself; it is free again when the block or the process ends, however it ends.

    Parameters
    ----------
    devices
        Names such as "cuda:0"; none: there is nothing to take, and None is given.
    folder
        Holds a lock file per device.
    seconds
        How long to wait until one is free.

    Raises
    ------
    NoDeviceError
        When none became free.
    """
    if not devices:
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    locks = {name: FileLock(folder / f"{name.replace(':', '_')}.lock") for name in devices}
    end = time.monotonic() + seconds
    while True:
        for name, lock in locks.items():
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            try:
                yield name
            finally:
                lock.release()
            return
        if time.monotonic() >= end:
            raise NoDeviceError(
                f"no device of {', '.join(devices)} became free in {seconds:.0f} s: other runs use all {len(devices)}"
            )
        time.sleep(WAIT)


def devices_of(configs: Sequence[AnnotatorsConfig]) -> list[str]:
    """GPUs of this machine, when a model of these configurations would use one of its own choice."""
    return devices_for([getattr(config, name) for config in configs for name in AnnotatorsConfig.model_fields])


def devices_for(models: Sequence[object]) -> list[str]:
    """GPUs of this machine, when one of these models would use one of its own choice."""
    if not any(isinstance(model, HubConfig) and model.device == "auto" for model in models):
        return []
    from provision_dagster.scene_graphs.annotators.hub import torch_module

    return [f"cuda:{number}" for number in range(torch_module().cuda.device_count())]
