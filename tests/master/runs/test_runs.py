"""What a run promises: what has finished is not run again, nothing is lost or done twice."""

from __future__ import annotations

import contextlib
import functools
import logging
import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pymw
import pytest
from pymw import ending, store
from pymw.ending import Ending
from pymw.errors import ArgumentError, RunError, ValueLost
from pymw.interfaces.base import Task

from tests.master.runs.conftest import MakeMaster
from tests.master.runs.threads import Threads
from tests.master.runs.work import Fickle, calls, draw, fails, fickle, hold, holding, square


@pytest.fixture(autouse=True)
def _forget() -> None:
    calls.clear()
    fails.clear()
    holding.clear()


def test_finished_tasks_are_not_run_again(master: MakeMaster) -> None:
    for _ in range(3):
        interface = Threads()
        with master(interface) as each:
            futures = [each.submit(square, x) for x in range(50)]
            assert [future.result() for future in futures] == [x * x for x in range(50)]
            assert each.status()["finished"] == 50
    assert sorted(calls) == list(range(50))
    assert interface.runs == 0


def test_a_kept_task_tells_all_that_it_told_before(master: MakeMaster) -> None:
    told = []
    for _ in range(2):
        with master() as each:
            future = each.submit(square, 3)
            future.result()
        told.append(
            [future.stdout, future.stderr, future.log, future.started, future.worker, future.attempts]
        )
    assert told[0] == told[1]
    assert told[0][:2] == ["said \udc80", "warned"]


def test_equal_calls_are_tasks_of_their_own(master: MakeMaster) -> None:
    drawn = []
    for number in (5, 10):
        with master() as each:
            drawn.append([future.result() for future in [each.submit(draw) for _ in range(number)]])
    assert len(calls) == 10
    assert drawn[1][:5] == drawn[0]
    assert sorted(drawn[1]) == list(range(1, 11))


def test_more_tasks_may_be_asked_for_later(master: MakeMaster) -> None:
    for number in (10, 20):
        with master() as each:
            assert list(each.map(square, range(number))) == [x * x for x in range(number)]
    assert sorted(calls) == list(range(20))


def test_failed_tasks_are_run_again(master: MakeMaster) -> None:
    fails.add(2)
    with master() as each:
        futures = [each.submit(square, x) for x in range(4)]
        with pytest.raises(ValueError, match="no square of 2"):
            futures[2].result()
    fails.clear()
    with master() as each:
        assert [future.result() for future in [each.submit(square, x) for x in range(4)]] == [0, 1, 4, 9]
    assert sorted(calls) == [0, 1, 2, 2, 3]


