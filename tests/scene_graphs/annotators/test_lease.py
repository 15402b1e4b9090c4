"""Devices are lent to one run at a time, and come back however the run ends."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from provision_dagster.scene_graphs.annotators.configs import AnnotatorsConfig, HubDepthConfig
from provision_dagster.scene_graphs.annotators.lease import NoDeviceError, devices_of, leased

HOLD = """
import sys, time
from pathlib import Path
from provision_dagster.scene_graphs.annotators.lease import leased
with leased(["cuda:0", "cuda:1"], folder=Path(sys.argv[1])) as device:
    print(device, flush=True)
    time.sleep(60)
"""


def test_each_run_has_a_device_of_its_own(tmp_path: Path) -> None:
    devices = ["cuda:0", "cuda:1"]
    with leased(devices, folder=tmp_path) as one, leased(devices, folder=tmp_path) as other:
        assert (one, other) == ("cuda:0", "cuda:1")
        with (
            pytest.raises(NoDeviceError, match="no device of cuda:0, cuda:1 became free in 1 s"),
            leased(devices, folder=tmp_path, seconds=1),
        ):
            pass
    with leased(devices, folder=tmp_path) as again:
        assert again == "cuda:0"


def test_a_killed_run_gives_its_device_back(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "cuda:0"
    with leased(["cuda:0", "cuda:1"], folder=tmp_path) as device:
        assert device == "cuda:1"
    holder.kill()
    holder.communicate()
    start = time.monotonic()
    with leased(["cuda:0"], folder=tmp_path, seconds=10) as device:
        assert device == "cuda:0"
    assert time.monotonic() - start < 10


def test_an_error_gives_the_device_back(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), leased(["cuda:0"], folder=tmp_path):
        _ = 1 / 0
    with leased(["cuda:0"], folder=tmp_path, seconds=0) as device:
        assert device == "cuda:0"


def test_nothing_to_lend(tmp_path: Path) -> None:
    with leased([], folder=tmp_path / "none") as device:
        assert device is None
    assert not (tmp_path / "none").exists()


def test_only_models_that_choose_for_themselves_need_one() -> None:
    chosen = HubDepthConfig(kind="depth", model="m", device="cpu")
    assert devices_of([AnnotatorsConfig(), AnnotatorsConfig(depth_maps=chosen)]) == []
    free = AnnotatorsConfig(depth_maps=chosen.model_copy(update={"device": "auto"}))
    import torch

    assert devices_of([free]) == [f"cuda:{n}" for n in range(torch.cuda.device_count())]
