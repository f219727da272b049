"""Tasks on a simulated grid: who does them, when they end, and what the figures say."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pymw
import pytest
from pymw.dispatcher import Match
from pymw.interfaces.grid_simulator import GridSimulatorInterface, SimWorker
from pymw.simulation.record import Execution

from tests.master.simulation.grids import grid_of, placed, run


def test_each_task_goes_to_the_worker_that_is_free_first() -> None:
    tasks = run(grid_of(1, 2), [10, 10, 10, 10])
    assert placed(tasks) == [("W0", 0, 10), ("W1", 0, 5), ("W1", 5, 10), ("W0", 10, 20)]


def test_a_task_s_function_gets_the_worker_then_the_arguments_and_returns_cpu_seconds() -> None:
    def estimate(worker: SimWorker, work: float, *, share: float) -> float:
        return work * share / worker._speed

    function: Any = estimate
    with pymw.Master(grid_of(4)) as master:
        task = master.submit(function, 100, share=0.5)
        assert task.result(10) == Execution("W0", 0, 3.125, 3.125, 12.5)
    assert task.end.facts == {
        "worker": "W0",
        "start": "0.0",
        "finish": "3.125",
        "elapsed": "3.125",
        "cpu": "12.5",
    }


def test_workers_are_there_only_when_their_intervals_say_so() -> None:
    grid = GridSimulatorInterface()
    lengths: list[tuple[list[float], list[float]]] = [([10, 10], [1, 0]), ([15, 100], [0, 0.5])]
    grid.generate_workers(2, lambda number: 1, lambda number: lengths[number])
    tasks = run(grid, [6, 6, 6, 6])
    assert placed(tasks) == [("W0", 0, 6), ("W0", 6, 22), ("W1", 15, 27), ("W0", 22, 28)]


@pytest.mark.parametrize("match", [None, lambda tasks, workers: (tasks[0], workers[0])])
def test_figures_are_computed_from_all_finished_tasks(match: Match | None) -> None:
    grid = grid_of(1, 2)
    run(grid, [10, 10, 10, 40], match)
    status = grid.get_status()
    assert status == {
        "num_total_workers": 2,
        "num_lost_workers": 0,
        "num_executed_tasks": 4,
        "num_lost_attempts": 0,
        "lost_wall_time": 0,
        "cur_sim_time": 10,
        "makespan": 50,
        "total_wall_time": 60,
        "mean_wall_time": 15,
        "median_wall_time": 7.5,
        "stddev_wall_time": pytest.approx(14.5773797),
        "total_cpu_time": 70,
        "mean_cpu_time": 17.5,
        "median_cpu_time": 10,
        "stddev_cpu_time": pytest.approx(12.9903811),
    }


def test_fta_traces_make_workers(tmp_path: Path) -> None:
    lines = ["header", "0 0 n1 0 x 1 100 110 0", "1 0 n2 0 x 1 105 120 0"]
    file = tmp_path / "event_trace.tab"
    file.write_text("\n".join(lines).replace(" ", "\t") + "\n")
    grid = GridSimulatorInterface([file], wrap=False)
    assert placed(run(grid, [6, 4, 4, 6])) == [("n1", 0, 6), ("n2", 5, 9), ("n1", 6, 10), ("n2", 9, 15)]
    other = GridSimulatorInterface()
    with file.open() as opened:
        other.read_workers_from_fta_tab_files(opened, num_workers=1, speed_func=lambda number: 3)
    assert placed(run(other, [30])) == [("n1", 0, 10)]


def test_a_hundred_thousand_tasks_take_seconds() -> None:
    grid = GridSimulatorInterface()
    grid.generate_workers(1000, lambda number: 1 + number % 3, lambda number: ([50, 50], [1, 0.25]))
    began = time.perf_counter()
    tasks = run(grid, [100.0] * 100_000)
    assert time.perf_counter() - began < 20
    assert grid.get_status()["num_executed_tasks"] == len(tasks)
