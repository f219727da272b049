"""Futures: what concurrent.futures promises, and what ours promise beyond it."""

import concurrent.futures
import threading
import tracemalloc

import pymw
import pytest
from pymw import ending
from pymw.ending import Ending
from pymw.future import Future, Owner
from pymw.options import Options
from pymw.work import Work

WORK, OPTIONS, DONE = Work(len, Options()), Options(), Ending(ending.VALUE)


def future() -> Future[int]:
    return Future(WORK, None, (), OPTIONS, Owner())


def test_a_future_is_one_of_concurrent_futures() -> None:
    assert isinstance(future(), concurrent.futures.Future)


def test_the_value_comes_to_one_who_waited_before_and_to_one_who_asks_after() -> None:
    one = future()
    got: list[int] = []
    waiter = threading.Thread(target=lambda: got.append(one.result(30)))
    waiter.start()
    assert one.settle(5, None, DONE)
    waiter.join(30)
    assert [*got, one.result(), one.result(0)] == [5, 5, 5]
    assert one.exception() is None and one.done() and not one.cancelled()


def test_an_exception_is_raised_and_given() -> None:
    one = future()
    error = KeyError("gone")
    one.settle(None, error, Ending(ending.EXCEPTION))
    with pytest.raises(KeyError, match="gone"):
        one.result()
    assert one.exception() is error


def test_waiting_ends_after_the_timeout() -> None:
    with pytest.raises(TimeoutError):
        future().result(0.01)
    with pytest.raises(TimeoutError):
        future().exception(0.01)


def test_only_the_first_end_counts() -> None:
    one = future()
    assert one.settle(1, None, DONE)
    assert not one.settle(2, None, DONE)
    assert not one.cancel()
    assert one.result() == 1


def test_a_cancelled_future_raises_and_no_value_comes_any_more() -> None:
    one = future()
    assert one.cancel() and one.cancel()
    assert one.cancelled() and one.done() and not one.running()
    assert not one.settle(1, None, DONE)
    with pytest.raises(pymw.CancelledError):
        one.result()


def test_cancel_asks_the_owner_once_to_stop_a_running_task() -> None:
    class Asked(Owner):
        tasks: list[object] = []  # noqa: RUF012

        def abandon(self, task: object) -> None:
            self.tasks.append(task)

    one: Future[int] = Future(WORK, None, (), OPTIONS, Asked())
    assert one.run("worker") and one.running()
    one.cancel()
    one.cancel()
    assert Asked.tasks == [one]


def test_a_task_that_nobody_wants_is_not_run() -> None:
    one = future()
    one.cancel()
    assert not one.run() and not one.wait_again()


def test_callbacks_are_called_once_before_and_after_the_end() -> None:
    one, calls = future(), list[object]()
    one.add_done_callback(calls.append)
    one.settle(1, None, DONE)
    one.add_done_callback(calls.append)
    assert calls == [one, one]


def test_concurrent_futures_wait_and_as_completed_work() -> None:
    some = [future() for _ in range(5)]
    some[3].settle(3, None, DONE)
    done, not_done = concurrent.futures.wait(some, 0.01, concurrent.futures.FIRST_COMPLETED)
    assert done == {some[3]} and len(not_done) == 4
    timer = threading.Timer(0.02, lambda: [one.settle(i, None, DONE) for i, one in enumerate(some)])
    timer.start()
    assert sorted(one.result() for one in pymw.as_completed(some, 30)) == [0, 1, 2, 3, 4]
    broken = future()
    broken.settle(None, ValueError(), Ending(ending.EXCEPTION))
    assert concurrent.futures.wait([broken, future()], 0.01, concurrent.futures.FIRST_EXCEPTION).done == {
        broken
    }


def test_no_waiter_is_forgotten_when_it_comes_while_the_future_is_settled() -> None:
    for _ in range(300):
        one = future()
        waiter = threading.Thread(target=one.result, args=(30,))
        settler = threading.Thread(target=one.settle, args=(1, None, DONE))
        waiter.start()
        settler.start()
        waiter.join(20)
        settler.join(20)
        assert not waiter.is_alive()


def test_a_waiting_future_takes_less_than_400_bytes() -> None:
    number = 10_000
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        some = [future() for _ in range(number)]
        taken = (tracemalloc.get_traced_memory()[0] - before) / number
    finally:
        tracemalloc.stop()
    assert len(some) == number
    assert taken < 400


def test_times_and_progress_follow_the_task() -> None:
    one = future()
    assert (one.started, one.finished, one.total_time, one.execution_time, one.progress) == (None,) * 4 + (
        0.0,
    )
    one.run("worker", one.submitted + 1)
    assert one.worker == "worker" and one.progress == 0.0
    one.settle(1, None, Ending(ending.VALUE, finished=one.submitted + 3, stdout="out", facts={"python": "3"}))
    assert (one.total_time, one.execution_time, one.progress) == (3.0, 2.0, 1.0)
    assert (one.stdout, one.stderr, one.log) == ("out", "", {"python": "3"})
