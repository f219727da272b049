"""Input files that the owner uploads: each gets its name when it is whole, and keeps it."""

from __future__ import annotations

import hashlib
import html
import os
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pymw.project import staging, uploads
from pymw.project.disk import Disk
from pymw.project.layout import Layout
from pymw.project.limits import TooLarge
from pymw.project.messages import Fields, block, element, elements
from pymw.project.remote.multipart import Part
from pymw.project.remote.queries import Refusal
from pymw.project.staging import Staged
from pymw.project.writer import Writer

_LARGEST = 1 << 31  # bytes of a file
_HELD = 262_144  # bytes that are held before they are written


class InputFiles:
    """Takes input files."""

    def __init__(self, place: Layout, writer: Writer, disk: Disk) -> None:
        self._place = place
        self._writer = writer
        self._disk = disk

    async def query(self, request: str) -> str:
        """Which of these files are not here; the others stay for some time. Raises Refusal."""
        names = _names(request)
        absent = await self._writer.run(lambda db: self._keep(db, names))
        return block("absent_files", *(element("file", number) for number in absent))

    async def upload(self, request: str, parts: AsyncIterator[Part]) -> str:
        """Take these files, all or as many as came in whole. Raises Refusal, BadRequest, Broken, TooLarge."""
        names, number = _names(request), 0
        async for part in parts:
            if number < len(names):
                staged = await self._take(names[number], part.content)
                await self._writer.run(partial(staging.record, staged=[staged], now=time.time()))
            number += 1
        if number != len(names):
            raise Refusal(f"# of uploaded files ({number}) doesn't agree with request ({len(names)})")
        return "<success/>\n"

    def _keep(self, db: sqlite3.Connection, names: Sequence[str]) -> list[int]:
        absent = []
        for number, name in enumerate(names):
            row = db.execute(
                "UPDATE input_file SET created = ? WHERE name = ? RETURNING nbytes", (time.time(), name)
            ).fetchone()
            if row is None or not self._place.download(name).is_file():
                absent.append(number)
        return absent

    async def _take(self, name: str, pieces: AsyncIterator[bytes]) -> Staged:
        path = self._place.download(name)
        temporary = path.with_name(f"{name}.{secrets.token_hex(4)}.tmp")
        file = await self._disk.run(lambda: temporary.open("xb"))
        try:
            with file:
                staged = await self._receive(name, pieces, file)
                await self._disk.run(lambda: os.fsync(file.fileno()))
            await self._disk.run(lambda: _settle(temporary, path, staged))
        finally:
            temporary.unlink(missing_ok=True)
        return staged

    async def _receive(self, name: str, pieces: AsyncIterator[bytes], file: BinaryIO) -> Staged:
        md5, nbytes, held, size = hashlib.md5(usedforsecurity=False), 0, list[bytes](), 0
        async for piece in pieces:
            md5.update(piece)
            nbytes += len(piece)
            if nbytes > _LARGEST:
                raise TooLarge(f"an input file is larger than {_LARGEST} bytes")
            held.append(piece)
            size += len(piece)
            if size >= _HELD:
                await self._disk.run(partial(file.writelines, held))
                held, size = [], 0
        await self._disk.run(partial(file.writelines, held))
        await self._disk.run(file.flush)
        return Staged(name, nbytes, md5.hexdigest())


def _settle(temporary: Path, path: Path, staged: Staged) -> None:
    """Give the file its name, which may never mean another one. Raises Refusal, OSError."""
    if path.is_file():
        there = uploads.digest_of(path)
        if (there.nbytes, there.md5) != (staged.nbytes, staged.md5):
            raise Refusal(f"file immutability violation for {staged.name}")
        return
    temporary.replace(path)


def _names(request: str) -> list[str]:
    texts = [name for tag, name in elements(request) if tag == "phys_name"]
    names = [Fields(element("name", text)).name() for text in texts]
    if not all(names):
        raise Refusal(f"bad filename {html.escape(texts[names.index('')][:100])}")
    return names
