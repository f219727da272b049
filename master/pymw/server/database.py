"""The database of a stock project: a connection that comes back when the database does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymysql
from pymysql.cursors import Cursor

from pymw.errors import ProjectError
from pymw.server.home import DatabaseAccess

_PATIENCE = 20  # seconds for one answer of the database
_SOCKETS = ("/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock")
_LOCAL = ("", "localhost")


class Database:
    """A connection; one thread uses it at a time. Each statement stands for itself (autocommit)."""

    def __init__(self, access: DatabaseAccess) -> None:
        """Connect. Raises ProjectError, in one sentence without the password."""
        self._access = access
        self._connection = self._connect()

    def rows(self, statement: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows that a SELECT finds. Raises ProjectError."""
        return list(self._run(statement, arguments).fetchall())

    def change(self, statement: str, arguments: Sequence[Any] = ()) -> int:
        """Carry out an UPDATE, INSERT or DELETE; returns the number of rows. Raises ProjectError."""
        return self._run(statement, arguments).rowcount

    def close(self) -> None:
        """Let go of it."""
        if self._connection.open:
            self._connection.close()

    def _run(self, statement: str, arguments: Sequence[Any]) -> Cursor:
        try:
            # The database may have been started again since: its connections are then gone.
            self._connection.ping(reconnect=True)
            cursor = self._connection.cursor()
            cursor.execute(statement, arguments)
        except pymysql.Error as error:
            raise ProjectError(f"the database {self._access.name} failed: {_words(error)}") from error
        return cursor

    def _connect(self) -> pymysql.Connection[Cursor]:
        access = self._access
        try:
            return pymysql.connect(
                host=access.host or "localhost",
                unix_socket=_socket() if access.host in _LOCAL else None,
                user=access.user,
                password=access.password,
                database=access.name,
                charset="utf8mb4",
                autocommit=True,
                connect_timeout=_PATIENCE,
                read_timeout=_PATIENCE,
                write_timeout=_PATIENCE,
            )
        except pymysql.Error as error:
            raise ProjectError(
                f"the database {access.name} cannot be reached as {access.user}: {_words(error)}"
            ) from error


def _socket() -> str | None:
    """MySQL's own clients take this computer's socket for localhost, which may let in whom TCP does not."""
    places = (os.environ.get("MYSQL_UNIX_PORT", ""), *_SOCKETS)
    return next((place for place in places if place and Path(place).exists()), None)


def _words(error: pymysql.Error) -> str:
    return str(error.args[-1] if error.args else error).rstrip(".")
