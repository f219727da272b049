"""Answers a client that uploads: how much of a file is here, or the next bytes of it."""

from __future__ import annotations

import contextlib
import logging
import re
import sqlite3
from collections.abc import AsyncIterator
from functools import partial

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from pymw.project import limits, uploads
from pymw.project.disk import Disk
from pymw.project.limits import Broken, TooLarge
from pymw.project.uploads import LATER, LONGEST_HEAD, NEVER, OK, Refused, Upload, Uploads

log = logging.getLogger(__name__)

_DATA = b"<data>\n"
_OUTPUT = re.compile(r"(.{1,180})_r([0-9]{1,18})_[0-9]{1,3}")
_LARGE = 262_144  # bytes that are held before they are written
_BEYOND = 65_536  # bytes after the end of a file that are passed over
_DRAINED = 100_000_000  # bytes of a refused upload that are read, so that the client gets to read the answer


class UploadHandler:
    """The upload handler of a project."""

    def __init__(self, files: Uploads, reader: sqlite3.Connection, secret: bytes, disk: Disk) -> None:
        self._files = files
        self._reader = reader
        self._secret = secret
        self._disk = disk

    async def answer(self, http: Request) -> Response:
        """Take what is uploaded; refusals are answers too."""
        body = limits.pieces(http, 2**53)
        address = http.client.host if http.client else ""
        try:
            return PlainTextResponse(await self._answer(body))
        except Refused as error:
            log.info("%s: upload refused: %s", address, error)
            with contextlib.suppress(Broken):
                await _drain(body)
            return PlainTextResponse(uploads.reply(error.status, str(error)))
        except OSError as error:
            log.error("an upload cannot be written: %s", error)
            return PlainTextResponse(uploads.reply(LATER, "the server cannot write the file"))

    async def _answer(self, body: AsyncIterator[bytes]) -> str:
        head, rest, has_data = await _head(body)
        name = uploads.size_query(head)
        if name is not None:
            return uploads.reply(OK, size=self._files.size(name))
        wanted = uploads.read_head(head, self._secret)
        if not has_data:
            raise Refused(NEVER, "Missing <data> tag")
        if not self._is_ours(wanted.name):
            raise Refused(NEVER, "the task of this file is not known any more")
        upload = self._files.begin(wanted)
        if upload is None:
            await _drain(body)
            return uploads.reply(OK)
        try:
            await _receive(upload, rest, body, self._disk)
        finally:
            upload.end()
        return uploads.reply(OK)

    def _is_ours(self, name: str) -> bool:
        match = _OUTPUT.fullmatch(name)
        if match is None:
            return False
        row = self._reader.execute("SELECT nonce FROM result WHERE name = ?", (match[1],)).fetchone()
        return row is not None and row["nonce"] == int(match[2])


async def _head(body: AsyncIterator[bytes]) -> tuple[bytes, bytes, bool]:
    """What comes before the data, what came of the data with it, and whether there is any."""
    head = b""
    async for piece in body:
        start = max(0, len(head) - len(_DATA))
        head += piece
        at = head.find(_DATA, start)
        if at >= 0:
            return head[:at], head[at + len(_DATA) :], True
        if len(head) > LONGEST_HEAD:
            raise Refused(NEVER, "Missing <data> tag")
    return head, b"", False


async def _receive(upload: Upload, rest: bytes, body: AsyncIterator[bytes], disk: Disk) -> None:
    """Take all bytes. What came before the connection broke stays. Raises Refused, Broken, OSError."""
    buffer, size, total = [rest], len(rest), len(rest)
    try:
        async for piece in body:
            buffer.append(piece)
            size += len(piece)
            total += len(piece)
            if total > upload.head.nbytes - upload.head.offset + _BEYOND:
                raise TooLarge(f"the upload of {upload.head.name} is longer than it said")
            if size >= _LARGE:
                whole, buffer, size = b"".join(buffer), [], 0
                await disk.run(partial(upload.write, whole))
    except (TooLarge, Broken):
        await disk.run(partial(upload.write, b"".join(buffer)))
        raise
    await disk.run(partial(upload.finish, b"".join(buffer)))


async def _drain(body: AsyncIterator[bytes]) -> None:
    size = 0
    async for piece in body:
        size += len(piece)
        if size > _DRAINED:
            raise TooLarge("an upload that was refused goes on and on")
