"""Runs whose process is gone: Dagster is told so, and their places in pools are free again."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

HOST = "provision/host"
"""Tag of a run: the machine whose process does it. Locks say nothing about the processes of another one."""

UNFINISHED = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


@contextmanager
def alive(run_id: str, *, home: Path) -> Iterator[dict[str, str]]:
    """Hold a lock for as long as a run lasts; the system gives it free when the process ends, however it ends.

    Yields
    ------
    dict
        Tags that the run needs, so that `bury` finds it.
    """
    file = _lock_file(run_id, home=home)
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file):
        yield {HOST: socket.gethostname()}
    file.unlink(missing_ok=True)


def bury(store: dg.DagsterInstance, *, home: Path) -> list[str]:
    """Mark the runs of this machine whose process is gone as failed, free their places in pools, and name them.

    A process that is killed cannot do that itself, and the next run would wait for its place in the pool for ever.
    """
    buried = []
    unfinished = dg.RunsFilter(statuses=UNFINISHED, tags={HOST: socket.gethostname()})
    for run_id in [run.run_id for run in store.get_runs(filters=unfinished)]:
        file = _lock_file(run_id, home=home)
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(file, timeout=0):
                run = store.get_run_by_id(run_id)
                # it may have ended between the two looks
                if run is not None and run.status in UNFINISHED:
                    store.report_run_failed(run, "The process that did this run has ended without a word.")
                    store.event_log_storage.free_concurrency_slots_for_run(run_id)
                    buried.append(run_id)
        except Timeout:
            continue
        file.unlink(missing_ok=True)
    return buried


def _lock_file(run_id: str, *, home: Path) -> Path:
    return home / "alive" / f"{run_id}.lock"
