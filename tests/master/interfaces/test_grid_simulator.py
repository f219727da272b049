"""Tasks on a simulated grid: who does them, when they end, and what the figures say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import pymw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymw.dispatcher import Dispatcher, Match
from pymw.errors import InterfaceError, TimeLimitExceeded, WorkerDied
from pymw.future import Future
from pymw.interfaces.grid_simulator import GridSimulatorInterface, SimWorker
from pymw.simulation.record import Execution

from tests.master.simulation import naive


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


def test_a_scheduler_function_chooses_the_task_and_the_worker() -> None:
    seen = []

    def longest_to_fastest(tasks: list[Any], workers: list[Any]) -> tuple[Any, Any]:
        seen.append((len(tasks), [str(worker) for worker in workers]))
        longest = max(tasks, key=lambda task: task.call[0][0])
        return longest, max(workers, key=lambda worker: worker._speed)

    tasks = run(grid_of(1, 2, 4), [10, 20, 40, 80], longest_to_fastest)
    assert placed(tasks) == [("W2", 20, 22.5), ("W0", 0, 20), ("W1", 0, 20), ("W2", 0, 20)]
    assert seen == [
        (4, ["W0", "W1", "W2"]),
        (3, ["W0", "W1"]),
        (2, ["W0"]),
        (1, ["W0", "W1", "W2"]),
    ]


def test_time_goes_on_when_a_scheduler_function_finds_no_match() -> None:
    def wait_for_the_fast_one(tasks: list[Any], workers: list[Any]) -> tuple[Any, Any]:
        fast = [worker for worker in workers if worker._speed > 1]
        return (tasks[0], fast[0]) if fast else (None, None)

    tasks = run(grid_of(1, 2), [10, 10, 10], wait_for_the_fast_one)
    assert placed(tasks) == [("W1", 0, 5), ("W1", 5, 10), ("W1", 10, 15)]


def test_a_worker_that_nobody_chose_is_not_offered_while_it_is_away() -> None:
    offers = []

    def second_if_possible(tasks: list[Any], workers: list[Any]) -> tuple[Any, Any]:
        offers.append([str(worker) for worker in workers])
        return tasks[0], workers[-1]

    grid = GridSimulatorInterface()
    lengths = [([10, 30], [1, 0]), ([1], [1])]
    grid.generate_workers(2, lambda number: 1, lambda number: lengths[number])
    tasks = run(grid, [20, 25, 5], second_if_possible)
    # W0 takes the second task, works for 10 s and for 10 s after its gap, and is gone again.
    assert placed(tasks) == [("W1", 0, 20), ("W0", 0, 85), ("W1", 20, 25)]
    assert offers == [["W0", "W1"], ["W0"], ["W1"]]
    offers.clear()
    grid = GridSimulatorInterface()
    grid.generate_workers(2, lambda number: 1, lambda number: lengths[number])

    def only_w1(tasks: list[Any], workers: list[Any]) -> tuple[Any, Any]:
        offers.append([str(worker) for worker in workers])
        chosen = [worker for worker in workers if str(worker) == "W1"]
        return (tasks[0], chosen[0]) if chosen else (None, None)

    assert placed(run(grid, [20, 25, 5], only_w1)) == [("W1", 0, 20), ("W1", 20, 45), ("W1", 45, 50)]
    # At 20 s W0 is away; at 40 s it is back while W1 works; at 45 s both are there.
    assert offers == [["W0", "W1"], ["W0"], ["W1"], ["W0"], ["W0", "W1"]]


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


Drawn = tuple[int, list[tuple[int, int]]]
drawn_workers = st.tuples(
    st.sampled_from([1, 2, 3]),
    st.lists(st.tuples(st.integers(1, 9), st.sampled_from([0, 2, 4])), min_size=1, max_size=4).filter(
        lambda made: any(quarter for _, quarter in made)
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(drawn_workers, min_size=1, max_size=4), st.lists(st.integers(1, 40).map(float), max_size=12))
def test_first_come_first_served_agrees_with_walking_from_interval_to_interval(
    workers: list[Drawn], lengths: list[float]
) -> None:
    def make() -> GridSimulatorInterface:
        grid = GridSimulatorInterface()
        for number, (speed, made) in enumerate(workers):
            fractions = [quarter / 4 for _, quarter in made]
            grid.add_worker(SimWorker(f"W{number}", speed, [length for length, _ in made], fractions))
        return grid

    expected = first_come_first_served(workers, lengths)
    for match in (None, lambda tasks, workers: (tasks[0], min(workers))):
        for found, wanted in zip(placed(run(make(), lengths, match)), expected, strict=True):
            assert found[0] == wanted[0]
            assert found[1:] == pytest.approx(wanted[1:])


def first_come_first_served(workers: list[Drawn], lengths: list[float]) -> list[tuple[str, float, float]]:
    free = [Fraction(0)] * len(workers)
    found = []
    for length in lengths:
        starts = [
            naive.available([n for n, _ in made], [q for _, q in made], free[number])
            for number, (_, made) in enumerate(workers)
        ]
        number = starts.index(min(starts))
        speed, made = workers[number]
        need = Fraction(length) / speed
        free[number] = naive.finish([n for n, _ in made], [q for _, q in made], starts[number], need)
        found.append((f"W{number}", float(starts[number]), float(free[number])))
    return found


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


def test_the_original_s_names_step_through_a_simulation_by_hand() -> None:
    grid = grid_of(1, 2)
    first, second = grid.get_available_workers()
    assert grid.reserve_worker(second)
    assert not grid.reserve_worker(second)
    assert grid.get_available_workers() == [first]
    assert second.run_cpu(10) == 5
    grid.worker_finished(second)
    assert grid.get_available_workers() == [first]
    assert grid.try_avail_check_again()
    assert grid.get_status()["cur_sim_time"] == 5
    assert grid.get_available_workers() == [first, second]
    assert not grid.try_avail_check_again()


def test_a_hundred_thousand_tasks_take_seconds() -> None:
    grid = GridSimulatorInterface()
    grid.generate_workers(1000, lambda number: 1 + number % 3, lambda number: ([50, 50], [1, 0.25]))
    began = time.perf_counter()
    tasks = run(grid, [100.0] * 100_000)
    assert time.perf_counter() - began < 20
    assert grid.get_status()["num_executed_tasks"] == len(tasks)
