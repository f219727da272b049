"""The multicore interface keeps the promises of all interfaces, and its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pymw
import pymw_worker
import pytest
from pymw import errors
from pymw.dispatcher import Dispatcher
from pymw.interfaces.base import Interface
from pymw.interfaces.multicore import MulticoreInterface
from pymw.interfaces.seat import Seat
from pymw.options import Options
from pymw.pool import process
from pymw.work import Work

from tests.master.interfaces.conformance import Conformance
from tests.master.interfaces.tasks import SOON, die, eventually, is_alive, read, wait_for


class TestMulticore(Conformance):
    def make(self, workers: int) -> Interface:
        return MulticoreInterface(workers)

    def test_progress_is_seen_while_a_task_runs(self, narrow: pymw.Master, tmp_path: Path) -> None:
        future = narrow.submit(report_progress, 0.25, tmp_path / "go")
        eventually(lambda: future.progress == 0.25)
        (tmp_path / "go").touch()
        future.result(SOON)
        assert future.progress == 1.0

    def test_an_idle_process_that_is_killed_is_replaced(self, narrow: pymw.Master) -> None:
        first = narrow.submit(os.getpid).result(SOON)
        os.kill(first, signal.SIGKILL)
        eventually(lambda: not is_alive(first))
        assert narrow.submit(os.getpid).result(SOON) != first

    def test_a_process_that_leaves_a_child_behind_is_seen_to_die(self, narrow: pymw.Master) -> None:
        assert isinstance(narrow.submit(fork_and_die).exception(SOON), errors.WorkerDied)
        assert narrow.submit(os.getpid).result(SOON)

    def test_a_crash_shows_the_line_in_stderr(self, narrow: pymw.Master) -> None:
        future = narrow.submit(die, "SIGSEGV")
        future.exception(SOON)
        assert "Segmentation fault" in future.stderr and "in die" in future.stderr

    def test_many_functions_are_loaded_once_each_and_forgotten_in_time(self, narrow: pymw.Master) -> None:
        functions = [lambda x, n=n: x + n for n in range(205)]
        futures = [narrow.submit(function, 1) for function in [*functions, functions[0]]]
        assert [future.result(SOON) for future in futures] == [*range(1, 206), 1]

    def test_a_named_worker_gets_its_task(self) -> None:
        interface = MulticoreInterface(2)
        dispatcher = Dispatcher(interface, lambda tasks, workers: (tasks[0], workers[-1]))
        try:
            assert interface.get_available_workers() == ["worker 1", "worker 2"]
            work = Work(os.getpid, Options())
            future: pymw.Future[int] = pymw.Future(work, *work.pack((), {}), Options(), dispatcher)
            dispatcher.add(future)
            future.result(SOON)
            assert future.worker == "worker 2"
        finally:
            dispatcher.close()


def test_processes_that_cannot_start_end_the_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(seat: Seat) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(Seat, "start", start)
    with pymw.Master(MulticoreInterface(2)) as master:
        error = master.submit(os.getpid).exception(SOON)
        assert isinstance(error, errors.InterfaceError)
        assert "Resource temporarily unavailable" in str(error) and "fewer workers" in str(error)
        monkeypatch.undo()
        assert master.submit(os.getpid).result(SOON)


def test_processes_that_die_at_once_end_the_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "begin", exit_at_once)
    with pymw.Master(MulticoreInterface(2)) as master:
        error = master.submit(os.getpid).exception(SOON)
        assert isinstance(error, errors.InterfaceError)
        assert "exit status 9" in str(error)


def test_another_python_is_refused() -> None:
    assert MulticoreInterface(1, sys.executable).num_workers == 1
    with pytest.raises(errors.InterfaceError, match="generic"):
        MulticoreInterface(1, "/no/such/python")
    with pytest.raises(errors.InterfaceError, match="1 or more"):
        MulticoreInterface(0)


START = """
import os, re, sys, threading, time
import pymw
from pymw.interfaces.multicore import MulticoreInterface
def announce(path):
    with open(path + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(path + ".new", path)
def hold_on(path):
    announce(path)
    time.sleep(100)
def hold_the_lock(path):
    announce(path)
    re.match("(a+)+$", "a" * 40 + "b")
"""


def run(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START + program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("function", ["hold_on", "hold_the_lock"])
def test_workers_die_with_a_master_that_is_killed(tmp_path: Path, function: str) -> None:
    path = tmp_path / "pid"
    program = f"m = pymw.Master(MulticoreInterface(2)); m.submit({function}, sys.argv[1]).result()"
    with run(program, str(path)) as master:
        worker = int(eventually(lambda: read(path)))
        master.kill()
        end = time.monotonic() + 2
        while is_alive(worker) and time.monotonic() < end:
            time.sleep(0.01)
        assert not is_alive(worker)
        master.communicate(timeout=SOON)


def test_a_program_that_ends_without_closing_ends_its_workers(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    program = """
m = pymw.Master(MulticoreInterface(2))
m.submit(hold_on, sys.argv[1])
while not os.path.exists(sys.argv[1]): time.sleep(0.01)
print(m._interface._crew.scratch.folder)
"""
    with run(program, str(path)) as master:
        out, err = master.communicate(timeout=SOON)
        assert err == "" and master.returncode == 0
        assert not is_alive(int(read(path)))
        assert not Path(out.strip()).exists()


def test_a_program_that_closes_leaves_nothing(tmp_path: Path) -> None:
    program = """
with pymw.Master(MulticoreInterface(2)) as m:
    print(m.submit(os.getpid).result())
    print(m._interface._crew.scratch.folder)
    print(list(m.map(abs, range(10)))[-1])
    assert type(m.submit(os._exit, 3).exception()).__name__ == "WorkerDied"
assert [t.name for t in threading.enumerate()] == ["MainThread"], threading.enumerate()
"""
    with run(program) as master:
        out, err = master.communicate(timeout=SOON)
        assert err == "" and master.returncode == 0
        pid, folder, last = out.split()
        assert last == "9" and not is_alive(int(pid)) and not Path(folder).exists()


def test_ctrl_c_stops_the_master_and_its_workers(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    program = """
try:
    with pymw.Master(MulticoreInterface(2)) as m:
        m.submit(hold_on, sys.argv[1]).result()
except KeyboardInterrupt:
    print("stopped")
"""
    with run(program, str(path)) as master:
        worker = int(eventually(lambda: read(path)))
        os.killpg(master.pid, signal.SIGINT)
        assert master.communicate(timeout=SOON) == ("stopped\n", "")
        assert not is_alive(worker)


def report_progress(fraction: float, path: Path) -> str:
    pymw_worker.progress(fraction)
    return wait_for(path)


def fork_and_die() -> None:
    if os.fork() == 0:
        time.sleep(100)
    os._exit(4)


def exit_at_once(*arguments: object) -> None:
    os._exit(9)
