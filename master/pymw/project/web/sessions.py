"""Who is signed in as the owner. It is forgotten when the server ends: then the key is asked for again."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass

SECONDS = 12 * 3600.0  # that a session lasts
_MOST = 100  # sessions, after which the oldest ends


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that showed the key. form_token: is in each of its forms. until: unix time."""

    form_token: str
    until: float


class Sessions:
    """Open sessions. Only a hash of what the browser keeps is kept here."""

    def __init__(self) -> None:
        self._open: OrderedDict[bytes, Session] = OrderedDict()

    def begin(self, now: float) -> str:
        """Begin one; returns the token that the browser is to keep."""
        token = secrets.token_urlsafe(32)
        self._open[_digest(token)] = Session(secrets.token_urlsafe(32), now + SECONDS)
        if len(self._open) > _MOST:
            self._open.popitem(last=False)
        return token

    def find(self, token: str, now: float) -> Session | None:
        """The session of a token; None if there is none, or not any more."""
        session = self._open.get(_digest(token))
        if session is not None and session.until < now:
            self.end(token)
            return None
        return session

    def end(self, token: str) -> None:
        """End one."""
        self._open.pop(_digest(token), None)


def same(said: str, known: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell how much of them is."""
    return hmac.compare_digest(said.encode("utf-8", "replace"), known.encode())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
