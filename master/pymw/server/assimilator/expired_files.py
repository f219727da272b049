"""Input files that programs have sent by BOINC's web RPCs, and that nobody needs any more.

Each has a row in the table job_file, with the time until which its program wants it; no program that a stock
project runs looks at that. A file goes while its row is locked, and the row with it: a program that asks for
it in that moment (query_files) first sets a new time, waits for that lock, and then hears that it is absent.
If we are killed in between, the row stays: whoever asks hears that the file is absent, and the next round
removes the row.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from pymw.boinc import remote_files
from pymw.errors import ProjectError
from pymw.server import file_system
from pymw.server.assimilator.log import Level, Log
from pymw.server.assimilator.stopping import Stop
from pymw.server.database import Database
from pymw.server.home import ServerHome

_EVERY = 1800.0  # seconds between the beginnings of rounds
_TURN = 0.5  # seconds that a round may take of a pause between sweeps, and one step more
_LOCK_SECONDS = 2  # for one who has locked rows of ours
_FILES = 20_000  # that a round looks at
_WORKUNITS = 1000  # that one query looks at
_TOGETHER = 100  # files that are removed in a transaction
_WORK = "Removing expired input files"

# A time of 0 is none: such files stay.
_EXPIRED = "delete_time > 0 AND delete_time < UNIX_TIMESTAMP()"
_PATTERN = remote_files.PREFIX.replace("_", r"\_") + "%"
_FIND = f"""
    SELECT id, name FROM job_file WHERE id > %s AND {_EXPIRED} AND name LIKE %s ORDER BY id LIMIT {_FILES}"""
_LOCK = f"SELECT id, name FROM job_file WHERE id IN ({{places}}) AND {_EXPIRED} ORDER BY id FOR UPDATE"
_REMOVE = "DELETE FROM job_file WHERE id IN ({places})"
_NOT_DONE = (0, 1)  # assimilate_state, in the order in which a workunit goes through them
_UNFINISHED = f"""
    SELECT w.id, IF(w.xml_doc LIKE %s, w.xml_doc, NULL)
    FROM workunit w FORCE INDEX (wu_assim) JOIN app a ON a.id = w.appid
    WHERE a.name = %s AND w.assimilate_state = %s AND w.id > %s ORDER BY w.id LIMIT {_WORKUNITS}"""


class ExpiredFiles:
    """Removes them, a piece at a time, so that nothing else has to wait long."""

    def __init__(self, home: ServerHome, app: str, log: Log, stop: Stop) -> None:
        """app: the application whose workunits use such files."""
        self._home = home
        self._app = app
        self._log = log
        self._stop = stop
        self._due = 0.0  # when the next round begins
        self._after = 0  # the row at which the last one ended
        self._database: Database | None = None
        self._steps: Iterator[None] | None = None
        self._removed = 0
        self._trouble = ""

    def work(self) -> None:
        """Go on with a round, or begin one if it is time. Raises ProjectError if the database fails.

        What cannot be removed is said, and tried again in the next round.
        """
        if self._steps is None:
            if time.monotonic() < self._due:
                return
            self._due = time.monotonic() + _EVERY
            self._steps = self._round()
        until = time.monotonic() + _TURN
        try:
            for _ in self._steps:
                if time.monotonic() > until or self._stop.wanted():
                    return
        except ProjectError:
            self.close()
            raise
        self.close()
        self._say()

    def close(self) -> None:
        """Let go of the database."""
        self._steps = None
        if self._database is not None:
            self._database.close()
            self._database = None

    def _say(self) -> None:
        """Say what came of a round."""
        if self._removed:
            self._log.say(Level.NORMAL, f"Removed {self._removed} input files that have expired.")
            self._removed = 0
        if self._trouble:
            self._log.trouble(_WORK, f"{self._trouble}: input files that have expired stay for now")
        else:
            self._log.well(_WORK)

    def _round(self) -> Iterator[None]:
        """Remove what has expired, in steps."""
        self._trouble = ""
        self._database = database = Database(self._home.database)
        database.change(f"SET SESSION innodb_lock_wait_timeout = {_LOCK_SECONDS}")
        rows = database.rows(_FIND, (self._after, _PATTERN))
        if len(rows) == _FILES:
            self._after, self._due = rows[-1][0], 0.0
        else:
            self._after = 0
        expired = {name: row for row, name in rows if remote_files.NAME.fullmatch(name)}
        if expired:
            yield from self._keep_used(database, expired)
        found = list(expired.values())
        for start in range(0, len(found), _TOGETHER):
            yield
            if not file_system.has_something(self._home.download_dir):
                self._trouble = f"{self._home.download_dir} is empty, as if its file system were not mounted"
                return
            self._remove(database, found[start : start + _TOGETHER])

    def _keep_used(self, database: Database, expired: dict[str, int]) -> Iterator[None]:
        """Take out of `expired` what a workunit that is not done needs.

        A workunit that comes later is none: its program has asked for its files, which have not expired then.
        """
        pattern = f"%{_PATTERN}"
        for state in _NOT_DONE:
            after = 0
            while rows := database.rows(_UNFINISHED, (pattern, self._app, state, after)):
                for _, document in rows:
                    for name in remote_files.NAME.findall((document or b"").decode("ascii", "replace")):
                        expired.pop(name, None)
                after = rows[-1][0]
                yield

    def _remove(self, database: Database, ids: Sequence[int]) -> None:
        with database.transaction():
            rows = database.rows(_LOCK.format(places=_places(ids)), ids)
            removed = [row for row, name in rows if self._removes(name)]
            if removed:
                database.change(_REMOVE.format(places=_places(removed)), removed)

    def _removes(self, name: str) -> bool:
        """Whether a file is gone; it may have been before."""
        path = self._home.in_download(name)
        try:
            # Its MD5 first, which the server can make again from the file, but nobody misses without it.
            path.with_name(f"{name}.md5").unlink(missing_ok=True)
            path.unlink()
        except FileNotFoundError:
            return True
        except OSError as error:
            self._trouble = self._trouble or f"{path} cannot be removed: {error.strerror}"
            return False
        self._log.say(Level.DEBUG, f"[{name}] has expired and is removed")
        self._removed += 1
        return True


def _places(ids: Sequence[int]) -> str:
    return ", ".join(["%s"] * len(ids))
