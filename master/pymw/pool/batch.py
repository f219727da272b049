"""Runs many small tasks one after another in a process that `process.begin` set up."""

from __future__ import annotations

import pickle
import threading
from multiprocessing.connection import Connection
from typing import Any

from pymw.pool import call as calls
from pymw.pool import code, process
from pymw.pool.call import Report
from pymw.pool.process import IDLE

_EARLY = 0.05  # seconds after which results do not wait for the rest of their batch
_LONG = 0.1  # seconds after which a batch ends: the rest may find other workers idle
_LARGE = 1 << 24  # bytes of values after which it ends


class Reporter(threading.Thread):
    """Collects the reports of a batch, and sends them early if the batch takes longer than was expected.

    So a task that takes an hour does not hold back the values of those before it.
    """

    def __init__(self, news: Connection) -> None:
        super().__init__(name="pymw reports early", daemon=True)
        self._news = news
        self._change = threading.Condition()
        self._first = 0
        self._batches = 0
        self._active = self._resting = False
        self._sent = 0
        self.reports: list[Report] = []

    def begin(self, first: int) -> None:
        """A batch begins, at this position."""
        with self._change:
            self._first, self._sent, self.reports = first, 0, []
            self._batches += 1
            self._active = True
            if self._resting:
                self._change.notify()

    def end(self) -> tuple[int, list[Report]]:
        """The batch is over. Returns how many reports have been sent, and the others."""
        with self._change:
            self._active = False
            return self._sent, self.reports[self._sent :]

    def run(self) -> None:
        """Send what has waited for long enough."""
        while True:
            with self._change:
                while not self._active:
                    self._resting = True
                    self._change.wait()
                self._resting = False
                batch = self._batches
                self._change.wait(_EARLY)
                ready = self.reports[self._sent :]
                if self._active and self._batches == batch and ready:
                    self._news.send_bytes(pickle.dumps((self._first + self._sent, ready)))
                    self._sent += len(ready)


_reporter: list[Reporter] = []


def run(payload: bytes) -> bytes:
    """Run a batch.

    payload: pickle of (position of the first task, code bundles by digest that this process may not know,
    list of pairs of digest and pickled arguments). Returns a pickle of (position of the first report,
    reports, facts of this process the first time, whether the next task's code bundle is missing). There are
    fewer reports than tasks if the master has set a limit, or time is up.
    """
    first, bundles, tasks = pickle.loads(payload)
    here = process.here()
    facts = None if _reporter else calls.facts()
    if not _reporter:
        _reporter.append(Reporter(here.news))
        _reporter[0].start()
    reporter, note = _reporter[0], here.note
    reporter.begin(first)
    missing = False
    try:
        _run_all(first, bundles, tasks, here, reporter.reports)
    except code.Missing:
        missing = True
    note.position = IDLE
    sent, reports = reporter.end()
    return pickle.dumps((first + sent, reports, facts, missing))


def _run_all(
    first: int, bundles: dict[str, bytes], tasks: list[tuple[str, bytes]], here: Any, reports: list[Report]
) -> None:
    note, streams, run_one, scratch = here.note, here.streams, calls.run, here.scratch
    size, began = 0, None
    for position, (digest, call) in enumerate(tasks, first):
        # First say where we are, then look at the limit: the master does it the other way round.
        note.progress = 0.0
        note.position = position
        if position >= note.limit:
            break
        report = run_one(digest, bundles.get(digest), call, streams, scratch)
        reports.append(report)
        size += len(report[0] if len(report) == 3 else report[1] or b"")
        began = report[-2] if began is None else began
        if report[-1] - began > _LONG or size > _LARGE:
            break
