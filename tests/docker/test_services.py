"""The commands of the compose file, run for real: from a click in the UI to a row in the database."""

import importlib.util
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dagster_graphql import DagsterGraphQLClient

from tests.docker.database import Database, running_database
from tests.docker.files import PASSWORD, ROOT
from tests.docker.services import started

MODULE = """
import os
import dagster as dg

@dg.asset(pool="gpu")
def tables() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"data": os.environ["PROVISION_DATA"], "parent": os.getppid()})

defs = dg.Definitions(
    assets=[tables], jobs=[dg.define_asset_job("everything")], executor=dg.in_process_executor
)
"""
LAST = """
query($run: ID!) {
  runOrError(runId: $run) { ... on Run { status assetMaterializations { metadataEntries {
    label ... on TextMetadataEntry { text } ... on IntMetadataEntry { intValue } } } } }
}
"""


@pytest.fixture
def own_database() -> Iterator[Database]:
    """A server that no table was created in yet, as at the first start of the deployment."""
    with running_database(password=PASSWORD) as found:
        yield found


def wait_for_end(client: DagsterGraphQLClient, *, run_id: str) -> dict[str, Any]:
    """Return the run as the UI sees it, once it ended."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        run: dict[str, Any] = client._execute(LAST, {"run": run_id})["runOrError"]
        if run["status"] in {"SUCCESS", "FAILURE", "CANCELED"}:
            return run
        time.sleep(0.5)
    pytest.fail(f"run {run_id} did not end: {run}")


@pytest.mark.slow
def test_a_run_goes_through_all_services(own_database: Database, tmp_path: Path) -> None:
    (tmp_path / "small_factory.py").write_text(MODULE)
    folders = {"DAGSTER_ARTIFACTS": str(tmp_path / "artifacts"), "DAGSTER_LOGS": str(tmp_path / "logs")}
    environment = {**own_database.environment, **folders}
    with started("code", "webserver", "daemon", folder=tmp_path, module="small_factory", environment=environment) as (
        services,
        processes,
    ):
        client = DagsterGraphQLClient("127.0.0.1", port_number=services.ui_port)
        run_id = client.submit_job_execution("everything", repository_location_name="provision_dagster")
        run = wait_for_end(client, run_id=run_id)
    assert run["status"] == "SUCCESS"
    (materialization,) = run["assetMaterializations"]
    found = {entry["label"]: entry for entry in materialization["metadataEntries"]}
    assert found["data"]["text"] == "/data"
    assert found["parent"]["intValue"] == processes["code"].pid
    assert own_database.query("select run_id, status from runs") == [(run_id, "SUCCESS")]
    assert own_database.query("select distinct concurrency_key from concurrency_slots") == [("gpu",)]
    assert {name: process.returncode for name, process in processes.items()} == dict.fromkeys(processes, 0)


def test_the_code_server_serves_the_definitions_of_the_project(database: Database, tmp_path: Path) -> None:
    if importlib.util.find_spec("provision_dagster.definitions") is None:
        pytest.skip("`provision_dagster.definitions` is not written yet")
    environment = {**database.environment, "PYTHONPATH": str(ROOT)}
    environment |= dict.fromkeys(["DAGSTER_ARTIFACTS", "DAGSTER_LOGS", "PROVISION_DATA"], str(tmp_path))
    module = "provision_dagster.definitions"
    with started("code", folder=tmp_path, module=module, environment=environment) as (services, _):
        listed = subprocess.run(
            [*services.adapt(["dagster", "job", "list"]), "-w", "workspace.yaml"],
            cwd=tmp_path,
            env=services.settings({"environment": {}}),
            capture_output=True,
            text=True,
        )
    assert listed.returncode == 0, listed.stderr
    assert "Repository" in listed.stdout
