"""The asset check `audit`: passes a right sample, blocks a shard with a false answer."""

from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from provision_dagster.defs.audits import audit_checks
from provision_dagster.defs.partitions import SHARDS
from provision_dagster.defs.resources import GenerationResource, StoreResource
from provision_dagster.storage.store import Store
from tests.generators.audit.rows import qa, table
from tests.generators.scenes import graphs, scene

SHARD = "set-00000"
STREET = scene("street", [("car", (0, 60, 20, 80), []), ("car", (25, 60, 45, 80), []), ("dog", (75, 70, 85, 80), [])])


def question(answer: str) -> dict[str, Any]:
    row = qa("ExistsObject", STREET, {"plural": "cars"}, answer=answer, rests_on=[0, 1], objects=["car"], counts=[2])
    return {**row, "family": "qa_object", "shard": SHARD}


@dg.asset(name="qa_object", partitions_def=SHARDS)
def written() -> None:
    """Stand in the graph for rows that the test has written."""


def checked(folder: Path, rows: pl.DataFrame, *, rules: str = "strict") -> dg.AssetCheckEvaluation:
    store = Store(folder)
    store.create_all()
    store.write_partition("scene_graphs", graphs(STREET), key=SHARD)
    store.write_partition("qa_object", rows, key=SHARD)
    with dg.DagsterInstance.ephemeral() as instance:
        assert SHARDS.name is not None
        instance.add_dynamic_partitions(SHARDS.name, [SHARD])
        done = dg.materialize(
            [written, audit_checks(["qa_object"])],
            partition_key=SHARD,
            instance=instance,
            resources={"store": StoreResource(url=str(folder)), "generation": GenerationResource(rules=rules)},
            raise_on_error=False,
        )
    (evaluation,) = done.get_asset_check_evaluations()
    return evaluation


def test_a_right_shard_passes(tmp_path: Path) -> None:
    found = checked(tmp_path, table(question("2")))
    assert found.passed
    assert found.blocking
    assert found.metadata["rows"].value == 1


@pytest.mark.parametrize(
    ("rules", "severity"), [("strict", dg.AssetCheckSeverity.ERROR), ("paper", dg.AssetCheckSeverity.WARN)]
)
def test_a_false_answer_fails(tmp_path: Path, rules: str, severity: dg.AssetCheckSeverity) -> None:
    found = checked(tmp_path, table(question("2"), {**question("3"), "id": "f" * 32}), rules=rules)
    assert not found.passed
    assert found.severity == severity
    assert "differs" in str(found.metadata["problems"].value)
    assert found.metadata["rows"].value == 2


def test_an_empty_shard_passes(tmp_path: Path) -> None:
    assert checked(tmp_path, table()).passed
