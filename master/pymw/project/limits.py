"""How much one address may ask for, and how long a body may take: one client must not stop the others."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import Message

SCHEDULER_BODY = 10_000_000
FORM_BODY = 10_000
SILENCE_SECONDS = 60.0  # between two pieces of a body
BYTES_PER_SECOND = 500  # that a body must come in with on average, beyond the first minute
_ADDRESSES = 100_000  # that are remembered


class TooLarge(Exception):
    """A body is larger than it may be."""


class Broken(Exception):
    """A body did not come to its end, or too slowly."""


async def pieces(request: Request, most: int) -> AsyncIterator[bytes]:
    """The pieces of a body of so many bytes at most. Raises TooLarge, Broken."""
    started, size, more = time.monotonic(), 0, True
    while more:
        try:
            message = await _received(request)
        except asyncio.TimeoutError as error:
            raise Broken("the body broke off") from error
        if message["type"] != "http.request":
            raise Broken("the body broke off")
        piece, more = message.get("body", b""), message.get("more_body", False)
        size += len(piece)
        if size > most:
            raise TooLarge(f"a body is larger than {most} bytes")
        if time.monotonic() - started > SILENCE_SECONDS + size / BYTES_PER_SECOND:
            raise Broken("the body came too slowly")
        if piece:
            yield piece


async def _received(request: Request) -> Message:
    """What comes next. Raises asyncio.TimeoutError."""
    if sys.version_info >= (3, 11):  # where no task is made for it, which would cost more than all the rest
        async with asyncio.timeout(SILENCE_SECONDS):
            return await request.receive()
    return await asyncio.wait_for(request.receive(), SILENCE_SECONDS)


async def body(request: Request, most: int) -> bytes:
    """A whole body of so many bytes at most. Raises TooLarge, Broken."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > most:
        raise TooLarge(f"a body is larger than {most} bytes")
    return b"".join([piece async for piece in pieces(request, most)])


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Rate:
    """Counts the requests of each address: so many a minute, in bursts of as many."""

    def __init__(self, per_minute: float) -> None:
        self._most = float(per_minute)
        self._buckets: dict[str, _Bucket] = {}

    def allows(self, address: str) -> bool:
        """Whether one more is within the limit; counts it if so."""
        now = time.monotonic()
        if len(self._buckets) >= _ADDRESSES:
            self._buckets = {
                key: each for key, each in self._buckets.items() if self._refilled(each, now) < self._most
            }
        if len(self._buckets) >= 2 * _ADDRESSES:  # from so many addresses at once: an attack, not clients
            return address in self._buckets
        bucket = self._buckets.setdefault(address, _Bucket(self._most, now))
        bucket.tokens, bucket.at = self._refilled(bucket, now), now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _refilled(self, bucket: _Bucket, now: float) -> float:
        return min(self._most, bucket.tokens + (now - bucket.at) * self._most / 60)
