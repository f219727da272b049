"""A worker's jobs, and the promise that nothing is left of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.fake_client import wait_for
from tests.worker.job import Job, Jobs, processes_in
from tests.worker.service import Serve, Service


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Those marked `forks_too` have tasks in a process of their own, and then forks of the worker."""
    if "forks" in metafunc.fixturenames:
        too = metafunc.definition.get_closest_marker("forks_too")
        metafunc.parametrize("forks", [False, True] if too else [False], ids=str if too else None)


@pytest.fixture
def jobs(tmp_path: Path, forks: bool) -> Iterator[Jobs]:
    made: list[Job] = []
    numbers = itertools.count()

    def make(source: str, *args: object, **options: object) -> Job:
        folder = tmp_path / f"jöb {next(numbers)}"
        made.append(Job(folder, source, *args, **{"forks": forks, **options}))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for job in made:
        job.close()
        wait_for(lambda: not processes_in(job.slot), 30, "all processes of the job to be gone")  # noqa: B023


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    made: list[Service] = []

    def start(*args: object, **options: object) -> Service:
        made.append(Service(tmp_path / f"sérve {len(made)}", *args, **options))  # type: ignore[arg-type]
        return made[-1]

    yield start
    for service in made:
        service.close()
        wait_for(lambda: not processes_in(service.folder), 30, "all processes to be gone")  # noqa: B023
