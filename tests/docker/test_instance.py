"""`dagster.yaml` against a real PostgreSQL server."""

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.config import PoolGranularity
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage, PostgresScheduleStorage

from tests.docker.database import Database
from tests.docker.files import DOCKER


@dg.asset(pool="gpu")
def boxes(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    print("to the compute log")
    return dg.MaterializeResult(metadata={"dagster/row_count": 7})


def load() -> dg.DagsterInstance:
    return dg.DagsterInstance.from_config(str(DOCKER))


def test_all_three_storages_are_postgresql(instance_environment: dict[str, str]) -> None:
    with load() as instance:
        assert isinstance(instance.run_storage, PostgresRunStorage)
        assert isinstance(instance.event_log_storage, PostgresEventLogStorage)
        assert isinstance(instance.schedule_storage, PostgresScheduleStorage)
        assert instance.telemetry_enabled is False
        assert instance.nux_enabled is False


def test_a_run_and_its_events_are_kept(
    database: Database, instance_environment: dict[str, str], tmp_path: Path
) -> None:
    job = dg.Definitions(assets=[boxes], jobs=[dg.define_asset_job("all", [boxes])]).resolve_job_def("all")
    with load() as instance:
        run_id = job.execute_in_process(instance=instance).run_id
    with load() as later:
        record = later.get_run_record_by_id(run_id)
        event = later.get_latest_materialization_event(dg.AssetKey("boxes"))
    assert record is not None
    assert record.dagster_run.status is dg.DagsterRunStatus.SUCCESS
    assert event is not None
    assert event.run_id == run_id
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["dagster/row_count"].value == 7
    assert database.query(f"select status from runs where run_id = '{run_id}'") == [("SUCCESS",)]
    sql = f"select count(*) from event_logs where run_id = '{run_id}' and asset_key is not null"
    assert int(str(database.query(sql)[0][0])) >= 1
    written = [path.read_text() for path in (tmp_path / "logs").rglob("*.out")]
    assert written == ["to the compute log\n"]
    assert not [path for path in DOCKER.iterdir() if path.is_dir()]


def test_a_step_of_the_pool_gpu_takes_its_only_slot(instance_environment: dict[str, str]) -> None:
    taken: list[int] = []

    @dg.asset(pool="gpu")
    def masks(context: dg.AssetExecutionContext) -> None:
        info = context.instance.event_log_storage.get_concurrency_info("gpu")
        taken.extend([info.slot_count, info.active_slot_count])

    with load() as instance:
        dg.materialize([masks], instance=instance)
        after = instance.event_log_storage.get_concurrency_info("gpu")
    assert taken == [1, 1]
    assert (after.slot_count, after.active_slot_count) == (1, 0)


def test_limits(instance_environment: dict[str, str]) -> None:
    with load() as instance:
        limits = instance.get_concurrency_config()
        assert isinstance(instance.run_launcher, dg.DefaultRunLauncher)
        assert instance.run_monitoring_enabled
    assert limits.pool_config.pool_granularity is PoolGranularity.OP
    assert limits.pool_config.default_pool_limit == 1
    assert limits.run_queue_config is not None
    assert limits.run_queue_config.max_concurrent_runs == 4
    assert limits.run_queue_config.op_concurrency_slot_buffer == 1
    assert limits.run_queue_config.should_block_op_concurrency_limited_runs


def test_a_missing_password_is_named(instance_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_POSTGRES_PASSWORD")
    with pytest.raises(Exception, match="DAGSTER_POSTGRES_PASSWORD"):
        load()
