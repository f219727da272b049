"""HTTP to one project: connections that are kept, certificates that are checked, replies of bounded size."""

from __future__ import annotations

import http.client
import ipaddress
import os
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO
from urllib.parse import SplitResult, urlsplit

from pymw.errors import ProjectError

PLAIN_HTTP = "PYMW_PLAIN_HTTP"  # environment variable: the account key may travel unencrypted
_TIMEOUT = 60.0  # seconds that a server says nothing
_BYTES_PER_SECOND = 1000  # that a reply must come in with on average, beyond _TIMEOUT
_FRESH = 4.0  # seconds that an unused connection is trusted to be open: Apache closes it after 5
_CHUNK = 1 << 16
_LARGEST = 16 << 20  # bytes of a reply that is kept in memory
_LATER = (408, 429, 502, 503, 504)  # statuses that pass


class Unreachable(ProjectError):
    """The project gives no answer now. It may have got what was asked, or not; it can be asked again."""


class TooMuch(ProjectError):
    """The project sends more than was to be expected."""


@dataclass(frozen=True)
class Reply:
    """What a project answered. type: the media type, without parameters."""

    status: int
    type: str
    body: bytes


class Web:
    """HTTP to the project of a master URL. Any thread may use it."""

    def __init__(self, url: str) -> None:
        """Raises ProjectError for what is no URL of a project, or would show the account key to the network.

        url: http(s)://HOST/PATH/.
        """
        self.url = url.rstrip("/") + "/"
        parts = _checked(self.url)
        self._host, self._port = parts.hostname or "", parts.port
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._proxy = _proxy(parts)
        # A proxy is told the whole address of what is not encrypted.
        self._before = self.url if self._proxy and self._tls is None else parts.path
        self._lock = threading.Lock()
        self._idle: list[tuple[float, http.client.HTTPConnection]] = []

    def __enter__(self) -> Web:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request, sent once. path: below the master URL. Raises Unreachable, ProjectError."""
        with self._asked(method, path, body, headers) as (found, pieces):
            data = b"".join(pieces(_LARGEST))
            return Reply(found.status, _type(found), data)

    def download(self, path: str, file: IO[bytes], most: int) -> Reply:
        """Get a file of so many bytes at most; the reply has a body only if it is none, but a text.

        Raises Unreachable, ProjectError.
        """
        with self._asked("GET", path, None, None) as (found, pieces):
            if found.status != 200 or _type(found) != "application/octet-stream":
                return Reply(found.status, _type(found), b"".join(pieces(_LARGEST)))
            for piece in pieces(most):
                file.write(piece)
            return Reply(found.status, _type(found), b"")

    def close(self) -> None:
        """Close the connections that are not used."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()

    @contextmanager
    def _asked(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None
    ) -> Iterator[tuple[http.client.HTTPResponse, _Pieces]]:
        connection = self._connection()
        try:
            connection.request(method, self._before + path, body, dict(headers or {}))
            found = connection.getresponse()
            self._check(found)
            yield found, _Pieces(found)
            reusable = found.isclosed() and not found.will_close
        except ssl.SSLCertVerificationError as error:
            connection.close()
            raise ProjectError(
                f"{self.url} does not prove who it is: {error.verify_message}; SSL_CERT_FILE names the "
                "certificates to trust beside the system's"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unreachable(f"{self.url} cannot be reached: {_words(error)}") from error
        except BaseException:
            connection.close()
            raise
        if reusable:
            with self._lock:
                self._idle.append((time.monotonic(), connection))
        else:
            connection.close()

    def _check(self, found: http.client.HTTPResponse) -> None:
        """Raises what every reply of this kind means."""
        if found.status in _LATER:
            raise Unreachable(f"{self.url} answers {found.status} {found.reason}")
        if 300 <= found.status < 400:
            # Followed, it would be told the account key.
            there = urlsplit(found.headers.get("Location", ""))
            raise ProjectError(
                f"{self.url} sends its callers to {there.scheme}://{there.netloc}{there.path}: name that "
                "project if it is the one you want"
            )

    def _connection(self) -> http.client.HTTPConnection:
        now = time.monotonic()
        with self._lock:
            while self._idle:
                since, connection = self._idle.pop()
                if now - since < _FRESH:
                    return connection
                connection.close()
        return self._new_connection()

    def _new_connection(self) -> http.client.HTTPConnection:
        place = self._proxy or (self._host, self._port)
        if self._tls is None:
            return http.client.HTTPConnection(*place, timeout=_TIMEOUT)
        made = http.client.HTTPSConnection(*place, timeout=_TIMEOUT, context=self._tls)
        if self._proxy:
            made.set_tunnel(self._host, self._port)
        return made


class _Pieces:
    """Reads the body of a response, which may be called once."""

    def __init__(self, found: http.client.HTTPResponse) -> None:
        self._found = found

    def __call__(self, most: int) -> Iterator[bytes]:
        """Its pieces. Raises TooMuch if it is larger, OSError, HTTPException."""
        started, size = time.monotonic(), 0
        while piece := self._found.read(_CHUNK):
            size += len(piece)
            if size > most:
                raise TooMuch(f"the project answers with more than {most} bytes")
            if time.monotonic() - started > _TIMEOUT + size / _BYTES_PER_SECOND:
                raise TimeoutError("it answers too slowly")
            yield piece


def is_loopback(host: str) -> bool:
    """Whether this is a name of the computer itself, as nobody else can claim it."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked(url: str) -> SplitResult:
    parts = urlsplit(url)
    try:
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ProjectError(f"{url!r} is no URL: {error}") from error
    if parts.username is not None or parts.query or parts.fragment or not host or not url.isascii():
        raise ProjectError("the URL of a project is http(s)://HOST/PATH/, without a user, a query or a #")
    if parts.scheme == "https" or is_loopback(host) or os.environ.get(PLAIN_HTTP) == "1":
        return parts
    raise ProjectError(
        f"{url} is not encrypted, so that everybody on the way could take the account key: use https, or "
        f"set {PLAIN_HTTP}=1 where the way is safe"
    )


def _proxy(parts: SplitResult) -> tuple[str, int | None] | None:
    """The proxy that the environment names for such a URL."""
    host = parts.hostname or ""
    named = urlsplit(urllib.request.getproxies().get(parts.scheme, ""))
    if not named.hostname or is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    return named.hostname, named.port


def _type(found: http.client.HTTPResponse) -> str:
    return found.headers.get_content_type()


def _words(error: Exception) -> str:
    if isinstance(error, socket.timeout):
        return "it does not answer in time"
    if isinstance(error, http.client.HTTPException):
        return "the connection broke off"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
