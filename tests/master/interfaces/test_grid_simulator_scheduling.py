"""Scheduler functions, and the order without one, on a simulated grid."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymw.interfaces.grid_simulator import GridSimulatorInterface, SimWorker

from tests.master.simulation import naive
from tests.master.simulation.grids import grid_of, placed, run


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
