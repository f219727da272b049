"""The interface boinc: tasks run in real BOINC clients; what these send is read as strangers' bytes."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pymw
import pytest
from pymw import InterfaceError, errors, key_files
from pymw.interfaces.boinc import BOINCInterface
from pymw.project.project import Project
from pymw.pymw import PyMW_Master
from pymw_worker import progress

from tests.bench.packages import Packages
from tests.project.conftest import Lab, opened
from tests.project.server import wait_for

SOON = 120.0  # seconds for some tasks through a real client, on a busy machine


@dataclasses.dataclass
class Point:
    """A class of the program."""

    x: int
    y: int


def greet(name: str) -> dict[str, object]:
    print("hello", name)
    print("careful", file=sys.stderr)
    return {"name": name, "numbers": [1, 2.5, None, b"\0"], "set": {"a", "b"}}


def fail(word: str) -> None:
    raise LookupError(word)


def point(x: int) -> Point:
    return Point(x, 0)


def unreturnable() -> object:
    import threading

    return threading.Lock()


def wait_long() -> None:
    progress(0.5)
    time.sleep(600)


def source_of_square(x):  # type: ignore[no-untyped-def]
    return helper_of_square(x)  # type: ignore[no-untyped-call]


def helper_of_square(x):  # type: ignore[no-untyped-def]
    return x * x


@pytest.fixture(scope="module")
def shared_lab(
    boinc_client: None, packages: Packages, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """A lab with two clients, which run what the project's task key has signed."""
    with opened(tmp_path_factory.mktemp("signed"), packages, signed=True) as lab:
        lab.add_client()
        lab.add_client()
        yield lab


@pytest.fixture
def interface(shared_lab: Lab) -> Iterator[BOINCInterface]:
    made = BOINCInterface(shared_lab.project.folder)
    yield made
    made.close()


def test_values_exceptions_logs_and_failures_come_back(interface: BOINCInterface, shared_lab: Lab) -> None:
    with pymw.Master(interface, allow=[Point]) as master:
        greeting = master.submit(greet, "volunteer")
        failing, place = master.submit(fail, "lost"), master.submit(point, 3)
        locked = master.submit(unreturnable)
        assert greeting.result(SOON) == {
            "name": "volunteer",
            "numbers": [1, 2.5, None, b"\0"],
            "set": {"a", "b"},
        }, shared_lab.tell()
        assert (greeting.stdout, greeting.stderr) == ("hello volunteer\n", "careful\n")
        assert greeting.log["python"].startswith("3.") and greeting.log["host"] in ("1", "2")
        with pytest.raises(LookupError, match="lost") as caught:
            failing.result(SOON)
        assert "in fail" in str(caught.value.__cause__)
        assert place.result(SOON) == Point(3, 0)
        assert isinstance(locked.exception(SOON), errors.ValueLost)
        assert master.status()["interface"]["hosts"] == 2


def test_an_instance_of_a_class_that_was_not_allowed_is_refused(interface: BOINCInterface) -> None:
    with pymw.Master(interface) as master:
        error = master.submit(point, 3).exception(SOON)
    assert isinstance(error, errors.UntrustedResult) and "Point" in str(error)


def test_the_original_s_tasks_travel_as_source_and_come_back(interface: BOINCInterface) -> None:
    interface.set_boinc_args(target_nresults=1, min_quorum=1, max_nbytes=65536)
    master = PyMW_Master(interface)
    tasks = [master.submit_task(source_of_square, (n,), dep_funcs=(helper_of_square,)) for n in range(3)]
    assert [master.get_result(task)[1] for task in tasks] == [0, 1, 4]
    assert all(task.bundle is not None and task.bundle.form == "source" for task in tasks)
    master.shutdown()


def test_a_running_task_is_cancelled_in_the_client_and_nothing_is_left(
    interface: BOINCInterface, shared_lab: Lab
) -> None:
    with pymw.Master(interface) as master:
        future = master.submit(wait_long)
        wait_for(future.running, SOON, "the task to be seen running", shared_lab.tell)
        assert future.cancel()
        wait_for(lambda: _in_progress(shared_lab) == 0, SOON, "the client to report", shared_lab.tell)
    assert shared_lab.project.counts().workunits == 0


def test_a_task_that_dies_on_every_computer_says_so(interface: BOINCInterface, shared_lab: Lab) -> None:
    with pymw.Master(interface) as master:
        error = master.submit(die_at_once).exception(2 * SOON)
    assert isinstance(error, errors.WorkerDied), shared_lab.tell()
    assert "exit status 7" in str(error)


def touch(path: str) -> None:
    Path(path).touch()


def die_at_once() -> None:
    os._exit(7)


@pytest.mark.parametrize(
    ("home", "words"),
    [("", "-p names its folder"), ("/nowhere/lab", "pymw project create"), (".", "is no PyMW project")],
)
def test_what_is_no_project_is_refused_in_one_sentence(
    home: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((InterfaceError, errors.ProjectError), match=words):
        BOINCInterface(home)


def test_arguments_that_make_no_sense_are_refused(project: Project) -> None:
    made = BOINCInterface(project.folder)
    with pytest.raises(ValueError, match="min_quorum"):
        made.set_boinc_args(target_nresults=1, min_quorum=2)
    made.close()


def test_another_key_than_the_project_s_is_refused(shared_lab: Lab, tmp_path: Path) -> None:
    other = key_files.create(tmp_path / "other.pem")
    with pytest.raises(InterfaceError, match=f"not {other.id}: name its file"):
        BOINCInterface(shared_lab.project.folder, key=tmp_path / "other.pem")


def test_what_is_not_signed_is_refused_by_the_volunteer_and_nothing_of_it_runs(
    shared_lab: Lab, tmp_path: Path, interface: BOINCInterface
) -> None:
    interface._key = None  # as if the server's folder had been stolen without the key
    with pymw.Master(interface) as master:
        error = master.submit(touch, str(tmp_path / "ran")).exception(2 * SOON)
    assert isinstance(error, errors.Refused), shared_lab.tell()
    assert not (tmp_path / "ran").exists()


def test_a_program_names_the_project_on_its_command_line(shared_lab: Lab) -> None:
    program = Path(__file__).parents[2] / "examples" / "monte_pi.py"
    done = subprocess.run(
        [sys.executable, program, "-i", "boinc", "-p", shared_lab.project.folder, "-t", "1000", "-k", "2"],
        capture_output=True,
        text=True,
        timeout=SOON,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "pi is about 3." in done.stdout


def _in_progress(lab: Lab) -> int:
    return lab.project.counts().results_in_progress
