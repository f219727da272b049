"""The worker keeps its promises under every Python of this machine: runs tests/worker/suite with each."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import cloudpickle
import pytest

RUNNER = Path(__file__).parent / "suite" / "run.py"
VERSIONS = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
TIME_LIMIT = 300.0


@pytest.mark.fault(
    "returns what cannot be pickled",
    "a message of 1023 bytes",
    "the clock jumps",
    "exits with another status",
    "leaves grandchildren that outlive it",
    "the slot's lock is held",
)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_suite_passes_under_python(version: str, find_python: Callable[[str], Path]) -> None:
    run = subprocess.run(
        [find_python(version), "-W", "error::DeprecationWarning:pymw_worker", str(RUNNER)],
        env={**os.environ, "PYMW_TEST_CLOUDPICKLE": str(Path(cloudpickle.__file__).parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
