"""What every interface promises. A module per interface takes it over by a few lines:

class TestThis(Conformance):
    stops_tasks = False

    def make(self, workers: int) -> Interface:
        return ThisInterface(workers)
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pymw
import pytest
from pymw import errors
from pymw.interfaces.base import Interface

SOON = 30.0  # seconds in which what should come at once has to come, on a busy machine


class Conformance:
    """Its flags say what an interface cannot do."""

    survives_death = True  # a task's process that dies takes no other task with it, and is replaced
    stops_tasks = True  # running tasks can be stopped
    own_streams = True  # each task's stdout and stderr are kept
    own_processes = True  # tasks run in processes of their own, which arguments and values travel to
    takes_files = True  # data files, modules and source of functions are sent
    startup = SOON  # seconds until the first task has run

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

    def needs(self, *flags: str) -> None:
        for flag in flags:
            if not getattr(self, flag):
                pytest.skip(f"this interface does not promise it: {flag}")

    # Values.

    def test_values_of_many_kinds_come_back_equal(self, master: pymw.Master) -> None:
        values: list[Any] = [
            None, False, 0, 1 << 100, 2.5, 1j, "", "ä\N{SNOWMAN}", b"\0\xff", (), [1, [2]], {"a": {1, 2}},
            frozenset({3}), range(3), Path("a"), ValueError, Conformance, same,
        ]  # fmt: skip
        assert [master.submit(same, value).result(SOON) for value in values] == values

    def test_a_large_value_and_argument_travel(self, master: pymw.Master) -> None:
        data = os.urandom(1 << 20) * 24
        assert master.submit(same, data).result(SOON) == data

    def test_keyword_arguments_travel(self, master: pymw.Master) -> None:
        assert master.submit(combine, 1, b=2).result(SOON) == (1, 2)

    def test_lambdas_closures_and_partial_results_travel(self, master: pymw.Master) -> None:
        y = 5
        assert master.submit(lambda x: x + y, 1).result(SOON) == 6
        assert master.submit(lambda: lambda x: x + y).result(SOON)(2) == 7

    def test_classes_of_the_program_s_main_travel_both_ways(self, master: pymw.Master) -> None:
        Point = main_class()
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
        futures = [master.submit(say, number) for number in range(50)]
        for number, future in enumerate(futures):
            future.result(SOON)
            assert future.stdout == f"out {number} ä\n"
            assert future.stderr == f"err {number}\n"

    # Death.

    @pytest.mark.parametrize(
        ("way", "word"),
        [("exit", "exit status 3"), ("SIGKILL", "SIGKILL"), ("SIGSEGV", "SIGSEGV"), ("SIGABRT", "SIGABRT")],
    )
    def test_a_task_that_kills_its_process_fails_alone(
        self, master: pymw.Master, way: str, word: str
    ) -> None:
        self.needs("survives_death")
        before = [master.submit(same, number) for number in range(100)]
        bad = master.submit(die, way)
        after = [master.submit(same, number) for number in range(100)]
        error = bad.exception(SOON)
        assert isinstance(error, errors.WorkerDied)
        assert word in str(error)
        assert [future.result(SOON) for future in before + after] == [*range(100)] * 2

    def test_many_deaths_are_survived(self, master: pymw.Master) -> None:
        self.needs("survives_death")
        futures = [master.submit(die_if, number % 10 == 0, number) for number in range(60)]
        for number, future in enumerate(futures):
            if number % 10 == 0:
                assert isinstance(future.exception(SOON), errors.WorkerDied)
            else:
                assert future.result(SOON) == number

    def test_the_last_words_of_a_task_that_died_are_kept(self, master: pymw.Master) -> None:
        self.needs("survives_death", "own_streams")
        future = master.submit(die, "exit")
        future.exception(SOON)
        assert "last words" in future.stderr

    # Stopping.

    def test_a_waiting_task_is_cancelled_and_never_runs(self, narrow: pymw.Master, tmp_path: Path) -> None:
        blocker = narrow.submit(wait_for, tmp_path / "go")
        waiting = [narrow.submit(touch, tmp_path / str(number)) for number in range(5)]
        for future in waiting:
            assert future.cancel()
        with pytest.raises(CancelledError):
            waiting[0].result(SOON)
        (tmp_path / "go").touch()
        assert blocker.result(SOON) == "went"
        assert narrow.submit(same, 1).result(SOON) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["go"]

    def test_a_running_task_is_cancelled_and_its_process_is_gone(
        self, narrow: pymw.Master, tmp_path: Path
    ) -> None:
        self.needs("stops_tasks")
        running = narrow.submit(announce_and_sleep, tmp_path / "pid")
        pid = int(eventually(lambda: read(tmp_path / "pid")))
        others = [narrow.submit(same, number) for number in range(10)]
        assert running.cancel()
        assert [future.result(SOON) for future in others] == list(range(10))
        eventually(lambda: not is_alive(pid))

    def test_a_cancelled_task_s_own_processes_are_gone_too(self, narrow: pymw.Master, tmp_path: Path) -> None:
        self.needs("stops_tasks")
        running = narrow.submit(start_a_sleeper, tmp_path / "pid")
        pid = int(eventually(lambda: read(tmp_path / "pid")))
        running.cancel()
        eventually(lambda: not is_alive(pid))

    def test_a_time_limit_ends_a_task(self, master: pymw.Master, tmp_path: Path) -> None:
        self.needs("stops_tasks")
        master.submit(same, 1).result(self.startup)
        started = time.monotonic()
        late = master.options(timeout=0.5).submit(announce_and_sleep, tmp_path / "pid")
        error = late.exception(SOON)
        assert isinstance(error, errors.TimeLimitExceeded)
        assert 0.4 <= time.monotonic() - started < 5
        pid = int(read(tmp_path / "pid"))
        eventually(lambda: not is_alive(pid))
        assert master.submit(same, 1).result(SOON) == 1

    def test_waiting_does_not_count_towards_a_time_limit(self, narrow: pymw.Master) -> None:
        self.needs("stops_tasks")
        futures = [narrow.options(timeout=1.5).submit(nap, 0.4) for _ in range(6)]
        assert [future.result(SOON) for future in futures] == [0.4] * 6

    def test_a_failed_task_is_tried_again(self, master: pymw.Master, tmp_path: Path) -> None:
        future = master.options(retries=3).submit(fail_times, tmp_path, 2)
        assert future.result(SOON) == 2
        assert future.attempts == 3

    def test_a_task_whose_process_died_is_tried_again(self, master: pymw.Master, tmp_path: Path) -> None:
        self.needs("survives_death")
        assert master.options(retries=2).submit(die_times, tmp_path, 1).result(SOON) == 1

    # Order.

    def test_higher_priorities_go_first(self, narrow: pymw.Master, tmp_path: Path) -> None:
        blocker = narrow.submit(wait_for, tmp_path / "go")
        eventually(blocker.running)
        low = [narrow.submit(moment) for _ in range(20)]
        high = [narrow.options(priority=5).submit(moment) for _ in range(20)]
        (tmp_path / "go").touch()
        blocker.result(SOON)
        began = sorted(future.result(SOON) for future in low)
        assert sorted(future.result(SOON) for future in high)[10] < began[10]

    def test_a_long_task_does_not_hold_up_short_ones(self, master: pymw.Master, tmp_path: Path) -> None:
        for future in [master.submit(wait_if, tmp_path / "go", False) for _ in range(300)]:
            future.result(SOON)
        futures = [master.submit(wait_if, tmp_path / "go", number == 20) for number in range(200)]
        for number, future in enumerate(futures):
            if number != 20:
                future.result(SOON)
        assert not futures[20].done()
        (tmp_path / "go").touch()
        futures[20].result(SOON)

    def test_five_hundred_tasks_run_exactly_once_each(self, master: pymw.Master, tmp_path: Path) -> None:
        log = tmp_path / "log"
        log.touch()
        futures = [master.submit(note_down, log, number) for number in range(500)]
        assert [future.result(SOON) for future in futures] == list(range(500))
        assert sorted(map(int, log.read_text().split())) == list(range(500))

    def test_map_gives_values_in_order(self, master: pymw.Master) -> None:
        assert list(master.map(same, range(1000), timeout=SOON)) == list(range(1000))

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
        future = master.submit(os.getpid)
        pid = future.result(SOON)
        assert future.log["pid"] == str(pid)
        assert future.execution_time is not None and future.execution_time < SOON

    def test_the_status_counts_workers(self, master: pymw.Master, tmp_path: Path) -> None:
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
        eventually(lambda: len(list(tmp_path.iterdir())) == 2)
        pids = [int(eventually(lambda path=path: read(path))) for path in tmp_path.iterdir()]  # type: ignore[misc]
        started = time.monotonic()
        master.shutdown(cancel_futures=True)
        assert time.monotonic() - started < 10
        assert [pid for pid in pids if is_alive(pid)] == []
        interface.close()
        self.release(interface)


class Shared(Conformance):
    """For interfaces that survive every test, and take long to start: one for all tests of a class."""

    @pytest.fixture(scope="class")
    @classmethod
    def master(cls) -> Iterator[pymw.Master]:  # type: ignore[override]
        self = cls()
        interface = self.make(2)
        master = pymw.Master(interface)
        yield master
        master.shutdown(cancel_futures=True)
        self.release(interface)

    @pytest.fixture(scope="class")
    @classmethod
    def narrow(cls) -> Iterator[pymw.Master]:  # type: ignore[override]
        self = cls()
        interface = self.make(1)
        master = pymw.Master(interface)
        yield master
        master.shutdown(cancel_futures=True)
        self.release(interface)


# What the tasks do. They live here so that every interface's tests send the same.


def same(value: Any) -> Any:
    return value


def combine(a: int, b: int) -> tuple[int, int]:
    return a, b


def fail(reason: str) -> None:
    raise KeyError(reason)


def raise_it(kind: type[BaseException]) -> None:
    raise kind


def fail_unpicklably() -> None:
    error = ValueError("deep down")
    error.lock = threading.Lock()  # type: ignore[attr-defined]
    raise error


def returns_a_lock() -> Any:
    return [threading.Lock()]


def say(number: int) -> None:
    print(f"out {number} ä")
    print(f"err {number}", file=sys.stderr)


def die(way: str) -> None:
    print("last words", file=sys.stderr)
    if way == "exit":
        os._exit(3)
    os.kill(os.getpid(), getattr(signal, way))
    time.sleep(SOON)


def die_if(wanted: bool, number: int) -> int:
    if wanted:
        os._exit(1)
    return number


def wait_for(path: Path) -> str:
    end = time.monotonic() + 2 * SOON
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.01)
    return "went" if path.exists() else "waited in vain"


def wait_if(path: Path, wanted: bool) -> None:
    if wanted:
        wait_for(path)


def touch(path: Path) -> None:
    path.touch()


def nap(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def moment() -> float:
    time.sleep(0.002)
    return time.time()


def announce_and_sleep(path: Path) -> None:
    path.with_suffix(".new").write_text(str(os.getpid()))
    path.with_suffix(".new").replace(path)
    time.sleep(100)


def start_a_sleeper(path: Path) -> None:
    import subprocess

    with subprocess.Popen(["sleep", "100"]) as process:
        path.write_text(str(process.pid))


def fail_times(folder: Path, times: int) -> int:
    number = len(list(folder.iterdir()))
    if number < times:
        (folder / str(number)).touch()
        raise RuntimeError("not yet")
    return number


def die_times(folder: Path, times: int) -> int:
    number = len(list(folder.iterdir()))
    if number < times:
        (folder / str(number)).touch()
        os._exit(1)
    return number


def note_down(path: Path, number: int) -> int:
    with path.open("a") as file:
        file.write(f"{number}\n")
    return number


def read_and_spoil(name: str) -> str:
    text = Path(name).read_text()
    Path(name).write_text("spoiled")
    return text


def use_helper(x: int) -> Any:
    import pymw_test_helper  # type: ignore[import-not-found]

    return pymw_test_helper.twice(x)


def square(x):  # type: ignore[no-untyped-def]
    return x * x


def sum_of_squares(n):  # type: ignore[no-untyped-def]
    return sum([square(i) for i in range(n + 1)])  # type: ignore[no-untyped-call]


# What the tests need.


def main_class() -> Any:
    """A class as a program's __main__ would define it."""

    class Point:
        def __init__(self, x: int) -> None:
            self.x = x

    Point.__module__ = "__main__"
    Point.__qualname__ = "Point"
    return Point


def eventually(condition: Any) -> Any:
    """What condition returns once it is true."""
    end = time.monotonic() + SOON
    while not (found := condition()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)
    return found


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
