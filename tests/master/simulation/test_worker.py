"""A worker by itself: its speed, its time, and what makes it lose tasks."""

from __future__ import annotations

from math import inf

import pytest
from pymw import ending
from pymw.errors import WorkerDied
from pymw.simulation.worker import SimWorker


def test_run_cpu_takes_the_time_that_speed_and_availability_allow() -> None:
    worker = SimWorker("W", 2, [10, 10], [0.5, 0])
    assert worker.run_cpu(10) == 10
    assert worker.past_sim_time(10)
    assert not worker.past_sim_time(9.9)
    assert worker.run_cpu(3) == 13  # the gap, and 3 s at half of speed 2
    assert worker._cur_time == 23


def test_advance_wall_time_goes_on_until_the_worker_is_available() -> None:
    worker = SimWorker("W", 1, [10, 10], [1, 0])
    worker.advance_wall_time(9)
    assert worker._cur_time == 9
    worker.advance_wall_time(4)
    assert worker._cur_time == 20
    away = SimWorker("W", 1, [10, 10], [0, 1])
    away.advance_wall_time(0)
    assert away._cur_time == 10


def test_workers_sort_by_the_time_when_they_are_free_then_by_number() -> None:
    workers = [SimWorker(name, 1, [1], [1]) for name in "CBA"]
    for number, worker in zip((2, 1, 0), workers, strict=True):
        worker.join(number, 0)
    workers[2].run_cpu(1)
    assert [str(worker) for worker in sorted(workers)] == ["B", "C", "A"]


def test_a_gap_loses_the_task_if_gaps_do_unless_it_is_just_finished() -> None:
    worker = SimWorker("W", 1, [10, 10], [1, 0], gaps_fail=True)
    assert worker.run_cpu(10) == 10
    worker.advance_wall_time(0)
    with pytest.raises(WorkerDied, match="W became unavailable at 30 s"):
        worker.run_cpu(10.5)
    assert worker._cur_time == 30


def test_a_limit_stops_the_task_in_simulated_time() -> None:
    worker = SimWorker("W", 1, [10, 10], [1, 0])
    assert worker.perform(5, limit=5) is None
    loss = worker.perform(10, limit=7)
    assert loss is not None
    assert (loss.moment, loss.status) == (12, ending.LATE)


def test_what_would_take_for_ever_is_lost_at_once_and_says_why() -> None:
    stopped = SimWorker("W1", 0, [1], [1])
    with pytest.raises(WorkerDied, match="W1 has speed 0"):
        stopped.run_cpu(1)
    assert stopped._cur_time == inf
    with pytest.raises(WorkerDied, match="W2 never finishes"):
        SimWorker("W2", 1, [1], [0]).run_cpu(1)
    with pytest.raises(WorkerDied, match="W3 was gone for good at 5 s"):
        SimWorker("W3", 1, [5, 3], [1, 0], wrap=False).run_cpu(6)
    assert SimWorker("W4", 0, [1], [1]).run_cpu(0) == 0


def losses(seed: object, rate: float = 0.1) -> list[float]:
    worker = SimWorker("W", 1, [1], [1], failure_rate=rate)
    worker.join(3, seed)
    found = []
    for _ in range(2000):
        start = worker._cur_time
        loss = worker.perform(5)
        if loss is not None:
            found.append(loss.moment - start)
    return found


def test_failures_repeat_with_the_seed_and_come_as_often_as_the_rate_says() -> None:
    assert losses(1) == losses(1)
    assert losses(1) != losses(2)
    # 1 - exp(-0.1 * 5) of the attempts are lost: 39 %
    assert len(losses(1)) == pytest.approx(787, abs=80)
    assert max(losses(1)) <= 5


@pytest.mark.parametrize("speed", [-1, inf, float("nan")])
def test_a_speed_that_makes_no_sense_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed of worker W"):
        SimWorker("W", speed, [1], [1])
