"""A task, and the promise of its value: a concurrent.futures.Future that knows more and weighs less.

A stock Future takes 1.3 KB, nearly all of it for a lock, a condition and two lists that most futures never
use. Here they are made when somebody asks for them, so that a million waiting tasks fit into memory.
"""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, TypeVar

from pymw import ending
from pymw.ending import Ending

if TYPE_CHECKING:
    from pymw.functions import CodeBundle
    from pymw.options import Options
    from pymw.work import Work

T = TypeVar("T")

PENDING, RUNNING, FINISHED = "PENDING", "RUNNING", "FINISHED"
CANCELLED = "CANCELLED_AND_NOTIFIED"  # concurrent.futures' name for "cancelled, and all who wait know it"

# Guards the making of conditions, and settling without one. Held for some instructions, never while waiting.
_making = threading.Lock()
_nothing = Ending(ending.LOST)


class Future(concurrent.futures.Future[T]):
    """A task that was submitted to a Master. Works with concurrent.futures' wait and as_completed.

    work: the function, as it was given. bundle: what travels of it (None where nothing does). call: the
    pickled arguments, or the pair (args, kwargs) where nothing travels. options: limits and the like. key:
    identity of the task in its run, None outside a run. submitted, started: unix times; started is None
    until a worker takes it. waiting: whether it is queued in the master. attempts: how often it was given to
    a worker. worker: who has it, in the interface's own terms. end: how it ended; before that an empty
    Ending. owner: whom to ask to stop it.
    """

    __slots__ = (
        "__made_callbacks",
        "__made_condition",
        "__made_waiters",
        "_exception",
        "_result",
        "_state",
        "attempts",
        "bundle",
        "call",
        "end",
        "key",
        "options",
        "owner",
        "started",
        "submitted",
        "waiting",
        "work",
        "worker",
    )

    def __init__(
        self, work: Work, bundle: CodeBundle | None, call: Any, options: Options, owner: Owner
    ) -> None:
        self._state = PENDING
        self._result = None
        self._exception = None
        self.__made_condition: threading.Condition | None = None
        self.__made_waiters: list[Any] | None = None
        self.__made_callbacks: list[Callable[[Future[T]], object]] | None = None
        self.work = work
        self.bundle = bundle
        self.call = call
        self.options = options
        self.owner = owner
        self.key: bytes | None = None
        self.submitted = time.time()
        self.started: float | None = None
        self.waiting = False
        self.attempts = 0
        self.worker: Any = None
        self.end = _nothing

    # What the base class finds in the place of its own attributes.

    if not TYPE_CHECKING:  # where they are attributes that can be assigned

        @property
        def _condition(self) -> threading.Condition:
            condition = self.__made_condition
            if condition is None:
                with _making:
                    condition = self.__made_condition
                    if condition is None:
                        condition = self.__made_condition = threading.Condition()
            return condition

        @property
        def _waiters(self) -> list[Any]:
            if self.__made_waiters is None:
                self.__made_waiters = []
            return self.__made_waiters

        @property
        def _done_callbacks(self) -> list[Callable[[Future[T]], object]]:
            if self.__made_callbacks is None:
                self.__made_callbacks = []
            return self.__made_callbacks

    # What one asks a task.

    @property
    def stdout(self) -> str:
        """What the task has printed, the last of it; "" until it has ended."""
        return self.end.stdout

    @property
    def stderr(self) -> str:
        """What the task has written to stderr, the last of it; "" until it has ended."""
        return self.end.stderr

    @property
    def log(self) -> dict[str, str]:
        """What else the worker says: python, platform, elapsed, cpu and so on (docs/formats.md)."""
        return self.end.facts

    @property
    def traceback(self) -> str:
        """The worker's traceback, "" if there was no exception."""
        return self.end.traceback

    @property
    def progress(self) -> float:
        """How much of the task is done, from 0 to 1, as far as it says so (pymw_worker.progress)."""
        if self._state == FINISHED:
            return 1.0
        return self.owner.progress(self) if self._state == RUNNING else 0.0

    @property
    def finished(self) -> float | None:
        """The unix time at which the task's end came to be known here; None before."""
        return self.end.finished

    @property
    def total_time(self) -> float | None:
        """Seconds from submission to the end; None before the end."""
        return None if self.finished is None else max(0.0, self.finished - self.submitted)

    @property
    def execution_time(self) -> float | None:
        """Seconds from its (last) start to the end; None before the end, or if it never started."""
        if self.finished is None or self.started is None:
            return None
        return max(0.0, self.finished - self.started)

    def done(self) -> bool:
        """Whether the task has ended, was cancelled, or failed."""
        return self._state in (FINISHED, CANCELLED)

    def result(self, timeout: float | None = None) -> T:
        """The value that the function returned. Waits for it, `timeout` seconds at most (None: for ever).

        Raises TimeoutError if it is not there by then; CancelledError; the exception that the function
        raised; a TaskError (pymw.errors) if the worker could not do its part.
        """
        if self._state == FINISHED and self._exception is None:
            return self._result  # type: ignore[return-value]
        return super().result(timeout)

    def cancel(self) -> bool:
        """Stop the task, even while it runs; returns False if it has ended already."""
        if not self._settle(CANCELLED, None, None, Ending(ending.LOST, finished=time.time())):
            return self._state == CANCELLED
        self.owner.abandon(self)
        return True

    # For whoever runs the task.

    def run(self, worker: Any = None, moment: float | None = None) -> bool:
        """Note that a worker takes it; returns False if nobody wants it any more."""
        with _making:
            if self._state not in (PENDING, RUNNING):
                return False
            self._state = RUNNING
        self.worker = worker
        self.started = moment or time.time()
        return True

    def wait_again(self) -> bool:
        """Note that it waits for another attempt; returns False if nobody wants it any more."""
        with _making:
            if self._state not in (PENDING, RUNNING):
                return False
            self._state = PENDING
        self.worker = None  # or an interface would take it for the one who has to do it
        return True

    def settle(self, value: T | None, error: BaseException | None, end: Ending) -> bool:
        """Give it its value or exception, and tell all who wait; returns False if it has ended already."""
        return self._settle(FINISHED, value, error, end)

    def _settle(self, state: str, value: T | None, error: BaseException | None, end: Ending) -> bool:
        with _making:
            condition = self.__made_condition
            if condition is None:  # so nobody waits, and nobody has left a callback
                return self._put(state, value, error, end)
        with condition:
            with _making:
                if not self._put(state, value, error, end):
                    return False
            for waiter in self._waiters:
                tell = waiter.add_result if error is None else waiter.add_exception
                (waiter.add_cancelled if state == CANCELLED else tell)(self)
            condition.notify_all()
        self._invoke_callbacks()  # type: ignore[attr-defined]
        return True

    def _put(self, state: str, value: T | None, error: BaseException | None, end: Ending) -> bool:
        if self._state in (FINISHED, CANCELLED):
            return False
        self._result, self._exception, self.end = value, error, end
        self._state = state
        self.call = None  # arguments may be large
        return True


class Owner:
    """Whom a future asks about itself: the dispatcher of the master that made it."""

    def abandon(self, task: Future[Any]) -> None:
        """Stop working on a task that was cancelled."""

    def progress(self, task: Future[Any]) -> float:
        """How much of a running task is done, 0 to 1."""
        return 0.0


__all__ = ["CancelledError", "Future", "Owner"]
