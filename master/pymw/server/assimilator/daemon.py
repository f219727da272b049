"""The daemon: sweep after sweep through the workunits that have ended, until it is stopped."""

from __future__ import annotations

from pymw_packager.names import APP

from pymw.errors import ProjectError
from pymw.server.assimilator.expired_files import ExpiredFiles
from pymw.server.assimilator.handover import Handover
from pymw.server.assimilator.log import Level, Log
from pymw.server.assimilator.queue import ROUND, NoApplication, Queue
from pymw.server.assimilator.stopping import Stop
from pymw.server.home import ServerHome
from pymw.server.task_folder import TaskFolder

_LOCK_SECONDS = 2  # for a predecessor to end
_PAUSE = 1.0  # seconds between attempts to go on, at least
_WORK = "The work"


class NotAlone(ProjectError):
    """Another assimilator takes the same workunits."""


class Daemon:
    """pymw_assimilator for an application, or for the workunits whose id modulo `modulus` is `remainder`."""

    def __init__(
        self,
        home: ServerHome,
        folder: TaskFolder,
        log: Log,
        stop: Stop,
        app: str,
        modulus: int = 1,
        remainder: int = 0,
    ) -> None:
        self._home = home
        self._folder = folder
        self._log = log
        self._stop = stop
        self._mine = (app, modulus, remainder)
        self._opened: tuple[Queue, Handover] | None = None
        # Of those that share the work, one does this.
        first = app == APP and remainder == 0
        self._expired = ExpiredFiles(home, app, log, stop) if first else None

    def one_pass(self) -> bool:
        """Go through what has ended once; returns whether nothing had to be left. Raises ProjectError."""
        try:
            return self._sweep(sure=False)
        finally:
            self._close()

    def run(self, sleep_interval: float) -> None:
        """Work until it is stopped. What is away for a while is waited for.

        Raises ProjectError if another one works, or there is no such application.
        """
        self._log.say(Level.NORMAL, f"Starting; results go to {self._folder.path}")
        sure = False
        try:
            while not self._stop.wanted():
                sure = self._try(sure)
                self._stop.wanted(sleep_interval if sure else max(_PAUSE, sleep_interval))
        finally:
            self._close()
        self._log.say(Level.NORMAL, f"Quitting because of {self._stop.reason}")

    def _try(self, sure: bool) -> bool:
        """Sweep, and then tidy up, if everything is there for it; returns whether it was."""
        try:
            self._sweep(sure)
            if self._expired is not None:
                self._expired.work()
        except (NoApplication, NotAlone):
            raise
        except ProjectError as error:
            self._log.trouble(_WORK, f"{error}; waiting for that to change")
            return False
        self._log.well(_WORK)
        return True

    def _sweep(self, sure: bool) -> bool:
        """Go through what has ended; returns whether nothing had to be left. sure: as in Handover.begin."""
        queue, handover = self._open()
        if not queue.lock(_LOCK_SECONDS):
            raise NotAlone("another pymw_assimilator does the same work in this project: stop it first")
        handover.begin(sure)
        after, left = 0, 0
        while not self._stop.wanted() and (workunits := queue.ended(after)):
            looked_at, done = handover.round(workunits)
            if done:
                self._log.say(Level.NORMAL, f"Assimilated {done} workunits.")
            left += looked_at - done
            if looked_at:
                after = workunits[looked_at - 1].id
            if looked_at == len(workunits) < ROUND:
                break
        return not left

    def _open(self) -> tuple[Queue, Handover]:
        if self._opened is None:
            queue = Queue(self._home.database, *self._mine)
            self._opened = queue, Handover(self._home, queue, self._folder, self._log, self._stop)
        return self._opened

    def _close(self) -> None:
        if self._opened is not None:
            self._opened[0].close()
        if self._expired is not None:
            self._expired.close()
