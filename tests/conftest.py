"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("PROVISION_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real annotations and photos that do not ship with the project."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"real data not found at {SHARED}; set PROVISION_SHARED to run this test")
    return SHARED
