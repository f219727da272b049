"""Many calls of one function: map, with several calls in a task where one would be too little."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from pymw_worker.chunk import Chunk

from pymw.errors import RemoteTraceback, ValueLost, WorkerDied
from pymw.future import Future

T = TypeVar("T")
Submit = Callable[..., Future[Any]]

_ENOUGH = 0.05  # seconds of work in a task, beside which its own cost (some 0.3 ms) does not count
_FIRST, _MOST = 16, 4096  # calls in the first task, and in any
_GROWTH = 8  # how many times larger the next task may be
_ROUNDS = 4  # tasks that each worker still gets, so that all of them end at about the same time


def one_by_one(
    submit: Submit, fn: Callable[..., T], iterables: tuple[Iterable[Any], ...], timeout: float | None
) -> Iterator[T]:
    """The values of fn over the iterables, in order; each call is a task."""
    end = _end(timeout)
    futures = deque([submit(fn, *arguments) for arguments in zip(*iterables)])  # noqa: B905  as map does
    return _values(futures, end)


def _values(futures: deque[Future[Any]], end: float | None) -> Iterator[Any]:
    try:
        while futures:
            yield futures[0].result(_left(end))
            futures.popleft()
    finally:
        for future in futures:
            future.cancel()


def in_chunks(
    submit: Submit,
    fn: Callable[..., T],
    iterables: tuple[Iterable[Any], ...],
    timeout: float | None,
    chunksize: int,
    width: int,
) -> Iterator[T]:
    """The same with several calls in a task.

    chunksize: how many, 0 to find out while they run. width: how many tasks run at once.
    """
    end = _end(timeout)
    feeder = _Feeder(submit, fn, list(zip(*iterables)), chunksize, width)  # noqa: B905
    feeder.feed()
    return feeder.values(end)


class _Feeder:
    """Keeps the workers busy with chunks of a list of calls, whose size follows from how long calls take."""

    def __init__(
        self, submit: Submit, fn: Callable[..., Any], calls: list[Any], chunksize: int, width: int
    ) -> None:
        self._submit = submit
        self._chunk = Chunk(fn)
        self._calls = calls
        self._next = 0
        self._fixed = chunksize
        self._size = chunksize or _FIRST
        self._width = max(1, width)
        self._chunks: deque[tuple[list[Any], Future[Any]]] = deque()
        self._lock = threading.Lock()
        self._grown = threading.Condition(self._lock)
        self._running = 0
        self._error: BaseException | None = None

    def feed(self, ended: Future[Any] | None = None) -> None:
        """Submit as many chunks as keep the workers busy; called again whenever one has ended."""
        with self._lock:
            if ended is not None:
                self._running -= 1
                self._learn(ended)
            wanted = [] if self._error else self._slices()
            for calls in wanted:
                self._chunks.append((calls, self._submit(self._chunk, calls)))
            fresh = [future for _, future in list(self._chunks)[len(self._chunks) - len(wanted) :]]
            self._running += len(fresh)
            self._grown.notify_all()
        for future in fresh:
            future.add_done_callback(self._feed_again)  # type: ignore[arg-type]

    def _feed_again(self, ended: Future[Any]) -> None:
        try:
            self.feed(ended)
        except (
            BaseException
        ) as error:  # arguments that cannot be pickled, a closed master: the reader raises it
            with self._lock:
                self._error = error
                self._grown.notify_all()

    def _slices(self) -> list[list[Any]]:
        """The next chunks of calls. With a fixed size all of them: nothing is to be learned."""
        room = len(self._calls) if self._fixed else 2 * self._width - self._running
        found: list[list[Any]] = []
        while room > len(found) and self._next < len(self._calls):
            left = len(self._calls) - self._next
            size = self._size if self._fixed else min(self._size, max(1, left // (_ROUNDS * self._width)))
            found.append(self._calls[self._next : self._next + size])
            self._next += size
        return found

    def _learn(self, ended: Future[Any]) -> None:
        if self._fixed or ended.cancelled() or ended.exception() is not None:
            return
        per_call = ended.result()[2]
        self._size = int(max(1, min(_ENOUGH / max(per_call, 1e-9), _MOST, self._size * _GROWTH)))

    def values(self, end: float | None) -> Iterator[Any]:
        """The values in order."""
        try:
            while (chunk := self._first()) is not None:
                calls, future = chunk
                try:
                    results, failed, _ = future.result(_left(end))
                except (WorkerDied, ValueLost):
                    if len(calls) == 1:
                        raise
                    # One of the calls is to blame: each gets a task of its own, so that it fails alone.
                    yield from _values(
                        deque([self._submit(self._chunk.function, *one) for one in calls]), end
                    )
                else:
                    yield from results
                    if failed:
                        error, text = failed
                        error.__cause__ = RemoteTraceback(text)
                        raise error
                self._chunks.popleft()
        finally:
            self._stop()

    def _first(self) -> tuple[list[Any], Future[Any]] | None:
        """The next chunk to read; None after the last."""
        with self._lock:
            self._grown.wait_for(lambda: self._chunks or self._error or self._next >= len(self._calls))
            if not self._chunks and self._error:
                raise self._error
            return self._chunks[0] if self._chunks else None

    def _stop(self) -> None:
        with self._lock:
            self._next = len(self._calls)
            left = [future for _, future in self._chunks]
        for future in left:
            future.cancel()


def _end(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


def _left(end: float | None) -> float | None:
    return None if end is None else max(0.0, end - time.monotonic())
