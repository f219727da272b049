"""Tasks on a simulated grid that fail, and what happens then."""

from __future__ import annotations

from typing import Any

import pymw
import pytest
from pymw.dispatcher import Match
from pymw.errors import InterfaceError, TimeLimitExceeded, WorkerDied
from pymw.interfaces.grid_simulator import GridSimulatorInterface, SimWorker

from tests.master.simulation.grids import grid_of, instructions, master_of, placed, run


@pytest.mark.parametrize("match", [None, lambda tasks, workers: (tasks[0], workers[0])])
@pytest.mark.parametrize("gone", [False, True])
def test_a_grid_without_workers_says_so(match: Match | None, gone: bool) -> None:
    grid = GridSimulatorInterface()
    if gone:
        grid.add_worker(SimWorker("W", 1, [5], [0]))
    with master_of(grid, match, retries=2) as master:
        task = master.submit(instructions, 1)
        words = "no worker of the simulated grid will ever be available" if gone else "has no workers"
        with pytest.raises(InterfaceError, match=words):
            task.result(10)
        if not gone:
            grid.add_worker(SimWorker("W", 1, [5], [1]))
            assert master.submit(instructions, 1).result(10).worker == "W"


@pytest.mark.parametrize("match", [None, lambda tasks, workers: (tasks[0], workers[0])])
def test_tasks_of_workers_that_never_finish_them_fail_with_one_sentence(match: Match | None) -> None:
    tasks = run(grid_of(0, 0), [1, 1, 1], match)
    for task, worker in zip(tasks[:2], ("W0", "W1"), strict=True):
        with pytest.raises(WorkerDied, match=f"^worker {worker} has speed 0, and never finishes a task$"):
            task.result()
    with pytest.raises(InterfaceError, match="no worker of the simulated grid will ever be available again"):
        tasks[2].result()


@pytest.mark.parametrize("match", [None, lambda tasks, workers: (tasks[0], workers[0])])
def test_a_worker_whose_trace_has_ended_is_gone_for_good_or_begins_anew(match: Match | None) -> None:
    def grid(wrap: bool) -> GridSimulatorInterface:
        made = GridSimulatorInterface(wrap=wrap)
        lengths = [([10], [1]), ([50, 100], [0, 1])]
        made.generate_workers(2, lambda number: 1, lambda number: lengths[number])
        return made

    assert placed(run(grid(True), [8, 8, 8], match)) == [("W0", 0, 8), ("W0", 8, 16), ("W0", 16, 24)]
    lasting = grid(False)
    tasks = run(lasting, [8, 8, 8], match, retries=1)
    # The second one is lost at 10 s, and waits with the third for the other worker. It is tried first.
    assert placed(tasks) == [("W0", 0, 8), ("W1", 50, 58), ("W1", 58, 66)]
    assert [task.attempts for task in tasks] == [1, 2, 1]
    status = lasting.get_status()
    assert [status[name] for name in ("num_lost_workers", "num_lost_attempts", "lost_wall_time")] == [1, 1, 2]


@pytest.mark.parametrize("match", [None, lambda tasks, workers: (tasks[0], workers[0])])
def test_a_failed_attempt_is_tried_again_when_it_has_failed_before_what_waits(match: Match | None) -> None:
    grid = GridSimulatorInterface(gaps_fail=True)
    lengths = [([10, 10], [1, 0]), ([1000], [1])]
    grid.generate_workers(2, lambda number: 1, lambda number: lengths[number])
    tasks = run(grid, [15, 6, 6, 6, 6], match, retries=1)
    assert placed(tasks) == [
        ("W1", 12, 27),  # failed on W0 at 10 s
        ("W1", 0, 6),
        ("W1", 6, 12),
        ("W0", 20, 26),
        ("W1", 30, 36),  # failed on W0 at 30 s
    ]
    assert [task.attempts for task in tasks] == [2, 1, 1, 1, 2]


@pytest.mark.parametrize("match", [None, lambda tasks, workers: (tasks[0], workers[0])])
def test_a_worker_that_was_idle_before_a_failure_is_used_only_when_it_is_there(match: Match | None) -> None:
    grid = GridSimulatorInterface(gaps_fail=True)
    lengths: list[tuple[list[float], list[float]]] = [([10, 90], [1, 0]), ([5, 12, 100], [1, 0, 1])]
    grid.generate_workers(2, lambda number: 1, lambda number: lengths[number])
    # Lost on W0 at 10 s, when W1 is away.
    assert placed(run(grid, [15], match, retries=1)) == [("W1", 17, 32)]


def test_without_retries_a_lost_task_has_the_loss_as_its_error_and_facts() -> None:
    grid = GridSimulatorInterface(gaps_fail=True)
    grid.generate_workers(1, lambda number: 1, lambda number: ([10, 10], [1, 0]))
    (task,) = run(grid, [15])
    with pytest.raises(WorkerDied, match="worker W0 became unavailable at 10 s of simulated time"):
        task.result()
    assert (task.log["worker"], task.log["start"], task.log["finish"]) == ("W0", "0.0", "10.0")


def test_a_time_limit_is_in_simulated_seconds() -> None:
    tasks = run(grid_of(1, 10), [100, 100], timeout=20)
    with pytest.raises(TimeLimitExceeded, match="more than its limit of 20 s on worker W0"):
        tasks[0].result()
    assert tasks[1].result().finish == 10


def failing_run(seed: object, match: Match | None = None) -> list[Any]:
    grid = grid_of(*range(1, 11), failure_rate=0.01, seed=seed)
    tasks = run(grid, [float(number % 90) for number in range(300)], match, retries=50)
    return [*placed(tasks), grid.get_status()]


@pytest.mark.parametrize("match", [None, lambda tasks, workers: (tasks[-1], workers[0])])
def test_runs_with_failures_repeat_exactly(match: Match | None) -> None:
    first = failing_run("a", match)
    assert first == failing_run("a", match)
    assert first[-1]["num_lost_attempts"] > 10
    assert first[-1]["num_executed_tasks"] == 300
    assert first != failing_run("b", match)


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (lambda worker: None, TypeError, "returned a NoneType: it must return CPU seconds"),
        (lambda worker: -1, ValueError, "returned -1: it must return CPU seconds"),
        (lambda worker: float("nan"), ValueError, "returned nan"),
        (lambda worker: 1 / 0, ZeroDivisionError, "division"),
    ],
)
def test_a_function_that_returns_no_time_fails_and_the_worker_goes_on(
    function: Any, error: type[Exception], words: str
) -> None:
    with pymw.Master(grid_of(1)) as master:
        task = master.submit(function)
        with pytest.raises(error, match=words):
            task.result(10)
        assert master.submit(instructions, 3).result(10).start == 0


def test_cancelled_tasks_are_not_simulated() -> None:
    grid = grid_of(1)
    with pymw.Master(grid) as master:
        with grid.hold():
            tasks = [master.submit(instructions, 5) for _ in range(3)]
            assert tasks[1].cancel()
        assert tasks[2].result(10).start == 5
    assert grid.get_status()["num_executed_tasks"] == 2