def test_a_value_that_cannot_be_read_any_more_is_made_again(
    master: MakeMaster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with master() as each:
        assert each.submit(fickle, 1).result().x == 1
    monkeypatch.setattr(Fickle, "broken", True)
    with caplog.at_level(logging.WARNING, "pymw"), master() as each, pytest.raises(pymw.ResultLost):
        each.submit(fickle, 1).result()
    assert "a kept value of fickle cannot be used" in caplog.text
    assert calls == [1, 1]


def test_what_was_cancelled_is_run_by_the_next_program(master: MakeMaster) -> None:
    one = master(Threads(1, 1))
    futures: list[pymw.Future[Any]] = [one.submit(hold), one.submit(square, 7)]
    one.cancel()
    holding.set()
    one.shutdown()
    assert all(future.cancelled() for future in futures)
    with master() as each:
        assert each.submit(square, 7).result() == 49
        assert each.status()["finished"] == 1


class Flaky(Threads):
    """Loses some tasks."""

    def call(self, task: Task) -> Ending:
        if self.chance.random() < 0.2:
            return Ending(ending.DIED, message="the process died")
        return super().call(task)

    chance = random.Random(5)


def _note(settled: list[int], x: int, future: object) -> None:
    settled.append(x)


def test_ten_thousand_tasks_with_failures_and_retries_have_one_result_each(
    master: MakeMaster, run: Path
) -> None:
    settled: list[int] = []
    with master(Flaky(8, 25), retries=50) as each:
        futures = [each.submit(square, x) for x in range(10_000)]
        for x, future in enumerate(futures):
            future.add_done_callback(functools.partial(_note, settled, x))
        assert [future.result() for future in futures] == [x * x for x in range(10_000)]
    assert sorted(settled) == list(range(10_000))
    assert sorted(calls) == list(range(10_000))
    with contextlib.closing(store.open_to_read(run)) as connection:
        found = connection.execute(
            "SELECT COUNT(*), SUM(attempts), COUNT(DISTINCT key) FROM tasks WHERE state=2"
        )
        tasks, attempts, keys = found.fetchone()
        assert (tasks, keys) == (10_000, 10_000)
        assert attempts > 11_000
        assert connection.execute("SELECT COUNT(*) FROM endings").fetchone() == (10_000,)


def test_map_keeps_each_value_by_itself(master: MakeMaster) -> None:
    interface = Threads()
    interface.chunk_width = 4
    with master(interface) as each:
        assert list(each.map(square, range(100))) == [x * x for x in range(100)]
    assert interface.runs == 100


def test_chunks_that_are_asked_for_are_kept_as_they_are(master: MakeMaster) -> None:
    for runs in (10, 0):
        interface = Threads()
        with master(interface) as each:
            assert list(each.map(square, range(100), chunksize=10)) == [x * x for x in range(100)]
        assert interface.runs == runs


def large(size: int) -> bytes:
    return bytes(size)


def length(data: bytes) -> int:
    return len(data)


def test_what_is_too_large_is_an_error_of_one_sentence(
    master: MakeMaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LARGEST", 100_000)
    with master() as each:
        with pytest.raises(
            ValueLost, match=r"the value has 200,0\d\d bytes, and a run keeps 100,000 of each"
        ):
            each.submit(large, 200_000).result()
        assert each.submit(large, 90_000).result() == bytes(90_000)
        with pytest.raises(ArgumentError, match="the arguments of length have"):
            each.submit(length, bytes(200_000))


def test_a_large_value_is_kept(master: MakeMaster) -> None:
    for _ in range(2):
        interface = Threads()
        with master(interface) as each:
            assert len(each.submit(large, 50_000_000).result()) == 50_000_000
    assert interface.runs == 0


class Here(Threads):
    """Has values that were never pickled."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value

    def call(self, task: Task) -> Ending:
        return Ending(ending.VALUE, value=self.value)


@pytest.mark.parametrize(("value", "kept"), [(7, True), (threading.Lock(), False)])
def test_a_value_that_never_travelled_is_pickled_to_be_kept(
    master: MakeMaster, value: Any, kept: bool
) -> None:
    with master(Here(value)) as each:
        future = each.submit(square, 1)
        if not kept:
            with pytest.raises(ValueLost, match="the value cannot be kept: TypeError"):
                future.result()
            return
        assert future.result() == 7
    with master() as each:
        assert each.submit(square, 1).result() == 7


def test_tasks_that_never_started_may_fail(master: MakeMaster, run: Path) -> None:
    class Refusing(Threads):
        def room(self) -> int:
            return 0

    with master(Refusing()) as each:
        futures: list[Task] = [each.submit(square, x) for x in range(5)]
        error = pymw.InterfaceError("there are no workers")
        each._dispatcher.keep([(one, None, error, Ending(ending.REFUSED, error=error)) for one in futures])
        for future in futures:
            with pytest.raises(pymw.InterfaceError, match="no workers"):
                future.result()
    with contextlib.closing(store.open_to_read(run)) as connection:
        assert connection.execute("SELECT state FROM tasks").fetchall() == [(store.FAILED,)] * 5


def test_a_closed_master_takes_no_tasks(master: MakeMaster) -> None:
    each = master()
    each.shutdown()
    with pytest.raises(RuntimeError, match="this master is closed"):
        each.submit(square, 1)


class Broken(Exception):
    pass


def test_a_failure_of_the_database_ends_all_waiting(
    master: MakeMaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(self: store.Store, changes: store.Changes) -> None:
        raise Broken("of some kind")

    each = master(Threads(1, 1))
    first = each.submit(hold)
    monkeypatch.setattr(store.Store, "write", write)
    waiting: list[pymw.Future[Any]] = [first]
    with pytest.raises(RunError, match="the run cannot be written: of some kind"):
        while len(waiting) < 1_000_000:
            waiting.append(each.submit(square, len(waiting)))
    for future in waiting:
        with pytest.raises(RunError, match="the run cannot be written: of some kind"):
            future.result(30)
    assert each.wait(30)
    with pytest.raises(RunError):
        each.submit(square, 11)
    holding.set()


def test_importing_pymw_does_not_import_sqlite() -> None:
    code = "import sys, pymw; print('sqlite3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
