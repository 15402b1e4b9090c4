"""Files of a real Dagster instance: opened once, told to others at once, and closed when the process ends."""

import sqlite3
import subprocess
import sys
from pathlib import Path

WRITES = """
import sys
from pathlib import Path
import dagster as dg
from provision_dagster.local import sqlite

def opened():
    return [file for file in Path(sys.argv[1]).rglob("*.db-wal")]

sqlite.commit_without_waiting()
sqlite.commit_without_waiting()
with dg.DagsterInstance.local_temp(sys.argv[1]) as instance:
    @dg.asset
    def thing(): ...
    for _ in range(2 * sqlite.MOST):
        assert dg.materialize([thing], instance=instance).success
    assert 0 < len(opened()) <= sqlite.MOST, opened()
    print(instance.get_runs_count(), instance.event_log_storage.get_materialized_partitions(dg.AssetKey("thing")))
    input()
"""

MATERIALIZED = "select count(*) from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'"


def test_files_stay_open_and_others_read_them(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITES, tmp_path], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "16 set()\n"
    (index,) = tmp_path.rglob("index.db")
    assert index.with_name("index.db-wal").exists()
    with sqlite3.connect(index) as connection:  # nothing waits for the end of the process that writes
        assert connection.execute(MATERIALIZED).fetchone() == (16,)
    connection.close()
    process.communicate("\n")
    assert process.returncode == 0
    assert not list(tmp_path.rglob("*.db-wal"))


def test_a_file_in_the_place_of_a_deleted_one_is_another(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from sqlalchemy import create_engine, text
from provision_dagster.local import sqlite

sqlite.commit_without_waiting()
for turn in range(2):
    file = Path(sys.argv[1]) / "one.db"
    assert not file.exists()
    for time in range(3):
        with create_engine(f"sqlite:///{file}").begin() as connection:
            assert turn < 1 or len(sqlite._kept) == min(1 + time, 2), sqlite._kept
            connection.execute(text("pragma journal_mode = wal"))
            connection.execute(text("create table if not exists t (x int)"))
            connection.execute(text("insert into t values (1)"))
            level = connection.execute(text("pragma synchronous")).scalar()
    assert level == 1
    assert connection.engine.connect().execute(text("select count(*) from t")).scalar() == 3
    for each in Path(sys.argv[1]).glob("one.db*"):
        each.unlink()
"""
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True)
