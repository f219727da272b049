"""The generic interface keeps the promises of all interfaces, and its own."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pymw
import pytest
from pymw.interfaces.base import Interface
from pymw.interfaces.generic import GenericInterface

from tests.master.interfaces.conformance import Conformance
from tests.master.interfaces.tasks import SOON, eventually


class TestGeneric(Conformance):
    def make(self, workers: int) -> Interface:
        return GenericInterface(workers)


def where() -> tuple[int, str, list[str]]:
    return os.getppid(), str(Path.cwd()), [path.name for path in Path().iterdir()]


def name_of_python():  # type: ignore[no-untyped-def]
    return "%d.%d" % sys.version_info[:2]  # noqa: UP031


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.13"])
def test_portable_functions_run_under_another_python(
    find_python: Callable[[str], Path], version: str
) -> None:
    interface = GenericInterface(1, python_loc=str(find_python(version)))
    with pymw.Master(interface, portable=True, python="2.7-") as master:
        assert master.submit(name_of_python).result(SOON) == version


def test_a_pickled_function_under_another_python_says_what_to_do(find_python: Callable[[str], Path]) -> None:
    interface = GenericInterface(1, python_loc=str(find_python("3.8")))
    with pymw.Master(interface) as master:
        error = master.submit(where).exception(SOON)
    assert isinstance(error, pymw.VersionMismatch)
    assert "this is Python 3.8" in str(error) and "portable=True" in str(error)


def test_a_module_that_the_worker_lacks_is_named(find_python: Callable[[str], Path]) -> None:
    def uses() -> None:
        import cloudpickle  # noqa: F401
        import loky

        loky.cpu_count()

    # The Python that made this environment has none of its packages.
    interface = GenericInterface(1, python_loc=str(find_python("{}.{}".format(*sys.version_info[:2]))))
    with pymw.Master(interface) as master:
        error = master.submit(uses).exception(SOON)
    assert isinstance(error, pymw.ModuleMissing) and "loky" in str(error)


def test_each_task_has_an_empty_folder_of_its_own() -> None:
    with pymw.Master(GenericInterface(1)) as master:
        (worker, folder, found), (same_worker, _, _) = (master.submit(where).result(SOON) for _ in range(2))
    assert found == ["pymw_main.py"] and worker == same_worker
    assert not Path(folder).exists()


def test_a_worker_that_is_killed_fails_its_task_alone_and_is_replaced() -> None:
    with pymw.Master(GenericInterface(1)) as master:
        future = master.submit(time.sleep, 100)
        eventually(future.running)
        worker = master.submit  # the next one shows that there is a worker again
        eventually(lambda: bool(_children()))
        for pid in _children():
            os.kill(pid, signal.SIGKILL)
        assert isinstance(future.exception(SOON), pymw.WorkerDied)
        assert worker(pow, 2, 3).result(SOON) == 8


def test_a_python_that_cannot_be_started_is_an_error_of_one_sentence() -> None:
    with pymw.Master(GenericInterface(1, python_loc="/nowhere/python")) as master:
        error = master.submit(where).exception(SOON)
    assert isinstance(error, pymw.InterfaceError) and "/nowhere/python" in str(error)


def test_less_than_one_worker_is_refused() -> None:
    with pytest.raises(pymw.InterfaceError, match="at least one worker"):
        GenericInterface(0)


def _children() -> list[int]:
    """The resident workers: our children that serve."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == os.getpid() and b"resident" in command:
                found.append(int(entry.name))
    return found
