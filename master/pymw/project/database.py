"""The project's database: SQLite, one file, opened by the server and by masters at the same time.

The log mode (WAL) lets others read while one writes. With synchronous=NORMAL a killed program loses nothing
that was committed. A power failure may lose the last commits, never damage the rest: clients tell the server
what they have, so that lost tasks are sent again; and a master submits again what is not there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pymw.errors import ProjectError
from pymw.project import tallies
from pymw.project.remote import batches

SCHEMA = 1
APPLICATION = 0x70796D70  # "pymp": marks the file as ours (PRAGMA application_id)
BUSY_SECONDS = 30.0  # another program holds the database for an instant only
_LOG_PAGES = 4000  # of 4 KiB, after which the log is copied into the database

_TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE account (
    id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, password TEXT NOT NULL,
    authenticator TEXT NOT NULL UNIQUE, weak TEXT NOT NULL, created REAL NOT NULL,
    credit REAL NOT NULL DEFAULT 0
);
CREATE TABLE host (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL, cpid TEXT NOT NULL,
    rpc_seqno INTEGER NOT NULL, created REAL NOT NULL, last_rpc REAL NOT NULL, domain_name TEXT NOT NULL,
    platform TEXT NOT NULL, os TEXT NOT NULL, client TEXT NOT NULL, ncpus INTEGER NOT NULL,
    fpops REAL NOT NULL, memory REAL NOT NULL, address TEXT NOT NULL,
    credit REAL NOT NULL DEFAULT 0, errors INTEGER NOT NULL DEFAULT 0, last_error REAL NOT NULL DEFAULT 0
);
CREATE INDEX host_identity ON host (account, cpid);
CREATE TABLE app_version (
    id INTEGER PRIMARY KEY, platform TEXT NOT NULL, version_num INTEGER NOT NULL,
    api_version TEXT NOT NULL, created REAL NOT NULL, UNIQUE (platform, version_num)
);
CREATE TABLE app_file (
    app_version INTEGER NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, nbytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL, signature TEXT NOT NULL, PRIMARY KEY (app_version, position)
) WITHOUT ROWID;
CREATE TABLE input_file (
    name TEXT PRIMARY KEY, nbytes INTEGER NOT NULL, md5 TEXT NOT NULL, created REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE input_use (
    file TEXT NOT NULL, workunit INTEGER NOT NULL, PRIMARY KEY (file, workunit)
) WITHOUT ROWID;
CREATE INDEX input_of_workunit ON input_use (workunit);
CREATE TABLE workunit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, batch TEXT NOT NULL,
    content BLOB NOT NULL, job TEXT NOT NULL, created REAL NOT NULL,
    target_nresults INTEGER NOT NULL, min_quorum INTEGER NOT NULL, max_error_results INTEGER NOT NULL,
    max_total_results INTEGER NOT NULL, delay_bound REAL NOT NULL, memory_bound REAL NOT NULL,
    error_mask INTEGER NOT NULL DEFAULT 0, canonical INTEGER
);
CREATE INDEX workunit_batch ON workunit (batch);
CREATE INDEX workunit_failed ON workunit (id) WHERE error_mask != 0;
CREATE TABLE result (
    id INTEGER PRIMARY KEY AUTOINCREMENT, workunit INTEGER NOT NULL, name TEXT NOT NULL UNIQUE,
    retry INTEGER NOT NULL, created REAL NOT NULL, state INTEGER NOT NULL,
    outcome INTEGER NOT NULL DEFAULT 0, validity INTEGER NOT NULL DEFAULT 0, fault INTEGER NOT NULL DEFAULT 0,
    digest BLOB, host INTEGER, account INTEGER, app_version INTEGER, sent REAL, deadline REAL, received REAL,
    exit_status INTEGER, cpu REAL NOT NULL DEFAULT 0, elapsed REAL NOT NULL DEFAULT 0,
    credit REAL NOT NULL DEFAULT 0, stderr TEXT NOT NULL DEFAULT '', nonce INTEGER NOT NULL
);
CREATE INDEX result_workunit ON result (workunit);
CREATE INDEX result_unsent ON result (retry, id) WHERE state = 2;
CREATE INDEX result_deadline ON result (deadline) WHERE state = 4;
CREATE INDEX result_host ON result (host) WHERE state = 4;
CREATE TABLE finished (sequence INTEGER PRIMARY KEY AUTOINCREMENT, workunit INTEGER NOT NULL UNIQUE);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {SCHEMA};
COMMIT;
"""


def create(path: Path) -> None:
    """Make the database. Raises ProjectError if there is one."""
    if path.exists():
        raise ProjectError(f"{path} is there already")
    with closing(_open(path)) as connection:
        connection.executescript(_TABLES)


def connect(path: Path) -> sqlite3.Connection:
    """Open the database. It may be used by one thread at a time, any. Raises ProjectError."""
    if not path.is_file():
        raise ProjectError(f"{path.parent} is no PyMW project: it has no {path.name}")
    try:
        connection = _open(path)
        try:
            _check(connection, path)
            tallies.ensure(connection)
            batches.ensure(connection)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise ProjectError(f"{path} cannot be used: {error}") from error
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    schema = connection.execute("PRAGMA user_version").fetchone()[0]
    if (application, schema) == (APPLICATION, SCHEMA):
        return
    if application == APPLICATION and schema > SCHEMA:
        raise ProjectError(f"{path} was made by a newer PyMW: upgrade this one")
    raise ProjectError(f"{path} is not the database of a PyMW project")


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA temp_store = MEMORY")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All that is written in this block, or nothing. Raises ProjectError if it cannot be written."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # some errors end it by themselves
                connection.execute("ROLLBACK")
            raise
    except sqlite3.Error as error:
        raise ProjectError(f"the project's database cannot be written: {error}") from error
