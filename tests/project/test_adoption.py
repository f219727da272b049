"""The interface boinc takes up the jobs of a program that was killed, however far they are by now."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from pymw.boinc.embedded import EmbeddedBackend
from pymw.ending import Ending
from pymw.future import Future, Owner
from pymw.interfaces.base import Task
from pymw.interfaces.boinc import BOINCInterface
from pymw.options import Options
from pymw.project.jobs import Workunit
from pymw.project.project import Project
from pymw.work import Work

from tests.project.played import Played

BATCH = "pymw_0123456789ab"  # of the program that was killed


class Heard:
    """A master that writes down what it is told."""

    def __init__(self) -> None:
        self.ends: list[Task] = []

    def started(self, task: Task, worker: Any = None) -> bool:
        return True

    def ended(self, reports: Iterable[tuple[Task, Ending]]) -> None:
        self.ends += [task for task, _ in reports]

    def room_again(self) -> None:
        pass

    def note(self, handles: list[tuple[Task, str]]) -> None:
        pass


def no_news(backend: EmbeddedBackend, seconds: float) -> list[object]:
    """The thread that listens has passed over all of it already."""
    time.sleep(0.01)
    return []


def test_jobs_are_found_again_as_they_are(
    project: Project,
    play: Callable[..., Played],
    submit: Callable[..., Workunit],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [f"{BATCH}_{number}" for number in range(1, 5)]
    for name in names:
        submit(name, batch=BATCH)
    client = play()
    client.ask()
    client.finish(f"{names[0]}_0")
    client.ask(0)
    project.cancel([names[1]])
    monkeypatch.setattr(EmbeddedBackend, "news", no_news)
    interface, heard = BOINCInterface(project.folder), Heard()
    interface.open(heard)
    work = Work(len, Options())
    ended, cancelled, running, unknown = (Future[int](work, None, (), Options(), Owner()) for _ in range(4))
    earlier = [(ended, names[0]), (cancelled, names[1]), (running, names[2]), (unknown, f"{BATCH}_9")]
    assert interface.adopt(earlier) == [ended, running]
    assert heard.ends == [ended], "which nobody else would tell"
    interface.close()
    counts = project.counts()
    assert (counts.workunits, counts.results_unsent) == (0, 0), "nor is left what nobody wanted again"
