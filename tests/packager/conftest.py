"""Embedded Pythons, each built for real once per session; tests copy what they spoil."""

from pathlib import Path

import pymw_platforms
import pytest
from pymw_packager import interpreters
from pymw_packager.interpreters import Runtime

from tests.bench.require import require


def _build(platform: str, source: str, folder: Path) -> Runtime:
    steps: list[str] = []
    runtime = interpreters.build(
        pymw_platforms.load(platform), source, None, [], folder / "runtime", steps.append
    )
    assert steps, "a build says what it does"
    return runtime


@pytest.fixture(scope="session")
def windows_runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    """A Python for windows_intelx86."""
    return _build("windows_intelx86", "auto", tmp_path_factory.mktemp("windows"))


@pytest.fixture(scope="session")
def i686_runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    """A Python for i686-pc-linux-gnu."""
    return _build("i686-pc-linux-gnu", "auto", tmp_path_factory.mktemp("i686"))


@pytest.fixture(scope="session")
def x86_64_runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    """A Python for x86_64-pc-linux-gnu."""
    return _build("x86_64-pc-linux-gnu", "auto", tmp_path_factory.mktemp("x86_64"))


@pytest.fixture(scope="session")
def frozen_runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    """The Python that runs the tests, frozen."""
    host = pymw_platforms.this_host()
    require(host is not None, "a host that BOINC has a name for")
    assert host is not None
    return _build(host.name, "freeze", tmp_path_factory.mktemp("frozen"))
