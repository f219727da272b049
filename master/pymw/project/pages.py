"""The project's web page: what it is, how to join, what it does; and more of it for its owner, signed in.

Clients read the same page, for the address of the scheduler, which stands in a line of its own.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pymw.project import accounts, database
from pymw.project.layout import Layout
from pymw.project.settings import Settings, is_email
from pymw.project.web import figures
from pymw.project.web.figures import Figures
from pymw.project.web.owner import OwnerPages
from pymw.project.web.plot import plot
from pymw.project.web.rendering import Renderer
from pymw.project.writer import Writer

T = TypeVar("T")
FRESH_SECONDS = 5.0  # in which figures are not asked for again, however many look at them
REFRESH_SECONDS = 60


class Pages:
    """Serves people. It reads through a connection of its own, in threads: no page keeps a client waiting."""

    def __init__(self, place: Layout, settings: Settings, writer: Writer) -> None:
        """Raises ProjectError."""
        self._settings = settings
        self._db = database.connect(place.database)
        self._lock = threading.Lock()
        self._render = Renderer(settings)
        self._figures: Figures | None = None
        key = accounts.owner_key(self._db)
        self._owner = OwnerPages(place, settings, key, self._render, self.read, writer)

    def routes(self) -> list[Route]:
        """Where the pages are."""
        path = self._settings.path
        return [
            Route(path, self._front, methods=["GET"]),
            Route(f"{path}static/{{name}}", self._render.static, methods=["GET"]),
            *self._owner.routes(),
        ]

    def close(self) -> None:
        """Let go of the database."""
        with self._lock:
            self._db.close()

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Let work(connection) read, in a thread. Raises what it raises."""
        return await asyncio.to_thread(self._read, work)

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock:
            return work(self._db)

    async def _front(self, http: Request) -> Response:
        found = await self.read(self._fresh)
        return self._render.page(
            "project.html",
            private=False,
            figures=found,
            plot=plot(found.hours),
            # Only where it was asked for: a page that changes by itself is not for everybody.
            refresh=REFRESH_SECONDS if "live" in http.query_params else 0,
            contact_is_email=is_email(self._settings.contact),
        )

    def _fresh(self, db: sqlite3.Connection) -> Figures:
        now = time.time()
        if self._figures is None or not 0 <= now - self._figures.at < FRESH_SECONDS:
            self._figures = figures.read(db, self._settings.show_account_names, now)
        return self._figures
