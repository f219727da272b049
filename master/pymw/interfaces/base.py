"""What an interface is: a place where tasks run."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, Protocol

from pymw.ending import Ending
from pymw.functions import CodeBundle
from pymw.future import Future
from pymw.work import Work

Task = Future[Any]


class Listener(Protocol):
    """What an interface tells its master. Any thread may call, if it holds no lock of the interface's."""

    def started(self, task: Task, worker: Any = None) -> bool:
        """A worker has begun with a task now. Returns False if nobody wants it any more: then leave it."""

    def ended(self, reports: Iterable[tuple[Task, Ending]]) -> None:
        """These tasks have ended. Several in one call cost less. Implies that there may be room."""

    def room_again(self) -> None:
        """`room` may return more than it did."""

    def note(self, handles: list[tuple[Task, str]]) -> None:
        """Keep texts by which `adopt` can find tasks again; in a run they are on the disk on return.

        For `start`, before it does what must not be done twice. Raises RunError.
        """


class Interface(ABC):
    """A place where tasks run: a process pool, a cluster, volunteers' computers. It serves one master.

    A subclass starts tasks and reports how they ended. It never raises for a task: that is a report as well.
    """

    in_process: bool = False
    """Whether it takes functions as they are (task.work.function, task.call as (args, kwargs)).

    Otherwise it gets task.bundle, a CodeBundle, and task.call, the pickled arguments.
    """
    task_class: ClassVar[type[Task]] = Future
    """What the tasks are that it gets."""
    any_python: bool = False
    """Whether workers may have another version of Python, so that the original's tasks travel as source."""
    allow: tuple[type, ...] = ()
    """Classes that values from strangers may be instances of; the master adds to it before `open`."""
    chunk_width: int = 0
    """If Master.map may put many calls into one task, how many tasks run at once; 0 if a task is one call."""

    listener: Listener

    def open(self, listener: Listener) -> None:
        """Begin to serve. Called once, before the first task. Raises InterfaceError."""
        self.listener = listener

    @abstractmethod
    def room(self) -> int:
        """How many more tasks `start` would take now, so that no worker waits. Cheap, never blocks.

        Raises InterfaceError if it will never take one: the tasks that wait fail with it.
        """

    @abstractmethod
    def start(self, tasks: list[Task]) -> None:
        """Begin with these tasks, or queue them; returns soon. Each is reported to listener.ended once.

        listener.started is called when a worker really begins. A task with options.timeout is to be queued
        behind no other, so that its time starts when `started` says so. task.worker, if it is not None, is
        who has to do it: one of get_available_workers().
        """

    def adopt(self, tasks: list[tuple[Task, str]]) -> list[Task]:
        """Take up tasks that an earlier program of the same run had started, and that had not ended.

        tasks: each with the last text that it was noted with, "" if there is none; that may also have been
        just before the work was really started. Returns those whose end will be reported as if they had been
        started now; the others are given to `start`. For interfaces whose work outlives the program.
        """
        return []

    @abstractmethod
    def cancel(self, task: Task) -> None:
        """Stop a task that was started. When this returns, its end is not reported any more."""

    @abstractmethod
    def close(self) -> None:
        """Stop all tasks, end all processes, remove all temporary files. May be called twice."""

    def prepare(
        self, work: Work, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[CodeBundle | None, Any]:
        """What a task's `bundle` and `call` are to be. Raises FunctionError."""
        return (None, (args, kwargs)) if self.in_process else work.pack(args, kwargs)

    def progress(self, task: Task) -> float:
        """How much of a running task is done, 0 to 1; 0 where that is not known."""
        return 0.0

    def get_available_workers(self) -> list[Any]:
        """Those who could take a task now, in the interface's own terms; [None] if they are all alike.

        Raises InterfaceError as `room` does.
        """
        return [None] if self.room() > 0 else []

    def no_match(self) -> bool:
        """No task fitted any available worker. Returns whether to look again at once, in simulated time."""
        return False

    def no_task(self) -> bool:
        """No task waits. Returns whether to look again at once, as simulated time goes on without any."""
        return False

    def get_status(self) -> dict[str, Any]:
        """What there is to say about it, by name."""
        return {}

    def read(self, data: bytes) -> Any:
        """A value or exception from the pickle that a worker made.

        Workers of our own are trusted; interfaces to strangers replace this. Raises anything.
        """
        return pickle.loads(data)
