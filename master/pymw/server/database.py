"""The database of a stock project: a connection that comes back when the database does."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
    """A connection; one thread uses it at a time. Each statement stands for itself, but in `transaction`."""

    def __init__(self, access: DatabaseAccess) -> None:
        """Connect. Raises ProjectError, in one sentence without the password."""
        self._access = access
        self._connection = self._connect()
        self._in_transaction = False

    def rows(self, statement: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows that a SELECT finds. Raises ProjectError."""
        return list(self._run(statement, arguments).fetchall())

    def change(self, statement: str, arguments: Sequence[Any] = ()) -> int:
        """Carry out an UPDATE, INSERT or DELETE; returns the number of rows. Raises ProjectError."""
        return self._run(statement, arguments).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is changed in here is changed as a whole when it ends well, and else not at all.

        Rows that are read FOR UPDATE stay locked until then. Raises ProjectError.
        """
        self.change("START TRANSACTION")
        self._in_transaction = True
        try:
            yield
            self.change("COMMIT")
        except BaseException:
            self.close()  # with which the database takes back what was changed
            raise
        finally:
            self._in_transaction = False

    def close(self) -> None:
        """Let go of it."""
        if self._connection.open:
            self._connection.close()

    def _run(self, statement: str, arguments: Sequence[Any]) -> Cursor:
        # In a transaction, another connection would know nothing of what this one has changed and locked.
        if not self._in_transaction and not self._alive():
            # The database may have been started again since: its connections are then gone.
            self.close()
            self._connection = self._connect()
        try:
            cursor = self._connection.cursor()
            cursor.execute(statement, arguments)
        except pymysql.Error as error:
            raise ProjectError(f"the database {self._access.name} failed: {_words(error)}") from error
        return cursor

    def _alive(self) -> bool:
        try:
            self._connection.ping(reconnect=False)
        except pymysql.Error:
            return False
        return True

    def _connect(self) -> pymysql.Connection[Cursor]:
        access = self._access
        connection = pymysql.connect(
            host=access.host or "localhost",
            user=access.user,
            password=access.password,
            database=access.name,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=_PATIENCE,
            read_timeout=_PATIENCE,
            write_timeout=_PATIENCE,
            defer_connect=True,
        )
        try:
            connection.connect(_local() if access.host in _LOCAL else None)
        except (pymysql.Error, OSError) as error:
            raise ProjectError(
                f"the database {access.name} cannot be reached as {access.user}: {_words(error)}"
            ) from error
        return connection


def _local() -> socket.socket | None:
    """MySQL's own clients take this computer's socket for localhost, which may let in whom TCP does not.

    Connected here: PyMySQL would leave one that cannot be connected open. Raises OSError.
    """
    places = (os.environ.get("MYSQL_UNIX_PORT", ""), *_SOCKETS)
    place = next((place for place in places if place and Path(place).exists()), None)
    if place is None:
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_PATIENCE)
        connection.connect(place)
    except BaseException:
        connection.close()
        raise
    return connection


def _words(error: pymysql.Error | OSError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error.args[-1] if error.args else error).rstrip(".")
