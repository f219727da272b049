"""What waits is listed once, in order, whatever was dropped, and for any worker."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pymw.future import Future, Owner
from pymw.options import Options
from pymw.queue import TaskQueue
from pymw.work import Works


def tasks(priorities: Iterable[int]) -> list[Future[Any]]:
    work = Works().of(print, Options())
    return [Future(work, None, ((), {}), Options(priority=priority), Owner()) for priority in priorities]


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["keep", "drop", "again"])), max_size=12))
def test_dropped_tasks_are_listed_no_more_and_those_put_back_come_first(plan: list[tuple[int, str]]) -> None:
    queue = TaskQueue()
    made = tasks(priority for priority, _ in plan)
    for task in made:
        queue.put(task)
    again: list[Future[Any]] = []
    for task, (_, fate) in zip(made, plan, strict=True):
        if fate != "keep":
            assert queue.drop(task)
            assert not queue.drop(task)
        if fate == "again":
            queue.put(task, again=True)
            again.insert(0, task)
    kept = [task for task, (_, fate) in zip(made, plan, strict=True) if fate == "keep"]
    expected = sorted(again + kept, key=lambda task: -task.options.priority)
    assert queue.tasks() == expected
    assert len(queue) == len(expected)
    assert queue.take(100) == expected
    assert queue.tasks() == []


def test_a_task_that_waits_again_is_bound_to_no_worker() -> None:
    (task,) = tasks([0])
    assert task.run("W1")
    assert task.wait_again()
    assert task.worker is None
