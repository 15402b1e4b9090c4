"""Runs assets from the command line: the same definitions and instance as Dagster's UI, step by step with progress."""

import multiprocessing
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from provision_dagster import errors, local
from provision_dagster.dead_runs import alive, bury
from provision_dagster.defs.partitions import SHARDS, image_set_of
from provision_dagster.defs.resources import FoldersResource
from provision_dagster.defs.stages import (
    ACROSS_SHARDS,
    ANNOTATE,
    COMPARISONS,
    FILTER,
    GENERATE,
    HELD_OUT,
    INGEST,
    MIXES,
    MODEL_SCORES,
    PER_SHARD,
    PICTURES,
    QUALITY,
    REGISTER,
    REGISTER_RECIPES,
)
from provision_dagster.errors import ProvisionError
from provision_dagster.mixes.registry import by_default, check_usable

Report = Callable[[str, int, int], None]
"""(stage, runs done, runs in all)"""


class RunFailedError(ProvisionError):
    """A Dagster run failed; the message names assets, partition and the first error or failed check."""


@dataclass(frozen=True)
class Task:
    """One run: assets, and the first and last partition key of a contiguous range (equal for one partition)."""

    assets: tuple[str, ...]
    first: str | None = None
    last: str | None = None


@contextmanager
def instance() -> Iterator[dg.DagsterInstance]:
    """Open the instance of DAGSTER_HOME, by default `.dagster_home` in the working directory (made if absent)."""
    prepare_home()
    with dg.DagsterInstance.get() as opened:
        yield opened


def take_over(store: dg.DagsterInstance) -> list[str]:
    """Tell Dagster which earlier runs were killed; their ids. To be called before new runs begin."""
    return bury(store, home=prepare_home())


