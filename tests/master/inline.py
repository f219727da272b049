"""An interface for tests of what is above it: it makes the calls at once, in the dispatcher's thread."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from pymw import ending
from pymw.ending import Ending
from pymw.interfaces.base import Interface, Task


class Inline(Interface):
    """Makes each call when it is started, unless `hold` is set: then tasks wait until `go` is called.

    began: the functions' names in the order in which they were started.
    """

    in_process = True

    def __init__(self, room: int = 1000, chunk_width: int = 0, hold: bool = False) -> None:
        self.chunk_width = chunk_width
        self.began: list[Any] = []
        self.cancelled: list[Task] = []
        self.closed = 0
        self._room = room
        self._hold = hold
        self.held: list[Task] = []

    def room(self) -> int:
        return self._room - len(self.held)

    def start(self, tasks: list[Task]) -> None:
        wanted = [task for task in tasks if self.listener.started(task, "here")]
        self.began += [task.call[0] for task in wanted]
        if self._hold:
            self.held += wanted
        else:
            self.listener.ended([(task, attempt(task.work.function, *task.call)) for task in wanted])

    def go(self) -> None:
        """Make the calls of all tasks that are held."""
        held, self.held = self.held, []
        self.listener.ended([(task, attempt(task.work.function, *task.call)) for task in held])

    def cancel(self, task: Task) -> None:
        self.cancelled.append(task)
        self.held = [one for one in self.held if one is not task]

    def close(self) -> None:
        self.closed += 1


def attempt(function: Callable[..., Any], args: Any, kwargs: Any) -> Ending:
    """Make a call, and tell how it ended."""
    try:
        return Ending(ending.VALUE, pickle.dumps(function(*args, **kwargs)))
    except Exception as error:
        return Ending(
            ending.EXCEPTION,
            pickle.dumps(error),
            type=type(error).__name__,
            message=str(error),
            traceback="a traceback of the worker",
        )
