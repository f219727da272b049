"""What a run knows of one task, and the rows that become of it."""

from __future__ import annotations

from typing import Any

from pymw import store
from pymw.dispatcher import Settled
from pymw.ending import Ending
from pymw.interfaces.base import Task
from pymw.store import clean

_EXAMPLE = 2000  # characters of a message that is shown as an example


class Record:
    """A run's notes about a task (task.record).

    number: its row. function: the row of its function. arguments: their pickle until it is written, then
    None. handle: the interface's own text about it, "" if it gave none. handed: whether an earlier program
    had handed it to an interface, and did not learn its end.
    """

    __slots__ = ("arguments", "function", "handed", "handle", "number")

    def __init__(self, function: int, arguments: bytes) -> None:
        self.number = 0
        self.function = function
        self.arguments: bytes | None = arguments
        self.handle = ""
        self.handed = False


def task_row(task: Task, state: int, attempts: int) -> store.Row:
    """The row of a task that is written for the first time."""
    record: Record = task.record
    arguments, record.arguments = record.arguments, None
    return (record.number, task.key, record.function, state, attempts, task.submitted, arguments)


def times_row(settled: Settled) -> store.Row:
    """When and where a task ended."""
    task, _, error, end = settled
    worker: Any = task.worker
    return (
        store.FINISHED if error is None else store.FAILED,
        end.started,
        end.finished,
        _elapsed(end),
        None if worker is None else clean(worker),
        task.record.number,
    )


def _elapsed(end: Ending) -> float | None:
    """Seconds that it took, as the worker says, or as seen from here."""
    try:
        return float(end.facts["elapsed"])
    except (KeyError, ValueError):
        return None if end.started is None or end.finished is None else max(0.0, end.finished - end.started)


def ending_row(settled: Settled) -> store.Row:
    """How a task ended."""
    task, _, error, end = settled
    kind = "" if error is None else end.type or type(error).__name__
    message = "" if error is None else end.message or str(error)
    return (
        task.record.number,
        end.status,
        clean(kind),
        clean(message[:_EXAMPLE]),
        store.packed(end),
        end.data,
    )
