"""Runs whose process was killed: real processes, a real instance."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

from provision_dagster.dead_runs import alive, bury
from provision_dagster.runs import instance, prepare_home

SLEEPER = """
import sys, time, uuid
from pathlib import Path
import dagster as dg
from provision_dagster.dead_runs import alive
from provision_dagster.runs import instance, prepare_home

@dg.asset(pool="gpu")
def sleeper():
    Path(sys.argv[2]).touch()
    time.sleep(600)

job = dg.Definitions(assets=[sleeper]).resolve_implicit_global_asset_job_def()
with instance() as store, alive(sys.argv[1], home=prepare_home()) as tags:
    job.execute_in_process(run_id=sys.argv[1], instance=store, tags=tags)
"""
RUN = "3f0e4c1e-0000-4000-8000-000000000001"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return prepare_home()


def start(flag: Path) -> subprocess.Popen[bytes]:
    """Start a run that holds the only place of the pool, and wait until it does."""
    process = subprocess.Popen([sys.executable, "-c", SLEEPER, RUN, str(flag)], env=dict(os.environ))
    while not flag.exists():
        assert process.poll() is None
        time.sleep(0.1)
    return process


def places_taken(store: dg.DagsterInstance) -> int:
    return store.event_log_storage.get_concurrency_info("gpu").active_slot_count


def status(store: dg.DagsterInstance) -> dg.DagsterRunStatus:
    run = store.get_run_by_id(RUN)
    assert run is not None
    return run.status


def test_a_killed_run_fails_and_frees_its_place(home: Path, tmp_path: Path) -> None:
    process = start(tmp_path / "started")
    with instance() as store:
        assert bury(store, home=home) == []
        assert (status(store), places_taken(store)) == (dg.DagsterRunStatus.STARTED, 1)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (status(store), places_taken(store)) == (dg.DagsterRunStatus.STARTED, 1)
        assert bury(store, home=home) == [RUN]
        assert (status(store), places_taken(store)) == (dg.DagsterRunStatus.FAILURE, 0)
        assert bury(store, home=home) == []
    assert not list((home / "alive").iterdir())


def test_runs_of_other_machines_are_left_alone(home: Path) -> None:
    """Whether their processes live cannot be seen from here."""

    @dg.asset
    def nothing() -> None: ...

    with alive(RUN, home=home) as tags:
        elsewhere = dict.fromkeys(tags, "another machine")
    with instance() as store:
        job = dg.Definitions(assets=[nothing]).resolve_implicit_global_asset_job_def()
        store.create_run_for_job(job, run_id=RUN, tags=elsewhere, status=dg.DagsterRunStatus.STARTED)
        assert bury(store, home=home) == []
        assert status(store) == dg.DagsterRunStatus.STARTED