def prepare_home() -> Path:
    """Make the folder of DAGSTER_HOME, with a `dagster.yaml` unless it has one, and return it."""
    home = Path(os.environ.get("DAGSTER_HOME") or ".dagster_home").absolute()
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    if not settings.exists():
        settings.write_text(files(local).joinpath("dagster.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    return home


@cache
def definitions() -> dg.Definitions:
    """Load the definitions once per process."""
    from provision_dagster.definitions import defs

    loaded = defs()
    assert isinstance(loaded, dg.Definitions)
    return loaded


def run(task: Task, *, store: dg.DagsterInstance) -> None:
    """Execute one run in this process.

    Raises
    ------
    RunFailedError
        If a step or a blocking check failed.
    """
    job = definitions().resolve_implicit_global_asset_job_def()
    tags, key = {}, task.first
    if task.first != task.last and task.first and task.last:
        key = None
        tags = {"dagster/asset_partition_range_start": task.first, "dagster/asset_partition_range_end": task.last}
    run_id = str(uuid.uuid4())
    with alive(run_id, home=prepare_home()) as told:
        done = job.execute_in_process(
            run_id=run_id,
            asset_selection=[dg.AssetKey(a) for a in task.assets],
            partition_key=key,
            tags=tags | told,
            # failures come back as one message; the event log of the instance has all the rest
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance=store,
            raise_on_error=False,
        )
    if not done.success:
        raise RunFailedError(_explain(task, done))


def _explain(task: Task, done: dg.ExecuteInProcessResult) -> str:
    where = f"{', '.join(task.assets)}" + (f" [{task.first}]" if task.first else "")
    for event in done.all_events:
        if event.is_step_failure:
            causes = list(_causes(event.step_failure_data.error))
            # what this package says names file and field; what it was raised from does not
            told = next((cause for cause in causes if cause.cls_name in _OWN), causes[-1] if causes else None)
            return f"{where}: step `{event.step_key}` failed: {told.message.strip() if told else event.message}"
    return f"{where}: the run failed"


_OWN = {kind.__name__ for kind in vars(errors).values() if isinstance(kind, type)}


def _causes(error: SerializableErrorInfo | None) -> Iterator[SerializableErrorInfo]:
    while error is not None:
        yield error
        error = error.cause


def _run_alone(task: Task) -> Task:
    with instance() as opened:
        run(task, store=opened)
    return task


@contextmanager
def processes(workers: int) -> Iterator[ProcessPoolExecutor | None]:
    """Open processes for runs side by side, none for one worker; they load the definitions while others run here."""
    if workers <= 1:
        yield None
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for _ in range(workers):
            pool.submit(_load)
        yield pool


def _load() -> None:
    definitions()


def run_all(
    stage: str,
    tasks: Sequence[Task],
    *,
    report: Report,
    store: dg.DagsterInstance,
    pool: ProcessPoolExecutor | None = None,
) -> None:
    """Execute runs one after the other, or in the processes of a pool.

    Raises
    ------
    RunFailedError
        After all others ended, if some failed; the message tells of each.
    """
    failed: list[str] = []
    report(stage, 0, len(tasks))
    for done, outcome in enumerate(_outcomes(tasks, pool=pool, store=store), start=1):
        if outcome:
            failed.append(outcome)
        report(stage, done, len(tasks))
    if failed:
        raise RunFailedError("\n".join(failed))


def _outcomes(
    tasks: Sequence[Task], *, pool: ProcessPoolExecutor | None, store: dg.DagsterInstance
) -> Iterator[str | None]:
    if pool is None or len(tasks) <= 1:
        for task in tasks:
            try:
                run(task, store=store)
                yield None
            except RunFailedError as error:
                yield str(error)
        return
    for future in as_completed([pool.submit(_run_alone, task) for task in tasks]):
        failure = future.exception()
        if failure is not None and not isinstance(failure, RunFailedError):
            raise failure
        yield None if failure is None else str(failure)


def register(*, store: dg.DagsterInstance, report: Report) -> list[str]:
    """Read the spec folder, register shards, and return all shard keys."""
    take_over(store)
    run_all("image sets", [Task(REGISTER)], report=report, store=store)
    assert SHARDS.name is not None
    return list(store.get_dynamic_partitions(SHARDS.name))


def ingest(shards: Sequence[str], *, store: dg.DagsterInstance, report: Report) -> None:
    """List pictures and convert annotations of shards: one run per image set, so that each set is read once."""
    assert SHARDS.name is not None
    tasks = [Task(INGEST, first, last) for first, last in _ranges(store.get_dynamic_partitions(SHARDS.name), shards)]
    run_all("ingest", tasks, report=report, store=store)


def _ranges(every: Sequence[str], wanted: Sequence[str]) -> list[tuple[str, str]]:
    """Cut wanted keys into runs of neighbours of one image set."""
    ranges: list[tuple[str, str]] = []
    chosen, previous = set(wanted), -2
    for place, key in enumerate(every):
        if key not in chosen:
            continue
        joined = place == previous + 1 and image_set_of(key) == image_set_of(ranges[-1][1])
        if joined:
            ranges[-1] = (ranges[-1][0], key)
        else:
            ranges.append((key, key))
        previous = place
    return ranges


def materialize(
    shards: Sequence[str], *, recipes: Sequence[str] | None, workers: int, store: dg.DagsterInstance, report: Report
) -> None:
    """Make everything from pictures to mixes for some shards, then the mixes and their exports.

    Parameters
    ----------
    recipes
        Names of recipes to build; None = all but those that are built on request.

    Raises
    ------
    ProvisionError
        If a recipe cannot be used.
    RunFailedError
        At the first stage in which a run failed, after the other runs of that stage.
    """
    recipe_files = FoldersResource().recipe_files()
    # before the work of hours, not after it
    check_usable(recipes or (), files=recipe_files)
    take_over(store)
    with processes(workers) as pool:
        _filtered(shards, pool=pool, store=store, report=report)
    run_all("quality", [Task(QUALITY)], report=report, store=store)
    run_all("held out", [Task(HELD_OUT)], report=report, store=store)
    run_all("recipes", [Task(REGISTER_RECIPES)], report=report, store=store)
    chosen = by_default(recipe_files) if recipes is None else list(recipes)
    run_all("mixes", [Task(MIXES, r, r) for r in chosen], report=report, store=store)


def _filtered(
    shards: Sequence[str], *, pool: ProcessPoolExecutor | None, store: dg.DagsterInstance, report: Report
) -> None:
    """Make everything from pictures to filtered QA."""
    run_all("images", [Task(PICTURES, s, s) for s in shards], pool=pool, report=report, store=store)
    # one run for neighbouring shards: a model is loaded once for all of them
    assert SHARDS.name is not None
    ranges = _ranges(store.get_dynamic_partitions(SHARDS.name), shards)
    run_all("models", [Task(ANNOTATE, *ends) for ends in ranges], report=report, store=store)
    run_all("across shards", [Task(ACROSS_SHARDS)], report=report, store=store)
    _questions(shards, pool=pool, report=report, store=store)


def _questions(
    shards: Sequence[str],
    *,
    pool: ProcessPoolExecutor | None,
    report: Report,
    store: dg.DagsterInstance,
) -> None:
    """Make questions, scores and verdicts in one run per shard; a model that scores is loaded once for many."""
    filters = FoldersResource().filters()
    if filters.region_text is None and filters.judge is None:
        run_all("questions", [Task(PER_SHARD, s, s) for s in shards], pool=pool, report=report, store=store)
        return
    run_all("questions", [Task(GENERATE, s, s) for s in shards], pool=pool, report=report, store=store)
    score(shards, store=store, report=report)
    filter_shards(shards, pool=pool, store=store, report=report)


def score(shards: Sequence[str], *, store: dg.DagsterInstance, report: Report) -> None:
    """Let models score questions: one run for neighbouring shards, so that a model is loaded once for all of them."""
    assert SHARDS.name is not None
    ranges = _ranges(store.get_dynamic_partitions(SHARDS.name), shards)
    run_all("scores", [Task(MODEL_SCORES, *ends) for ends in ranges], report=report, store=store)


def filter_shards(
    shards: Sequence[str],
    *,
    store: dg.DagsterInstance,
    report: Report,
    pool: ProcessPoolExecutor | None = None,
    stage: str = "filters",
) -> None:
    """Compare questions with others, and apply the rules."""
    tasks = [Task((*COMPARISONS, *FILTER), s, s) for s in shards]
    run_all(stage, tasks, pool=pool, report=report, store=store)


def check(checks: Sequence[tuple[str, str]], shard: str, *, store: dg.DagsterInstance) -> list[dg.AssetCheckEvaluation]:
    """Ask checks of a shard again, (asset, check) each, without making anything; a check that fails raises nothing."""
    keys = {dg.AssetCheckKey(dg.AssetKey(asset), name) for asset, name in checks}
    job = definitions().resolve_implicit_global_asset_job_def()
    done = job.get_subset(asset_selection=set(), asset_check_selection=keys).execute_in_process(
        tags={"dagster/partition": shard},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        instance=store,
        raise_on_error=False,
    )
    found = list(done.get_asset_check_evaluations())
    if len(found) < len(keys):
        raise RunFailedError(f"checks of {shard}: {len(keys)} were asked, {len(found)} answered")
    return found


def all_shards(store: dg.DagsterInstance) -> list[str]:
    """Return every registered shard key."""
    assert SHARDS.name is not None
    return list(store.get_dynamic_partitions(SHARDS.name))
