"""Work with files, in threads of its own: the event loop never waits for the disk.

Waiting is nearly all that such work is. Several threads wait together, for which a journalling file system
writes its journal once. Where much waits, each takes several pieces, and tells the event loop once.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_THREADS = 8
_TOGETHER = 8  # pieces of work that a thread takes at once, at most
_Order = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Disk:
    """Carries out what waits for the disk."""

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"pymw-project-disk-{number}", daemon=True)
            for number in range(_THREADS)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, work: Callable[[], T]) -> T:
        """Do this in a thread. Raises what it raises."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._orders.put((work, future))
        result: T = await future
        return result

    def close(self) -> None:
        """Do what is asked for, and end."""
        for _ in self._threads:
            self._orders.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (order := self._orders.get()) is not None:
            orders = [order, *self._more()]
            outcomes = [(future, *_outcome(work)) for work, future in orders]
            order[1].get_loop().call_soon_threadsafe(_tell, outcomes)

    def _more(self) -> list[_Order]:
        """A fair share of what waits besides."""
        found = list[_Order]()
        for _ in range(min(_TOGETHER - 1, self._orders.qsize() // _THREADS)):
            try:
                order = self._orders.get_nowait()
            except queue.Empty:
                break
            if order is None:  # this thread's end, or another's
                self._orders.put(None)
                break
            found.append(order)
        return found


def _outcome(work: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return work(), None
    except Exception as error:
        return None, error


def _tell(outcomes: list[tuple[asyncio.Future[Any], Any, Exception | None]]) -> None:
    for future, result, error in outcomes:
        if future.done():  # whoever asked has gone
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
