"""Looks at running worker processes: what they are at, whether a task holds up others, what came early."""

from __future__ import annotations

import logging
import threading
import time
from multiprocessing import Pipe
from multiprocessing.connection import wait
from typing import Protocol

from pymw.interfaces.base import Listener
from pymw.interfaces.seat import Entry, Seat

# Seconds between looks: while a task with a time limit is about to begin, while long ones run.
_SOON, _OFTEN, _SELDOM, _NEVER = 0.002, 0.02, 1.0, float("inf")
_STUCK = 0.05  # seconds in one task after which those behind it are given to others
_SETTLED = 0.002  # seconds after which a limit that we wrote has been seen, or will be

log = logging.getLogger("pymw")


class Watched(Protocol):
    """What has workers: a Crew."""

    lock: threading.RLock
    listener: Listener
    seats: list[Seat]

    def listen(self, seat: Seat) -> None:
        """Report what has come early."""

    def give_back(self, seat: Seat, position: int) -> None:
        """A worker will not begin its tasks from this position on."""

    def feed(self) -> None:
        """Send what the workers can take."""


class Watch:
    """A thread that looks at the workers while they have something to do."""

    def __init__(self, crew: Watched) -> None:
        self._crew = crew
        self._bell, self._button = Pipe(duplex=False)
        self._lock = threading.Lock()
        self._rings = 0
        self._dozing = self._stopped = False
        self._thread: threading.Thread | None = None

    def wake(self, urgent: bool = False) -> None:
        """A worker has got something to do. urgent: tell soon when it begins."""
        with self._lock:
            self._rings += 1
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name="pymw watch", daemon=True)
                self._thread.start()
            elif (self._dozing or urgent) and not self._stopped:
                self._dozing = False
                self._button.send_bytes(b".")

    def stop(self) -> None:
        """End the thread."""
        with self._lock:
            already, self._stopped, thread = self._stopped, True, self._thread
            if not already:
                self._button.send_bytes(b".")
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while not self._stopped:
            rings = self._rings
            try:
                pause = min(self._look(seat) for seat in self._crew.seats)
            except Exception:
                log.exception("watching the workers failed")
                pause = _SELDOM
            with self._lock:
                if rings == self._rings:
                    self._dozing = pause >= _SELDOM
                else:
                    pause = min(pause, _SOON)
            self._sleep(pause)

    def _sleep(self, pause: float) -> None:
        news = [seat.news for seat in self._crew.seats if seat.news is not None]
        try:
            ready = wait([self._bell, *news], None if pause == _NEVER else pause)
        except (OSError, ValueError):  # a process died, and its pipe was closed just now
            return
        if self._bell in ready:
            self._bell.recv_bytes()

    def _look(self, seat: Seat) -> float:
        """Look at one worker; returns in how many seconds to look again."""
        crew = self._crew
        crew.listen(seat)
        with crew.lock:
            if not seat.batches:
                return _NEVER
            if seat.process.exitcode is not None:
                seat.kill_group()  # loky does not notice as long as a child of the process lives
            entry = seat.current()
            if entry is None:
                return _SOON if seat.hurry else _OFTEN
            if not entry.wanted:
                seat.kill()
                return _OFTEN
            pause = self._unstick(seat, entry)
            fresh, entry.told = not entry.told, True
        crew.feed()  # what was given back
        if fresh:
            crew.listener.started(entry.task, seat.name)
        return pause

    def _unstick(self, seat: Seat, entry: Entry) -> float:
        """Give to others what waits behind a long task; returns in how many seconds to look again."""
        now = time.monotonic()
        position = entry.position
        if seat.seen[0] != position:
            seat.seen = (position, now)
            return _OFTEN
        behind = any(other.position > position for batch in seat.batches for other in batch.mine())
        if not behind:
            return _SELDOM if now - seat.seen[1] > _STUCK else _OFTEN
        if now - seat.seen[1] <= _STUCK:
            return _OFTEN
        if not seat.limited:
            seat.limit(position + 1)
            return _SETTLED
        # The worker was at this task before we set the limit, and still is: it has seen it, or will.
        self._crew.give_back(seat, position + 1)
        return _OFTEN
