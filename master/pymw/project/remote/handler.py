"""The addresses at which the owner's programs on other computers submit, ask, and fetch outputs.

They are those of the stock server, so that one program serves for both. Whoever has not the owner's key is
refused before anything of what he sends is looked at or kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import html
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from urllib.parse import parse_qs

from pymw_packager.names import APP
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from pymw import key_files
from pymw.project import accounts, database, jobs, limits, messages
from pymw.project.disk import Disk
from pymw.project.front import Handler
from pymw.project.layout import Layout
from pymw.project.messages import BadRequest, Fields
from pymw.project.remote import commands, multipart, queries
from pymw.project.remote.files import InputFiles
from pymw.project.remote.multipart import Part
from pymw.project.remote.queries import Refusal
from pymw.project.settings import Settings
from pymw.project.states import State
from pymw.project.uploads import Uploads
from pymw.project.web import sessions
from pymw.project.writer import Writer
from pymw.server.facts import Facts

log = logging.getLogger(__name__)

_LONGEST = 10_000_000  # bytes of a request, without files
_UPLOAD = 2**53
_HEAD = '<?xml version="1.0" encoding="UTF-8" ?>\n'
Read = Callable[[Callable[[sqlite3.Connection], str]], Awaitable[str]]


class RemoteHandler:
    """Serves the owner's programs."""

    def __init__(
        self, place: Layout, settings: Settings, writer: Writer, uploads: Uploads, disk: Disk, read: Read
    ) -> None:
        """read: lets a function read from the database, in a thread. Raises ProjectError."""
        self._place = place
        self._settings = settings
        self._writer = writer
        self._uploads = uploads
        self._disk = disk
        self._read = read
        self._files = InputFiles(place, writer, disk)
        db = database.connect(place.database)
        self._key = accounts.owner_key(db)
        db.close()

    def posts(self) -> dict[str, Handler]:
        """What answers a POST, by path."""
        path = self._settings.path
        return {f"{path}submit_rpc_handler.php": self._rpc, f"{path}job_file.php": self._job_file}

    def routes(self) -> list[Route]:
        """Where everything else is."""
        path = self._settings.path
        return [
            Route(f"{path}get_output.php", self._output, methods=["GET"]),
            Route(f"{path}server_status.php", self._status, methods=["GET"]),
            Route(f"{path}pymw.json", self._facts, methods=["GET"]),
        ]

    async def tidy(self) -> None:
        """Remove batches whose time is over. Raises ProjectError."""
        left = await self._writer.run(partial(commands.expire, now=time.time()))
        await self._disk.run(lambda: left.remove(self._place, self._uploads))

    async def _rpc(self, http: Request) -> Response:
        command, request = await _form(http)
        return await self._answered(command, lambda: self._carry_out(http, command, request))

    async def _carry_out(self, http: Request, command: str, request: str) -> str:
        if command == "ping":
            return messages.element("success", 1)
        self._check(http, request)
        if (query := queries.QUERIES.get(command)) is not None:
            return await self._read(lambda db: query(db, self._place, request))
        work = await asyncio.to_thread(commands.prepared, command, request)
        text, left = await self._writer.run(lambda db: work(db, time.time()))
        await self._disk.run(lambda: left.remove(self._place, self._uploads))
        log.info("%s: %s, by the owner's key", _address(http), command)
        return text

    async def _job_file(self, http: Request) -> Response:
        boundary = multipart.boundary_of(http.headers.get("content-type", ""))
        if not boundary:
            command, request = await _form(http)
            return await self._answered(command, lambda: self._query_files(http, command, request))
        parts = multipart.parts(limits.pieces(http, _UPLOAD), boundary)
        return await self._answered("upload_files", lambda: self._upload_files(http, parts))

    async def _query_files(self, http: Request, command: str, request: str) -> str:
        self._check(http, request)
        if command != "query_files":
            raise Refusal("no such action")
        return await self._files.query(request)

    async def _upload_files(self, http: Request, parts: AsyncIterator[Part]) -> str:
        async for part in parts:
            command, request = _split(await _text(part))
            if part.name != "request" or command != "upload_files":
                raise BadRequest("the first part is the request, to upload_files")
            self._check(http, request)
            return await self._files.upload(request, parts)
        raise BadRequest("an empty form")

    async def _answered(self, command: str, work: Callable[[], Awaitable[str]]) -> Response:
        try:
            text = await work()
        except (Refusal, BadRequest) as error:
            log.info("%s is refused: %s", command, error)
            number = messages.element("error_num", -1)
            text = messages.block("error", number, messages.element("error_msg", error))
        body = messages.block(command, text) if command else text
        return Response((_HEAD + body).encode(), media_type="text/xml")

    def _check(self, http: Request, request: str) -> None:
        said = Fields(request).get("authenticator", "").strip()
        if not sessions.same(said, self._key):
            log.warning("%s submits without the owner's key", _address(http))
            raise Refusal("bad authenticator" if said else "no authenticator")

    async def _output(self, http: Request) -> Response:
        asked = http.query_params
        name, which = asked.get("result_name", ""), asked.get("file_num", "")
        number = int(which) if which.isdecimal() and len(which) < 4 else 0
        proof = hashlib.md5((self._key + name).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
        if asked.get("cmd") != "result_file":
            return HTMLResponse("bad command\n")
        if not sessions.same(asked.get("auth_str", ""), proof):
            return HTMLResponse("ERROR: bad authenticator")
        file = await self._read(lambda db: _output_name(db, name, number))
        if not file or not (path := self._place.upload(file)).is_file():
            return HTMLResponse(f"ERROR: no such file of {html.escape(name)}")
        return FileResponse(path, media_type="application/octet-stream", filename=file)

    async def _status(self, http: Request) -> Response:
        return Response(_HEAD + await self._read(queries.server_status), media_type="text/xml")

    async def _facts(self, http: Request) -> Response:
        public = self._place.task_key.with_suffix(".pub")
        keys = () if self._settings.unsigned else (key_files.read_public(public).public.hex(),)
        return Response(Facts(APP, keys, 1).text(), media_type="application/json")


def _output_name(db: sqlite3.Connection, result: str, number: int) -> str:
    """The name of an output file of a result that is over; "" if there is none."""
    row = db.execute(
        "SELECT result.*, workunit.job FROM result JOIN workunit ON workunit.id = result.workunit"
        " WHERE result.name = ? AND result.state = ?",
        (result, State.OVER),
    ).fetchone()
    if row is None or number >= len(jobs.read(row["job"]).outputs):
        return ""
    return jobs.output_name(row["name"], row["nonce"], number)


async def _form(http: Request) -> tuple[str, str]:
    body = await limits.body(http, _LONGEST)
    return await asyncio.to_thread(_read_form, body)


def _read_form(body: bytes) -> tuple[str, str]:
    try:
        return _split(parse_qs(body.decode("ascii", "replace"), max_num_fields=5).get("request", [""])[0])
    except ValueError:
        return "", ""


def _split(text: str) -> tuple[str, str]:
    """A request's command, and what is inside; "" for the first if it is none."""
    for command, inside in messages.elements(text.strip()):
        return command, inside
    return "", ""


async def _text(part: Part) -> str:
    pieces, size = [], 0
    async for piece in part.content:
        pieces.append(piece)
        size += len(piece)
        if size > _LONGEST:
            raise limits.TooLarge("a request is too large")
    return b"".join(pieces).decode("utf-8", "replace")


def _address(http: Request) -> str:
    return http.client.host if http.client else ""
