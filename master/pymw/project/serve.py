"""Runs the server: one process for a project, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from pymw.errors import ProjectError
from pymw.project import settings as settings_file
from pymw.project.app import Application
from pymw.project.layout import Layout
from pymw.project.settings import Settings

log = logging.getLogger(__name__)

STOP_SECONDS = 10  # in which running requests may end
CONNECTIONS = 5000  # of all clients together
IDLE_SECONDS = 30  # that a connection without a request is kept
HEAD_SECONDS = 30.0  # from the opening of a connection to the end of its first request's head


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a server listens. certificate, key: files for TLS; None: a proxy does it, or nobody."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None


class Server(uvicorn.Server):
    """A server that a signal ends in order, with success: uvicorn's own sends itself the signal once more."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let SIGTERM and Ctrl-C end the server, while it runs."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def serve(place: Layout, where: Listening) -> None:
    """Serve a project until SIGTERM or Ctrl-C. Raises ProjectError if that can't be."""
    settings = settings_file.read(place.settings)
    with alone(place), bound(where) as listener:
        server = make(place, settings, where)
        log.info("serving %s at %s port %d", settings.url, *listener.getsockname()[:2])
        server.run([listener])


def make(place: Layout, settings: Settings, where: Listening) -> Server:
    """The server of a project, which does not run yet. Raises ProjectError."""
    config = uvicorn.Config(
        Application(place, settings).asgi(),
        http=_protocol(settings),
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        ssl_certfile=where.certificate,
        ssl_keyfile=where.key,
    )
    return Server(config)


def default_port(url: str) -> int:
    """The port that a URL says, or the usual one of its scheme."""
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


@contextmanager
def alone(place: Layout) -> Iterator[None]:
    """Be the only server of a project. A lock of SQLite is one of the system: it dies with its holder.

    Raises ProjectError if there is another one.
    """
    connection = sqlite3.connect(place.lock, timeout=0, isolation_level=None)
    try:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            raise ProjectError(f"another server serves {place.folder}") from error
        yield
    finally:
        connection.close()


@contextmanager
def bound(where: Listening) -> Iterator[socket.socket]:
    """A socket that listens. Raises ProjectError."""
    try:
        listener = socket.create_server((where.host, where.port), backlog=1024)
        # Connections inherit it. Without it, each reply waits 40 ms for the client's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        place = f"{where.host} port {where.port}".strip()
        raise ProjectError(f"nothing can listen at {place}: {error.strerror}") from error
    with listener:
        yield listener


def _protocol(settings: Settings) -> type[asyncio.Protocol]:
    """HTTP with two limits that uvicorn has not: connections of an address, and time for a head."""
    open_connections: dict[str, int] = {}
    most = settings.connections_per_address

    base: Any = AutoHTTPProtocol  # the fastest that is installed

    class Limited(base):  # type: ignore[misc]
        address = ""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            address = self.client[0] if self.client else ""
            if open_connections.get(address, 0) >= most:
                log.warning("%s has too many connections", address)
                transport.abort()
                return
            self.address = address
            open_connections[address] = open_connections.get(address, 0) + 1
            self.loop.call_later(HEAD_SECONDS, self._still_silent)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            if self.address:
                open_connections[self.address] -= 1
                if not open_connections[self.address]:
                    del open_connections[self.address]

        def _still_silent(self) -> None:
            if self.cycle is None and not self.transport.is_closing():
                self.transport.close()

    protocol: type[asyncio.Protocol] = Limited
    return protocol
