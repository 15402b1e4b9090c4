"""Fixtures shared by all tests."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("PROVISION_SHARED", Path(__file__).resolve().parents[2] / "shared"))
NO_SKIP = bool(os.environ.get("PROVISION_NO_SKIP"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real annotations and photos that do not ship with the project."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"real data not found at {SHARED}; set PROVISION_SHARED to run this test")
    return SHARED


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where PROVISION_NO_SKIP is set (in CI), a test that skips has failed."""
    report = yield
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where every test must run: {report.longrepr}"
    return report
