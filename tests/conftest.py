"""Fixtures shared by all tests."""

import os
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

# Tests run side by side and their models are tiny: threads of torch that wait for each other take more than twice the
# processor time. Set before torch is imported, here and in every process that a test starts.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARED = Path(os.environ.get("PROVISION_SHARED", Path(__file__).resolve().parents[2] / "shared"))
NO_SKIP = bool(os.environ.get("PROVISION_NO_SKIP"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real annotations and photos that do not ship with the project."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"real data not found at {SHARED}; set PROVISION_SHARED to run this test")
    return SHARED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests begin first, then those with many, so that no process is left with one at the end."""
    long = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("browser")}
    many = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path not in long, -many[item.path]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where PROVISION_NO_SKIP is set (in CI), a test that skips has failed."""
    report = yield
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where every test must run: {report.longrepr}"
    return report
