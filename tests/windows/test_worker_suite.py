"""The worker keeps its promises on Windows: runs tests/worker/suite with the Python that we embed."""

from __future__ import annotations

import shutil
from pathlib import Path

import cloudpickle
import pytest
from pymw_packager import interpreters
from pymw_platforms import platform

from tests.bench.wine import Wine

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.fault(
    "returns what cannot be pickled",
    "a message of 1023 bytes",
    "the clock jumps",
    "exits with another status",
    "leaves grandchildren that outlive it",
    "the slot's lock is held",
)
def test_the_suite_passes_under_windows(wine: Wine) -> None:
    windows = platform.load("windows_intelx86")
    runtime = interpreters.build(windows, "auto", None, [], wine.c / "runtime", lambda message: None)
    for folder in ("worker", "tests/worker"):
        shutil.copytree(ROOT / folder, wine.c / "repository" / folder)
    shutil.copytree(Path(cloudpickle.__file__).parent, wine.c / "cloudpickle")
    run = wine.run(
        [wine.path(runtime.folder / runtime.executable), "C:\\repository\\tests\\worker\\suite\\run.py"],
        environment={"PYMW_TEST_CLOUDPICKLE": "C:\\cloudpickle"},
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
