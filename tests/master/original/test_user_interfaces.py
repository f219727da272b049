"""Interfaces that users wrote for the original PyMW keep working."""

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from pymw import pymw

from tests.master.original.conftest import Make


def null_worker(data):  # type: ignore[no-untyped-def]
    return data


def print_and_fail(data):  # type: ignore[no-untyped-def]
    print("printed")
    raise LookupError(data)


class Local:
    """Starts the task's program as the original's generic interface did."""

    def __init__(self, python: str = sys.executable, workers: int = 2) -> None:
        self._python = python
        self._free = list(range(workers))
        self.log: list[Any] = []

    def get_available_workers(self) -> list[int]:
        return list(self._free)

    def reserve_worker(self, worker: int) -> None:
        self._free.remove(worker)
        self.log.append(("reserve", worker))

    def worker_finished(self, worker: int) -> None:
        self._free.append(worker)
        self.log.append(("finished", worker))

    def execute_task(self, task: Any, worker: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            command = [self._python, task._executable_name, task._input_arg, task._output_arg]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Exception(f"Executable failed with error {done.returncode}\n{done.stderr}")
        task.task_finished()

    def get_status(self) -> dict[str, int]:
        return {"free": len(self._free)}

    def _cleanup(self) -> None:
        self.log.append("cleanup")


class Bad:
    """Fails where it is told to."""

    status_err = execute_err = worker_err = 0

    def get_available_workers(self) -> Any:
        return 5 if self.worker_err else None

    def reserve_worker(self, worker: Any) -> None:
        if self.worker_err:
            raise Exception("reserve")

    def worker_finished(self, worker: Any) -> None:
        if self.worker_err:
            raise Exception("finished")

    def execute_task(self, task: Any, worker: Any) -> None:
        if self.execute_err:
            raise Exception("execution error")
        task.task_finished(Exception("no problem"))

    def get_status(self) -> Any:
        if self.status_err == 2:
            raise Exception("status")
        return 1


def test_it_starts_the_program_with_input_and_output(make_master: Make) -> None:
    interface = Local()
    master = make_master(interface)
    tasks = [master.submit_task(null_worker, ({"n": number},)) for number in range(6)]
    assert [master.get_result(task)[1]["n"] for task in tasks] == list(range(6))
    assert sorted(interface.get_available_workers()) == [0, 1]
    assert interface.log.count(("reserve", 0)) == interface.log.count(("finished", 0)) > 0
    assert master.get_status()["free"] == 2


def test_exception_stdout_and_traceback_come_through_the_files(make_master: Make) -> None:
    master = make_master(Local())
    task = master.submit_task(print_and_fail, ("odd",))
    with pytest.raises(pymw.TaskException, match="odd") as caught:
        master.get_result(task)
    assert "in print_and_fail" in str(caught.value)
    assert task._stdout == "printed\n"


def test_the_program_runs_alone_under_another_python(make_master: Make, find_python: Any) -> None:
    master = make_master(Local(str(find_python("3.8"))))
    task = master.submit_task(null_worker, ([1, 2],), modules=("math",))
    assert master.get_result(task) == (task, [1, 2])


def test_at_the_end_it_is_cleaned_up_and_the_files_are_gone(make_master: Make, tmp_path: Path) -> None:
    interface = Local()
    master = make_master(interface)
    master.get_result(master.submit_task(null_worker, (1,)))
    assert len(list((tmp_path / "tasks").iterdir())) >= 3
    master.shutdown()
    assert interface.log[-1] == "cleanup"
    assert not (tmp_path / "tasks").exists()


def test_files_stay_if_that_is_wanted(make_master: Make, tmp_path: Path) -> None:
    master = make_master(Local(), delete_files=False)
    master.get_result(master.submit_task(null_worker, (1,)))
    master.shutdown()
    assert any(path.name.startswith("out_") for path in (tmp_path / "tasks").iterdir())


@pytest.mark.parametrize("status", [1, 2])
def test_a_bad_status_is_an_error_in_the_status(make_master: Make, status: int) -> None:
    interface = Bad()
    interface.status_err = status
    master = make_master(interface)
    assert master.get_status() == {"interface_status": "error", "tasks": []}


def test_an_exception_of_execute_task_is_raised_by_get_result(make_master: Make) -> None:
    interface = Bad()
    interface.execute_err = 1
    master = make_master(interface)
    with pytest.raises(Exception, match="execution error"):
        master.get_result(master.submit_task(null_worker, (1,)))


def test_the_error_that_task_finished_got_is_raised_whatever_else_fails(make_master: Make) -> None:
    interface = Bad()
    interface.worker_err = 1
    master = make_master(interface)
    with pytest.raises(Exception, match="no problem"):
        master.get_result(master.submit_task(null_worker, (1,)))


@pytest.mark.parametrize("wrong", [object(), type("NoFunction", (), {"execute_task": 5})()])
def test_an_interface_without_execute_task_is_refused(make_master: Make, wrong: Any) -> None:
    with pytest.raises(pymw.InterfaceException, match="execute_task"):
        make_master(wrong)


def test_an_interface_may_make_the_call_itself_and_name_no_workers(make_master: Make) -> None:
    class Here:
        def execute_task(self, task: Any, worker: Any) -> None:
            assert worker is None
            task.task_finished(result=task._raw_exec(*task.input_data))

    master = make_master(Here())
    tasks = [master.submit_task(lambda n: n + 1, (number,)) for number in range(300)]
    assert sorted(master.get_result()[1] for _ in tasks) == list(range(1, 301))


def test_it_gets_no_more_tasks_at_once_than_it_has_workers(make_master: Make) -> None:
    running, most, lock = [0], [0], threading.Lock()

    class Counting(Local):
        def execute_task(self, task: Any, worker: int) -> None:
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            time.sleep(0.01)
            with lock:
                running[0] -= 1
            task.task_finished(result=1)

    master = make_master(Counting(workers=3))
    for _ in range(20):
        master.submit_task(null_worker, (1,))
    for _ in range(20):
        master.get_result()
    assert most[0] == 3


def test_futures_work_on_it_as_well(make_master: Make) -> None:
    with pymw.PyMW_Master(Local()) as master:
        assert master.submit(pow, 2, 5).result(60) == 32
