"""Waiting for a process without sleeping longer than needed."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def wait_until(done: Callable[[], bool], *, process: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    """Return once `done()` is true; fail with the log when the process ends first or time runs out."""
    end = time.monotonic() + seconds
    while not done():
        code = process.poll()
        assert code is None, f"ended with {code} before it was ready:\n{log.read_text()}"
        assert time.monotonic() < end, f"not ready after {seconds} s:\n{log.read_text()}"
        time.sleep(0.2)
