"""The interface boinc: tasks run in real BOINC clients; what these send is read as strangers' bytes."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pymw
import pytest
from pymw import InterfaceError, errors, key_files
from pymw.interfaces.boinc import BOINCInterface
from pymw.project.project import Project
from pymw.pymw import PyMW_Master, PyMW_Task
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


def touch(path: str) -> None:
    Path(path).touch()


def die_at_once() -> None:
    os._exit(7)


@dataclasses.dataclass
class Answers:
    """What several programs have submitted."""

    greeting: pymw.Future[dict[str, object]]
    failing: pymw.Future[None]
    place: pymw.Future[Point]
    locked: pymw.Future[object]
    dying: pymw.Future[None]
    refused: pymw.Future[Point]
    unsigned: pymw.Future[None]
    mark: Path
    original: PyMW_Master
    squares: list[PyMW_Task]


@pytest.fixture(scope="module")
def shared_lab(
    boinc_client: None, packages: Packages, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """A lab with two clients, which run what the project's task key has signed."""
    with opened(tmp_path_factory.mktemp("signed"), packages, signed=True, retry_patience=3.0) as lab:
        lab.add_client()
        lab.add_client()
        yield lab


@pytest.fixture
def interface(shared_lab: Lab) -> Iterator[BOINCInterface]:
    made = BOINCInterface(shared_lab.project.folder)
    yield made
    made.close()


@pytest.fixture(scope="module")
def answers(shared_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    """Several programs' tasks, submitted together: a round through a client takes a while for any number."""
    mark = tmp_path_factory.mktemp("mark") / "ran"
    home = shared_lab.project.folder
    thief = BOINCInterface(home)
    thief._key = None  # as if the project's folder had been stolen without the key
    with ExitStack() as masters:
        open_minded = masters.enter_context(pymw.Master(BOINCInterface(home), allow=[Point]))
        careful = masters.enter_context(pymw.Master(BOINCInterface(home)))
        unsigned = masters.enter_context(pymw.Master(thief))
        original = masters.enter_context(PyMW_Master(_original(home)))
        yield Answers(
            greeting=open_minded.submit(greet, "volunteer"),
            failing=open_minded.submit(fail, "lost"),
            place=open_minded.submit(point, 3),
            locked=open_minded.submit(unreturnable),
            dying=open_minded.submit(die_at_once),
            refused=careful.submit(point, 3),
            unsigned=unsigned.submit(touch, str(mark)),
            mark=mark,
            original=original,
            squares=[
                original.submit_task(source_of_square, (n,), dep_funcs=(helper_of_square,)) for n in range(3)
            ],
        )
        for master in (open_minded, careful, unsigned, original):
            master.cancel()


def _original(home: Path) -> BOINCInterface:
    made = BOINCInterface(home)
    made.set_boinc_args(target_nresults=1, min_quorum=1, max_nbytes=65536)
    return made


def test_values_and_logs_come_back(answers: Answers, shared_lab: Lab) -> None:
    assert answers.greeting.result(SOON) == {
        "name": "volunteer",
        "numbers": [1, 2.5, None, b"\0"],
        "set": {"a", "b"},
    }, shared_lab.tell()
    assert (answers.greeting.stdout, answers.greeting.stderr) == ("hello volunteer\n", "careful\n")
    assert answers.greeting.log["python"].startswith("3.") and answers.greeting.log["host"] in ("1", "2")
    assert shared_lab.project.counts().hosts == 2


def test_an_exception_comes_back_with_its_traceback(answers: Answers) -> None:
    with pytest.raises(LookupError, match="lost") as caught:
        answers.failing.result(SOON)
    assert "in fail" in str(caught.value.__cause__)


def test_an_instance_of_a_class_comes_back_if_it_was_allowed(answers: Answers) -> None:
    assert answers.place.result(SOON) == Point(3, 0)
    error = answers.refused.exception(SOON)
    assert isinstance(error, errors.UntrustedResult) and "Point" in str(error)


def test_what_cannot_be_returned_says_so(answers: Answers) -> None:
    assert isinstance(answers.locked.exception(SOON), errors.ValueLost)


def test_the_original_s_tasks_travel_as_source_and_come_back(answers: Answers) -> None:
    assert [answers.original.get_result(task)[1] for task in answers.squares] == [0, 1, 4]
    assert all(task.bundle is not None and task.bundle.form == "source" for task in answers.squares)


def test_a_task_that_dies_on_every_computer_says_so(answers: Answers, shared_lab: Lab) -> None:
    error = answers.dying.exception(2 * SOON)
    assert isinstance(error, errors.WorkerDied), shared_lab.tell()
    assert "exit status 7" in str(error)


def test_what_is_not_signed_is_refused_by_the_volunteer_and_nothing_of_it_runs(
    answers: Answers, shared_lab: Lab
) -> None:
    assert isinstance(answers.unsigned.exception(2 * SOON), errors.Refused), shared_lab.tell()
    assert not answers.mark.exists()


def test_a_running_task_is_cancelled_in_the_client_and_nothing_is_left(
    interface: BOINCInterface, shared_lab: Lab
) -> None:
    name = f"{interface._batch}_1"
    with pymw.Master(interface) as master:
        future = master.submit(wait_long)
        wait_for(future.running, SOON, "the task to be seen running", shared_lab.tell)
        assert future.cancel()
        wait_for(lambda: not _hosts(shared_lab, name), SOON, "the client to report", shared_lab.tell)
    assert shared_lab.project.state_of([name]) == {}


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


def _hosts(lab: Lab, name: str) -> tuple[int, ...]:
    return lab.project.state_of([name])[name].hosts
