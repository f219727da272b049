"""What every interface promises. A module per interface takes it over by a few lines:

class TestThis(Conformance):
    stops_tasks = False

    def make(self, workers: int) -> Interface:
        return ThisInterface(workers)
"""

from __future__ import annotations

import os
import platform
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymw
import pytest
from pymw import errors
from pymw.interfaces.base import Interface

from tests.master.interfaces.hard_ends import HardEnds
from tests.master.interfaces.tasks import (
    SOON,
    announce_and_sleep,
    combine,
    contents,
    eventually,
    fail,
    fail_unpicklably,
    is_alive,
    main_class,
    moment,
    note_down,
    raise_it,
    read_and_spoil,
    returns_a_lock,
    same,
    say,
    square,
    sum_of_squares,
    use_helper,
    wait_for,
    wait_if,
)


class Conformance(HardEnds):
    """Its flags say what an interface cannot do."""

    own_processes = True  # tasks run in processes of their own, which arguments and values travel to
    takes_files = True  # data files, modules and source of functions are sent
    trusts = True  # what comes back is unpickled, whatever it is
    in_order = True  # tasks start in the order of their priorities
    has_workers = True  # there is a number of workers, and it is known

    def make(self, workers: int) -> Interface:
        """An interface with this many workers."""
        raise NotImplementedError

    def release(self, interface: Interface) -> None:
        """Called after the interface has been closed."""

    @pytest.fixture
    def master(self) -> Iterator[pymw.Master]:
        interface = self.make(2)
        master = pymw.Master(interface)
        yield master
        master.shutdown(cancel_futures=True)
        self.release(interface)

    @pytest.fixture
    def narrow(self) -> Iterator[pymw.Master]:
        interface = self.make(1)
        master = pymw.Master(interface)
        yield master
        master.shutdown(cancel_futures=True)
        self.release(interface)

    # Values.

    def test_values_of_many_kinds_come_back_equal(self, master: pymw.Master) -> None:
        values: list[Any] = [
            None, False, 0, 1 << 100, 2.5, 1j, "", "ä\N{SNOWMAN}", b"\0\xff", (), [1, [2]], {"a": {1, 2}},
            frozenset({3}), range(3),
        ]  # fmt: skip
        if self.trusts:
            values += [Path("a"), ValueError, same]
        futures = [master.submit(same, value) for value in values]
        assert [future.result(SOON) for future in futures] == values

    def test_a_large_value_and_argument_travel(self, master: pymw.Master) -> None:
        data = os.urandom(1 << 20) * 24
        assert master.submit(same, data).result(SOON) == data

    def test_keyword_arguments_travel(self, master: pymw.Master) -> None:
        assert master.submit(combine, 1, b=2).result(SOON) == (1, 2)

    def test_lambdas_closures_and_partial_results_travel(self, master: pymw.Master) -> None:
        y = 5
        assert master.submit(lambda x: x + y, 1).result(SOON) == 6
        if self.returns_code:
            assert master.submit(lambda: lambda x: x + y).result(SOON)(2) == 7

    def test_classes_of_the_program_s_main_travel_both_ways(
        self, master: pymw.Master, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.needs("trusts")
        Point = main_class()
        monkeypatch.setattr(sys.modules["__main__"], "Point", Point, raising=False)
        found = master.submit(lambda p: Point(p.x + 1), Point(1)).result(SOON)
        assert type(found) is Point and found.x == 2

    def test_what_cannot_be_returned_says_so(self, master: pymw.Master) -> None:
        self.needs("own_processes")
        error = master.submit(returns_a_lock).exception(SOON)
        assert isinstance(error, errors.ValueLost)
        assert "lock" in str(error)

    def test_arguments_that_cannot_be_pickled_are_refused_at_once(self, master: pymw.Master) -> None:
        self.needs("own_processes")
        with pytest.raises(errors.ArgumentError, match="same"):
            master.submit(same, threading.Lock())

    # Exceptions.

    def test_an_exception_has_its_type_message_and_remote_traceback(self, master: pymw.Master) -> None:
        error = master.submit(fail, "the reason").exception(SOON)
        assert type(error) is KeyError and error.args == ("the reason",)
        future = master.submit(fail, "the reason")
        future.exception(SOON)
        assert "in fail" in future.traceback and "KeyError" in future.traceback
        assert "pymw/pool" not in future.traceback

    @pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
    def test_exits_that_the_function_raises_are_exceptions_of_it(
        self, master: pymw.Master, kind: type[BaseException]
    ) -> None:
        self.needs("trusts")
        assert type(master.submit(raise_it, kind).exception(SOON)) is kind
        assert master.submit(same, 1).result(SOON) == 1

    def test_an_exception_that_cannot_be_pickled_comes_as_text(self, master: pymw.Master) -> None:
        self.needs("own_processes")
        error = master.submit(fail_unpicklably).exception(SOON)
        assert isinstance(error, errors.TaskError)
        assert "deep down" in str(error)

    # What a task prints.

    def test_each_task_has_its_own_stdout_and_stderr(self, master: pymw.Master) -> None:
        self.needs("own_streams")
        futures = [master.submit(say, number) for number in range(min(50, self.many))]
        for number, future in enumerate(futures):
            future.result(SOON)
            assert future.stdout == f"out {number} ä\n"
            assert future.stderr == f"err {number}\n"

    # Order.

    def test_higher_priorities_go_first(self, narrow: pymw.Master, tmp_path: Path) -> None:
        self.needs("in_order")
        blocker = narrow.submit(wait_for, tmp_path / "go")
        eventually(blocker.running)
        low = [narrow.submit(moment) for _ in range(20)]
        high = [narrow.options(priority=5).submit(moment) for _ in range(20)]
        (tmp_path / "go").touch()
        blocker.result(SOON)
        began = sorted(future.result(SOON) for future in low)
        assert sorted(future.result(SOON) for future in high)[10] < began[10]

    def test_a_long_task_does_not_hold_up_short_ones(self, master: pymw.Master, tmp_path: Path) -> None:
        for future in [master.submit(wait_if, tmp_path / "go", False) for _ in range(self.many)]:
            future.result(SOON)
        long = min(20, self.many // 2)
        futures = [master.submit(wait_if, tmp_path / "go", number == long) for number in range(self.many)]
        for number, future in enumerate(futures):
            if number != long:
                future.result(SOON)
        assert not futures[long].done()
        (tmp_path / "go").touch()
        futures[long].result(SOON)

    def test_many_tasks_run_exactly_once_each(self, master: pymw.Master, tmp_path: Path) -> None:
        log = tmp_path / "log"
        log.touch()
        futures = [master.submit(note_down, log, number) for number in range(self.many)]
        assert [future.result(SOON) for future in futures] == list(range(self.many))
        assert sorted(map(int, log.read_text().split())) == list(range(self.many))

    def test_map_gives_values_in_order(self, master: pymw.Master) -> None:
        assert list(master.map(same, range(self.many), timeout=SOON)) == list(range(self.many))

    # What comes along.

    def test_data_files_lie_in_the_current_folder(self, master: pymw.Master, tmp_path: Path) -> None:
        self.needs("takes_files", "own_processes")
        (tmp_path / "table.txt").write_text("7")
        with_file = master.options(files={"data/table.txt": tmp_path / "table.txt"})
        futures = [with_file.submit(read_and_spoil, "data/table.txt") for _ in range(6)]
        assert [future.result(SOON) for future in futures] == ["7"] * 6
        assert master.submit(Path("data").exists).result(SOON) is False

    def test_modules_of_one_s_own_are_sent(self, master: pymw.Master, tmp_path: Path) -> None:
        self.needs("takes_files", "own_processes")
        (tmp_path / "pymw_test_helper.py").write_text("def twice(x):\n    return 2 * x\n")
        with_module = master.options(modules=[tmp_path / "pymw_test_helper.py"])
        assert with_module.submit(use_helper, 4).result(SOON) == 8

    def test_portable_functions_run(self, master: pymw.Master) -> None:
        self.needs("takes_files")
        portable = master.options(portable=True, dep_funcs=[square])
        assert portable.submit(sum_of_squares, 3).result(SOON) == 14

    def test_a_function_for_another_python_is_refused(self, master: pymw.Master) -> None:
        self.needs("takes_files", "own_processes")
        other = master.options(portable=True, python="2.5-2.7")
        assert isinstance(other.submit(square, 3).exception(SOON), errors.VersionMismatch)

    # Status and end.

    def test_the_log_tells_where_a_task_ran(self, master: pymw.Master) -> None:
        self.needs("own_processes")
        future = master.submit(platform.python_version)
        assert future.result(SOON) == future.log["python"]
        assert future.execution_time is not None and future.execution_time < SOON

    def test_the_status_counts_workers(self, master: pymw.Master, tmp_path: Path) -> None:
        self.needs("has_workers")
        running = master.submit(wait_for, tmp_path / "go")
        eventually(running.running)
        status = master.status()["interface"]
        assert status["num_total_workers"] == 2
        assert status["num_active_workers"] == 1
        (tmp_path / "go").touch()
        running.result(SOON)
        eventually(lambda: master.status()["interface"]["num_active_workers"] == 0)

    def test_closing_during_work_leaves_no_process(self, tmp_path: Path) -> None:
        self.needs("stops_tasks")
        interface = self.make(2)
        master = pymw.Master(interface)
        for number in range(8):
            master.submit(announce_and_sleep, tmp_path / str(number))
        texts = eventually(lambda: len(found := contents(tmp_path)) == 2 and found)
        pids = [int(text) for text in texts]
        started = time.monotonic()
        master.shutdown(cancel_futures=True)
        assert time.monotonic() - started < 10
        if self.has_workers:
            assert [pid for pid in pids if is_alive(pid)] == []
        eventually(lambda: not any(is_alive(pid) for pid in pids))
        interface.close()
        self.release(interface)


class Shared(Conformance):
    """For interfaces that survive every test, and take long to start: one for all tests of a class."""

    @pytest.fixture(scope="class")
    @classmethod
    def master(cls) -> Iterator[pymw.Master]:
        self = cls()
        interface = self.make(2)
        master = pymw.Master(interface)
        yield master
        master.shutdown(cancel_futures=True)
        self.release(interface)

    @pytest.fixture(scope="class")
    @classmethod
    def narrow(cls) -> Iterator[pymw.Master]:
        self = cls()
        interface = self.make(1)
        master = pymw.Master(interface)
        yield master
        master.shutdown(cancel_futures=True)
        self.release(interface)
