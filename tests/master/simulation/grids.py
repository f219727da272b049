"""Simulated grids, and masters that run tasks on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymw
from pymw.dispatcher import Dispatcher, Match
from pymw.future import Future
from pymw.interfaces.grid_simulator import GridSimulatorInterface, SimWorker


def always(number: int) -> tuple[list[float], list[float]]:
    return [1], [1]


def grid_of(*speeds: float, **options: Any) -> GridSimulatorInterface:
    grid = GridSimulatorInterface(**options)
    grid.generate_workers(len(speeds), lambda number: speeds[number], always)
    return grid


@contextmanager
def master_of(
    grid: GridSimulatorInterface, match: Match | None = None, **options: Any
) -> Iterator[pymw.Master]:
    class Matching(pymw.Master):
        def _make_dispatcher(self, none: Match | None) -> Dispatcher:
            return Dispatcher(self._interface, match)

    with Matching(grid, **options) as master:
        yield master


def take(worker: SimWorker, number: float) -> float:
    """A task of so many CPU seconds: a worker of speed 2 does two of them in a second."""
    return number


# Its first argument is not for those who submit it.
instructions: Any = take


def run(
    grid: GridSimulatorInterface, lengths: list[float], match: Match | None = None, **options: Any
) -> list[Future[Any]]:
    """Tasks of so many CPU seconds, all waiting before the first one starts."""
    with master_of(grid, match, **options) as master:
        with grid.hold():
            tasks = [master.submit(instructions, length) for length in lengths]
        assert master.wait(60)
    return tasks


def placed(tasks: list[Future[Any]]) -> list[tuple[str, float, float]]:
    return [(task.result().worker, task.result().start, task.result().finish) for task in tasks]
