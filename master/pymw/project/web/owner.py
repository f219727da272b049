"""The owner's pages: what runs, what failed and why, on which computers; and buttons that cancel."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pymw.project import limits, submission
from pymw.project.layout import Layout
from pymw.project.limits import Rate
from pymw.project.settings import Settings
from pymw.project.web import listings, sessions, task_log
from pymw.project.web.listings import Page
from pymw.project.web.rendering import Renderer
from pymw.project.web.sessions import Session, Sessions
from pymw.project.writer import Writer

T = TypeVar("T")
log = logging.getLogger(__name__)

SIGN_INS_PER_MINUTE = 10  # from one address
COOKIE = "pymw_owner"
_ATTEMPTS = 10  # of a workunit on a page: each comes with a log that may be large
_TOGETHER = 500  # workunits cancelled in a transaction: clients wait for so long


class Reader(Protocol):
    """Lets a function read from the database, in a thread."""

    def __call__(self, work: Callable[[sqlite3.Connection], T]) -> Awaitable[T]: ...


class OwnerPages:
    """The pages behind the key. Whoever has none is shown where to sign in, and nothing else."""

    def __init__(
        self, place: Layout, settings: Settings, key: str, render: Renderer, read: Reader, writer: Writer
    ) -> None:
        self._place = place
        self._settings = settings
        self._key = key
        self._render = render
        self._read = read
        self._writer = writer
        self._sessions = Sessions()
        self._rate = Rate(SIGN_INS_PER_MINUTE)

    def routes(self) -> list[Route]:
        """Where they are."""
        path = f"{self._settings.path}owner"
        pages = [
            ("", self._sign_in_page),
            ("/running", self._running),
            ("/failed", self._failed),
            ("/all", self._all),
            ("/batches", self._batches),
            ("/computers", self._computers),
            ("/task/{id:int}", self._workunit),
        ]
        forms = [
            ("/sign_in", self._sign_in),
            ("/sign_out", self._sign_out),
            ("/cancel", self._cancel),
            ("/cancel_batch", self._cancel_batch),
        ]
        return [
            *(Route(path + name, page, methods=["GET"]) for name, page in pages),
            *(Route(path + name, form, methods=["POST"]) for name, form in forms),
        ]

    async def _sign_in_page(self, http: Request) -> Response:
        if self._session(http) is not None:
            return self._render.see("owner/running")
        return self._render.page("sign_in.html", problem="")

    async def _sign_in(self, http: Request) -> Response:
        address = http.client.host if http.client else ""
        if not self._rate.allows(address):
            log.warning("%s tries to sign in too often", address)
            problem = "Too many attempts from this address. Wait a minute."
            return self._render.page("sign_in.html", 429, problem=problem)
        form = await _form(http)
        if not self._from_here(http) or not sessions.same(form.get("key", "").strip(), self._key):
            log.warning("%s did not sign in: not the owner's key", address)
            return self._render.page("sign_in.html", 403, problem="That is not the owner's key.")
        log.info("%s signed in as the owner", address)
        answer = self._render.see("owner/running")
        answer.set_cookie(
            COOKIE,
            self._sessions.begin(time.time()),
            max_age=int(sessions.SECONDS),
            path=f"{self._settings.path}owner",
            secure=self._settings.url.startswith("https:"),
            httponly=True,
            samesite="strict",
        )
        return answer

    async def _sign_out(self, http: Request) -> Response:
        answer = self._render.see("owner")
        if await self._wanted(http) is not None:
            self._sessions.end(http.cookies.get(COOKIE, ""))
            answer.delete_cookie(COOKIE, path=f"{self._settings.path}owner")
        return answer

    async def _running(self, http: Request) -> Response:
        return await self._listing(http, "running.html", listings.running)

    async def _failed(self, http: Request) -> Response:
        return await self._listing(http, "failed.html", listings.failed)

    async def _computers(self, http: Request) -> Response:
        return await self._listing(http, "computers.html", listings.hosts)

    async def _batches(self, http: Request) -> Response:
        return await self._listing(http, "batches.html", listings.batches)

    async def _all(self, http: Request) -> Response:
        batch = http.query_params.get("batch")
        batch = None if batch is None else batch[:200]
        find = partial(listings.newest, batch=batch)
        return await self._listing(http, "all.html", find, batch=batch)

    async def _listing(
        self, http: Request, template: str, find: Callable[[sqlite3.Connection, str], Page], **content: Any
    ) -> Response:
        session = self._session(http)
        if session is None:
            return self._render.see("owner")
        after = http.query_params.get("after", "")
        page = await self._read(lambda db: find(db, after))
        following = {**dict(http.query_params), "after": page.after}
        return self._page(
            template, session, rows=page.rows, first=not after, next=_next(page, following), **content
        )

    async def _workunit(self, http: Request) -> Response:
        session = self._session(http)
        if session is None:
            return self._render.see("owner")
        identity, after = min(http.path_params["id"], 2**62), http.query_params.get("after", "")
        workunit, page = await self._read(
            lambda db: (listings.workunit(db, identity), listings.results(db, identity, after, _ATTEMPTS))
        )
        if workunit is None:
            return self._page("missing.html", session, 404)
        logs = await asyncio.to_thread(
            lambda: [task_log.read(self._place, workunit["job"], row) for row in page.rows]
        )
        return self._page(
            "task.html",
            session,
            workunit=workunit,
            attempts=list(zip(page.rows, logs, strict=True)),
            first=not after,
            next=_next(page, {"after": page.after}),
        )

    async def _cancel(self, http: Request) -> Response:
        form = await self._wanted(http)
        if form is None:
            return self._render.see("owner")
        name = form.get("name", "")
        if await self._writer.run(lambda db: submission.cancel(db, [name])):
            log.info("the owner cancelled the workunit %r", name)
        identity = form.get("id", "")
        return self._render.see(f"owner/task/{identity}" if identity.isdecimal() else "owner/all")

    async def _cancel_batch(self, http: Request) -> Response:
        form = await self._wanted(http)
        if form is None:
            return self._render.see("owner")
        batch, last, cancelled = form.get("batch", ""), 0, 0
        # Some at a time, so that clients are answered in between.
        while (step := await self._writer.run(partial(_cancel_some, batch=batch, after=last)))[0]:
            last, cancelled = step[0], cancelled + step[1]
        log.info("the owner cancelled the batch %r: %d workunits", batch, cancelled)
        return self._render.see(f"owner/all?{urlencode({'batch': batch})}")

    def _page(self, template: str, session: Session, status: int = 200, **content: Any) -> Response:
        return self._render.page(template, status, form_token=session.form_token, now=time.time(), **content)

    def _session(self, http: Request) -> Session | None:
        return self._sessions.find(http.cookies.get(COOKIE, ""), time.time())

    async def _wanted(self, http: Request) -> dict[str, str] | None:
        """The form that the owner himself sent from one of these pages; None if it is somebody else's."""
        session, form = self._session(http), await _form(http)
        if session is None or not self._from_here(http):
            return None
        return form if sessions.same(form.get("form_token", ""), session.form_token) else None

    def _from_here(self, http: Request) -> bool:
        """Whether a form is from a page of this project, as far as the browser says where it is from.

        Behind a proxy the server may see another host than the browser: both are right.
        """
        origin = http.headers.get("origin")
        if origin is None:
            return True
        return urlsplit(origin).netloc in {http.headers.get("host"), urlsplit(self._settings.url).netloc}


def _cancel_some(db: sqlite3.Connection, batch: str, after: int) -> tuple[int, int]:
    """Cancel the next workunits of a batch; returns the last that was looked at, and how many were open."""
    rows = db.execute(
        "SELECT id, name FROM workunit WHERE batch = ? AND id > ? ORDER BY id LIMIT ?",
        (batch, after, _TOGETHER),
    ).fetchall()
    if not rows:
        return 0, 0
    return rows[-1]["id"], submission.cancel(db, [row["name"] for row in rows])


def _next(page: Page, following: dict[str, str]) -> str:
    return f"?{urlencode(following)}" if page.after else ""


async def _form(http: Request) -> dict[str, str]:
    text = (await limits.body(http, limits.FORM_BODY)).decode("latin-1")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=20))
    except ValueError:
        return {}
