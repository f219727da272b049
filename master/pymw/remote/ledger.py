"""What is known of our jobs at the project: in which batch of BOINC's each is, and how far."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

UNSENT, WORKING, DONE, ERROR = "UNSENT", "IN_PROGRESS", "DONE", "ERROR"  # as query_batch2 has them
CANCELLED = "CANCELLED"  # by us
_RUNNING = (UNSENT, WORKING)


@dataclass
class RemoteBatch:
    """A batch of BOINC's. id: at the project. ids: of its jobs, asked for when one has ended."""

    name: str
    id: int
    jobs: set[str]
    ids: dict[str, int] = field(default_factory=dict)


class Ledger:
    """Any thread may use it. What is asked all the time takes no longer, however many jobs have ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._batches: dict[str, RemoteBatch] = {}
        self._at: dict[str, RemoteBatch] = {}
        self._status: dict[str, str] = {}
        self._most: dict[str, int] = {}
        self._open: dict[str, set[str]] = {}  # by batch, the jobs that have not ended
        self._untold: dict[str, None] = {}  # those that have, in order

    def add(self, batch: RemoteBatch, statuses: Mapping[str, str]) -> None:
        """There is this batch, and its jobs are that far."""
        with self._lock:
            self._batches[batch.name] = batch
            running = self._open.setdefault(batch.name, set())
            for job in batch.jobs:
                self._at[job] = batch
                if job not in self._status:
                    self._status[job] = UNSENT
                    running.add(job)
                    self._move(job, statuses.get(job, UNSENT))

    def expect(self, most: Mapping[str, int]) -> None:
        """The output files of these jobs have so many bytes at most."""
        with self._lock:
            self._most.update(most)

    def most(self, job: str, default: int) -> int:
        """How many bytes an output file of a job may have."""
        return self._most.get(job, default)

    def update(self, statuses: Mapping[str, str]) -> None:
        """The project says this of jobs; what has ended stays so."""
        with self._lock:
            for job, status in statuses.items():
                if self._status.get(job) in _RUNNING:
                    self._move(job, status)

    def cancelled(self, jobs: Iterable[str]) -> None:
        """We have cancelled these."""
        with self._lock:
            for job in jobs:
                if job in self._status:
                    self._move(job, CANCELLED)

    def told(self, job: str) -> bool:
        """Note that the end of a job is told now; False if it was before, or the job is forgotten."""
        with self._lock:
            if job not in self._untold:
                return False
            del self._untold[job]
            return True

    def status(self, job: str) -> str | None:
        """How far a job is; None if it is not known."""
        return self._status.get(job)

    def batch_of(self, job: str) -> RemoteBatch:
        """The batch of a job that is known."""
        return self._at[job]

    def running(self, jobs: Iterable[str]) -> list[str]:
        """Those of these jobs that have not ended."""
        return [job for job in jobs if self._status.get(job) in _RUNNING]

    def ended(self) -> list[str]:
        """Jobs that have ended and were not told."""
        with self._lock:
            return list(self._untold)

    def open_batches(self) -> list[str]:
        """Batches in which a job has not ended."""
        with self._lock:
            return [name for name, jobs in self._open.items() if jobs]

    def forget(self, prefix: str) -> None:
        """Forget the batches whose names begin so."""
        with self._lock:
            for name in [name for name in self._batches if name.startswith(prefix)]:
                self._open.pop(name)
                for job in self._batches.pop(name).jobs:
                    self._untold.pop(job, None)
                    for known in (self._at, self._status, self._most):
                        known.pop(job, None)

    def counts(self) -> dict[str, int]:
        """How many jobs are how far."""
        with self._lock:
            found = Counter(self._status.values())
        return {
            "unsent": found[UNSENT],
            "in_progress": found[WORKING],
            "done": found[DONE],
            "failed": found[ERROR] + found[CANCELLED],
        }

    def _move(self, job: str, status: str) -> None:
        running = self._open[self._at[job].name]
        if status not in _RUNNING and job in running:
            running.discard(job)
            self._untold[job] = None
        self._status[job] = status
