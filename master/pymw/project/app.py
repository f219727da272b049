"""The web application: everything that clients ask for, below the path of the master URL."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pymw.errors import ProjectError
from pymw.project import (
    accounts,
    database,
    downloads,
    housekeeping,
    layout,
    limits,
    messages,
    reports,
    request,
)
from pymw.project.accounts import AccountError
from pymw.project.disk import Disk
from pymw.project.front import Front, busy
from pymw.project.layout import Layout
from pymw.project.limits import Rate
from pymw.project.messages import BadRequest, element, escape
from pymw.project.pages import Pages
from pymw.project.remote.handler import RemoteHandler
from pymw.project.replies import Addresses
from pymw.project.request import SchedulerRequest
from pymw.project.scheduler import Scheduler
from pymw.project.settings import Settings
from pymw.project.upload_handler import UploadHandler
from pymw.project.uploads import Digest, Uploads
from pymw.project.writer import Writer

log = logging.getLogger(__name__)

TIDY_SECONDS = 2.0
ACCOUNTS_PER_MINUTE = 60  # from one address: whoever guesses passwords gets no further
GARBLED_SECONDS = 60.0  # until a client whose request could not be read asks again
PASSWORD_SECONDS = 5.0  # that a wrong one costs, as at a stock project
_IN_A_THREAD = 100_000  # bytes of a request that is taken apart elsewhere than where all others are served


class Application:
    """Serves a project's clients."""

    def __init__(self, place: Layout, settings: Settings) -> None:
        """Raises ProjectError if the folder is damaged."""
        self.settings = settings
        self._where = Addresses(settings.url)
        self._uploads = Uploads(place)
        self._downloads = downloads.Downloads(place)
        public = layout.read_text(place.key("code_sign_public"))
        secret = layout.read_text(place.key("upload_secret")).encode()
        self._disk = Disk()
        self._reader = database.connect(place.database)
        self._writer = Writer(database.connect(place.database))
        self._scheduler = Scheduler(settings, public, secret)
        self._upload_handler = UploadHandler(self._uploads, self._reader, secret, self._disk)
        self._pages = Pages(place, settings, self._writer)
        self._remote = RemoteHandler(
            place, settings, self._writer, self._uploads, self._disk, self._pages.read
        )
        self._account_rate = Rate(ACCOUNTS_PER_MINUTE)
        self._started = time.monotonic()

    def asgi(self) -> Front:
        """The application for a web server."""
        path = self.settings.path
        routes = [
            *self._pages.routes(),
            *self._remote.routes(),
            Route(f"{path}get_project_config.php", self._project_config, methods=["GET", "POST"]),
            Route(f"{path}create_account.php", self._create_account, methods=["GET", "POST"]),
            Route(f"{path}lookup_account.php", self._look_up_account, methods=["GET", "POST"]),
        ]
        return Front(
            Starlette(routes=routes, lifespan=self._lifespan),
            Rate(self.settings.requests_per_minute),
            posts={
                f"{path}cgi": self._answer,
                f"{path}file_upload_handler": self._upload_handler.answer,
                **self._remote.posts(),
            },
            gets={f"{path}download/": self._downloads.answer},
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        tidy = asyncio.create_task(self._tidy())
        try:
            yield
        finally:
            tidy.cancel()
            self._writer.close()
            self._disk.close()
            self._reader.close()
            self._pages.close()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            uptime = time.monotonic() - self._started
            work = partial(housekeeping.tidy, settings=self.settings, uptime=uptime, now=time.time())
            try:
                while await self._writer.run(work):
                    pass
                await self._remote.tidy()
            except (ProjectError, sqlite3.Error, OSError) as error:
                log.error("housekeeping: %s", error)

    async def _answer(self, http: Request) -> Response:
        """The scheduler."""
        try:
            body = await limits.body(http, limits.SCHEDULER_BODY)
            if len(body) > _IN_A_THREAD:
                asked, found = await asyncio.to_thread(self._prepare, body)
            else:
                asked, found = self._prepare(body)
        except BadRequest as error:
            log.info("%s: a request that cannot be read: %s", _address(http), error)
            return _xml(self._scheduler.refusal(f"Error in request message: {error}", GARBLED_SECONDS))
        answer = partial(
            self._scheduler.answer, request=asked, found=found, address=_address(http), now=time.time()
        )
        return _xml(await self._writer.run(answer))

    def _prepare(self, body: bytes) -> tuple[SchedulerRequest, dict[str, Digest]]:
        asked = request.read(body)
        return asked, reports.digests(self._uploads, asked.reports)

    async def _project_config(self, http: Request) -> Response:
        disabled = "" if self.settings.create_accounts else "<account_creation_disabled/>\n"
        config = messages.block(
            "project_config",
            element("name", escape(self.settings.name)),
            element("master_url", self._where.url),
            element("web_rpc_url_base", self._where.url),
            element("min_passwd_length", 6),
            element("web_stopped", 0),
            element("sched_stopped", 0),
            disabled,
        )
        return _xml(config)

    async def _create_account(self, http: Request) -> Response:
        form = await _form(http)
        if not self.settings.create_accounts:
            return _xml(accounts.error_reply(AccountError(accounts.DISABLED)))
        email, password = form.get("email_addr", ""), form.get("passwd_hash", "")
        name = messages.Fields(f"<name>{form.get('user_name', '')}</name>").text("name", 60)
        work = partial(accounts.create, email=email, passwd_hash=password, name=name, now=time.time())
        return await self._account(http, work)

    async def _look_up_account(self, http: Request) -> Response:
        form = await _form(http)
        email, password = form.get("email_addr", ""), form.get("passwd_hash", "")
        return await self._account(http, partial(accounts.look_up, email=email, passwd_hash=password))

    async def _account(self, http: Request, work: Callable[[sqlite3.Connection], str]) -> Response:
        if not self._account_rate.allows(_address(http)):
            return busy()
        try:
            return _xml(accounts.key_reply(await self._writer.run(work)))
        except AccountError as error:
            log.info("%s: %s", _address(http), error)
            if error.number in (accounts.BAD_PASSWORD, accounts.NOT_UNIQUE):
                await asyncio.sleep(PASSWORD_SECONDS)
            return _xml(accounts.error_reply(error))


def _xml(text: str) -> Response:
    return Response(text.encode("utf-8"), media_type="text/xml")


def _address(http: Request) -> str:
    return http.client.host if http.client else ""


async def _form(http: Request) -> dict[str, str]:
    """Parameters, from wherever a client puts them."""
    pairs = list(http.query_params.multi_items())
    if http.method == "POST":
        text = (await limits.body(http, limits.FORM_BODY)).decode("latin-1")
        with contextlib.suppress(ValueError):
            pairs += parse_qsl(text, max_num_fields=50)
    return {name: value[:500] for name, value in pairs}
