"""The server's one writer: a thread that carries out what requests ask for, many in one transaction.

A transaction costs more than what most requests write. So all that wait are taken together, each in a
savepoint: one that fails undoes only itself. Nobody is answered before the transaction is committed.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pymw.errors import ProjectError
from pymw.project import database

T = TypeVar("T")
log = logging.getLogger(__name__)
_TOGETHER = 100  # requests in a transaction: others, such as masters, wait for so long at most
Outcome = tuple[Any, BaseException | None]


@dataclass(slots=True)
class _Order:
    work: Callable[[sqlite3.Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.future = self.loop.create_future()


class Writer:
    """Runs functions that write into the database, in the order of the calls."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="pymw-project-writer", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Let work(connection) write, in a transaction. Raises what it raises, and ProjectError."""
        order = _Order(work, asyncio.get_running_loop())
        self._orders.put(order)
        result: T = await order.future
        return result

    def close(self) -> None:
        """Carry out what was asked for, and end."""
        self._orders.put(None)
        self._thread.join()
        self._db.close()

    def _run(self) -> None:
        ended = False
        while not ended:
            orders = [self._orders.get()]
            while len(orders) < _TOGETHER and orders[-1] is not None:
                try:
                    orders.append(self._orders.get_nowait())
                except queue.Empty:
                    break
            ended = orders[-1] is None
            if waiting := [order for order in orders if order is not None]:
                self._carry_out(waiting)

    def _carry_out(self, orders: list[_Order]) -> None:
        outcomes = list[Outcome]()
        try:
            with database.transaction(self._db):
                for order in orders:
                    outcomes.append(self._one(order))
        except ProjectError as error:
            log.error("%s", error)
            outcomes = [(None, error)] * len(orders)
        for order, outcome in zip(orders, outcomes, strict=True):
            order.loop.call_soon_threadsafe(_tell, order.future, outcome)

    def _one(self, order: _Order) -> Outcome:
        self._db.execute("SAVEPOINT one")
        try:
            result = order.work(self._db)
        except Exception as error:
            self._db.execute("ROLLBACK TO one")
            return None, error
        finally:
            self._db.execute("RELEASE one")
        return result, None


def _tell(future: asyncio.Future[Any], outcome: Outcome) -> None:
    result, error = outcome
    if future.done():  # whoever asked has gone
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
