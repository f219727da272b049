"""Reads a form with files as it comes in, without keeping more than a piece of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from pymw.project.limits import Broken
from pymw.project.messages import BadRequest

_LONGEST_HEAD = 4096  # bytes of what is said about a part
_BOUNDARY = re.compile(
    r'multipart/form-data;.*\bboundary="?([A-Za-z0-9\'()+_,./:=?-]{1,70})"?\s*(?:;|$)', re.I
)
_NAME = re.compile(r'content-disposition:\s*form-data;(?:[^\r\n]*;)?\s*name="([^"\r\n]*)"', re.I)


@dataclass(frozen=True)
class Part:
    """A field of a form. content: its bytes, to be read before the next part is asked for."""

    name: str
    content: AsyncIterator[bytes]


def boundary_of(content_type: str) -> str:
    """What separates the parts; "" if this is no form with files."""
    match = _BOUNDARY.match(content_type)
    return match[1] if match else ""


async def parts(pieces: AsyncIterator[bytes], boundary: str) -> AsyncIterator[Part]:
    """The parts of a form. Raises BadRequest, Broken."""
    source = _Source(pieces, f"\r\n--{boundary}".encode())
    async for _ in source.until_boundary():  # what stands before the first part means nothing
        pass
    while not (head := await source.head()).startswith("--"):
        match = _NAME.search(head)
        if match is None:
            raise BadRequest("a part of the form has no name")
        content = source.until_boundary()
        yield Part(match[1], content)
        async for _ in content:
            pass


class _Source:
    def __init__(self, pieces: AsyncIterator[bytes], delimiter: bytes) -> None:
        self._pieces = pieces
        self._delimiter = delimiter
        self._held = b"\r\n"  # the first boundary begins the body, and no line ends before it

    async def until_boundary(self) -> AsyncIterator[bytes]:
        """What comes before the next boundary, which is passed over."""
        keep = len(self._delimiter) - 1
        while (at := self._held.find(self._delimiter)) < 0:
            if len(self._held) > keep:
                piece, self._held = self._held[:-keep], self._held[-keep:]
                yield piece
            await self._more()
        piece, self._held = self._held[:at], self._held[at + len(self._delimiter) :]
        if piece:
            yield piece

    async def head(self) -> str:
        """What is said about the part that follows; "--" after the last."""
        while not self._held.startswith(b"--") and b"\r\n\r\n" not in self._held:
            if len(self._held) > _LONGEST_HEAD:
                raise BadRequest("a part of the form says too much about itself")
            await self._more()
        if self._held.startswith(b"--"):
            return "--"
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        return head.decode("latin-1")

    async def _more(self) -> None:
        try:
            self._held += await self._pieces.__anext__()
        except StopAsyncIteration:
            raise Broken("the form has no end") from None
