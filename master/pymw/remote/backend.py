"""A project on another computer as a backend: nothing but its URL and an account key is needed.

The secret task key stays here: the project gets what it has signed.
"""

from __future__ import annotations

import logging
import re
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pymw_packager.names import APP

from pymw.boinc import remote_files, workunits
from pymw.boinc.backend import Backend, Demand, Ended, Job
from pymw.errors import ProjectError
from pymw.remote import account, rpc
from pymw.remote.account import AccountKey
from pymw.remote.collection import Collection
from pymw.remote.ledger import CANCELLED, DONE, ERROR, WORKING, Ledger, RemoteBatch
from pymw.remote.replies import Refused
from pymw.remote.rpc import Rpc
from pymw.remote.submission import TOGETHER, Submission
from pymw.remote.web import Unreachable, Web
from pymw.server import facts
from pymw.server.facts import Facts
from pymw.server.task_folder import batch_of

log = logging.getLogger(__name__)

_PATIENCE = 180.0  # seconds that what was asked is repeated, where the network fails
_PARTING = 20.0  # ... when it is the last that is asked
_AWAY = 86_400.0  # seconds without any answer after which a project is given up: laptops sleep
_SOONEST, _LATEST = 0.5, 10.0  # seconds between looks for news: the longer nothing has happened
_OVERLAP = 30.0  # seconds of the server's time that are looked at twice: its clocks may differ
_SWEEP = 300.0  # seconds after which all jobs are looked at, whatever has changed
_CONNECTIONS = 4
_FETCHED = 100  # jobs fetched before some are told
_NAMED = 50  # batches, and 200 jobs, in one request
_ABORTED = 200


class RemoteBackend(Backend):
    """A project that its URL reaches: of the stock BOINC server, or one that `pymw project serve` serves."""

    def __init__(self, url: str, account_file: Path | None = None) -> None:
        """Ask the project what it is. Raises ProjectError, KeyFileError.

        account_file: with the account key; None: that in the environment, or that `pymw account add` keeps.
        """
        with Web(url) as web:
            key = account.find(web.url, account_file)
            self._facts = check(web, key)
        self._web = web
        self._closing = threading.Event()
        self._patient = Rpc(self._web, key, self._closing, _PATIENCE)
        self._parting = Rpc(self._web, key, self._closing, _PARTING)
        self._brief = Rpc(self._web, key, self._closing, 0.0)
        self._executor = ThreadPoolExecutor(_CONNECTIONS, "pymw remote")
        self._folder = tempfile.TemporaryDirectory(prefix="pymw-remote-")
        self._ledger = Ledger()
        self._submission = Submission(self._patient, self._executor, self._closing)
        self._collection = Collection(self._brief, self._ledger, Path(self._folder.name), self._executor)
        self._lock = threading.RLock()
        self._numbers: dict[str, int] = {}
        self._bundles: dict[str, bytes] = {}
        self._returned: list[Ended] = []
        self._since, self._swept = 0.0, 0.0
        self._answered = self._changed = time.monotonic()
        self._next = 0.0

    def task_keys(self) -> tuple[tuple[bytes, ...], Path | None]:
        """The keys that pymw.json names; the secret one is the scientist's own."""
        return tuple(bytes.fromhex(key) for key in self._facts.task_keys), None

    def demand(self) -> Demand:
        """As many equal results as the project asks for."""
        return Demand(target_nresults=self._facts.min_quorum, min_quorum=self._facts.min_quorum)

    def stage(self, bundle: bytes, batch: str) -> str:
        """Upload a code bundle, unless it is there; the project keeps it for as long as it is asked to."""
        name = remote_files.name_of("bundle", bundle)
        self._submission.upload({name: bundle})
        self._bundles[name] = bundle
        return name

    def submit(self, jobs: Sequence[Job], batch: str) -> None:
        """Submit them as batches of BOINC's, whose names are the batch's and a number."""
        self._load(batch)
        new = [job for job in jobs if self._ledger.status(job.name) is None]
        for start in range(0, len(new), TOGETHER):
            self._submit(new[start : start + TOGETHER], batch)

    def _submit(self, jobs: Sequence[Job], batch: str) -> None:
        arguments = [remote_files.name_of("arguments", job.arguments) for job in jobs]
        files = dict(zip(arguments, (job.arguments for job in jobs), strict=True))
        # Asked for again, a bundle stays for as long as these jobs may.
        bundles = {job.bundle: self._bundles[job.bundle] for job in jobs if job.bundle in self._bundles}
        self._submission.upload({**bundles, **files})
        with self._lock:
            self._numbers[batch] += 1
            name = f"{batch}_{self._numbers[batch]}"
        made = [workunits.workunit(job, given, name) for job, given in zip(jobs, arguments, strict=True)]
        self._ledger.expect({job.name: job.demand.max_nbytes for job in jobs})
        try:
            identity = self._submission.fill(name, made)
        except ProjectError:
            self._numbers.pop(batch)  # some may be there: the next time, the project is asked
            raise
        self._ledger.add(RemoteBatch(name, identity, {job.name for job in jobs}), {})
        self._changed, self._next = time.monotonic(), 0.0

    def news(self, seconds: float) -> list[Ended]:
        """Jobs of ours that have ended. Their files are there until the next call."""
        self._remove(self._returned)
        self._returned = []
        waiting = self._ledger.ended()
        if not waiting:
            pause = self._next - time.monotonic()
            if self._closing.wait(max(0.0, min(seconds, pause))) or pause > seconds:
                return []
            self._look()
            waiting = self._ledger.ended()
        found = self._collection.fetch(waiting[:_FETCHED])
        self._returned = [one for one in found if self._ledger.told(one.name)]
        if waiting and not found:  # the project does not send them now
            self._closing.wait(seconds)
        return self._returned

    def working(self, names: Sequence[str]) -> dict[str, str]:
        """Jobs that were sent; a project does not say to whom."""
        return {name: "a volunteer" for name in names if self._ledger.status(name) == WORKING}

    def known(self, names: Sequence[str]) -> set[str]:
        """Jobs that are in a batch which is not retired."""
        self._load_all(names)
        cancelled = {one.name for one in self._fetched(names, ERROR, CANCELLED) if one.cancelled}
        return {name for name in names if self._ledger.status(name)} - cancelled

    def ended(self, names: Sequence[str]) -> list[Ended]:
        """Jobs that have ended. Their files are there until this is closed."""
        self._load_all(names)
        found = self._fetched(names, DONE, ERROR, CANCELLED)
        for one in found:
            self._ledger.told(one.name)
        return found

    def cancel(self, names: Sequence[str]) -> None:
        """Stop jobs that have not ended."""
        self._load_all(names)
        running = self._ledger.running(names)
        for start in range(0, len(running), _ABORTED):
            some = running[start : start + _ABORTED]
            self._parting.abort_jobs(some)
            self._ledger.cancelled(some)

    def forget(self, batch: str) -> None:
        """Abort and retire its batches at the project, which then removes their files."""
        for each in _batches_of(batch, self._parting):
            self._parting.remove_batch(each.id)
        self._ledger.forget(f"{batch}_")

    def status(self) -> dict[str, Any]:
        """How far our jobs are, and what the project says of all of its own."""
        return {**self._ledger.counts(), **self._patient.counts()}

    def close(self) -> None:
        """Remove what was downloaded."""
        self._closing.set()
        self._executor.shutdown(cancel_futures=True)
        self._web.close()
        self._folder.cleanup()

    def _look(self) -> None:
        """Ask how far our jobs are. Raises ProjectError if nothing has been heard for too long."""
        now = time.monotonic()
        try:
            sweep = now - self._swept > _SWEEP
            asked = self._ledger.open_batches()
            times = [self._ask(asked[at : at + _NAMED], sweep) for at in range(0, len(asked), _NAMED)]
            if times:
                self._since = min(times) - _OVERLAP
                self._swept = now if sweep else self._swept
            self._answered = now
        except Unreachable as error:
            log.warning("%s; it is asked again", error)
            if now - self._answered > _AWAY:
                raise
        if self._ledger.ended():
            self._changed = now
        self._next = time.monotonic() + min(max((now - self._changed) / 10, _SOONEST), _LATEST)

    def _ask(self, batches: Sequence[str], sweep: bool) -> float:
        server_time, statuses = self._brief.statuses(batches, 0.0 if sweep else self._since)
        self._ledger.update(statuses)
        return server_time

    def _load(self, batch: str) -> None:
        """Get to know what an earlier program has submitted of a batch."""
        with self._lock:
            if batch in self._numbers:
                return
            found = _batches_of(batch, self._patient)
            for each in found:
                _, statuses = self._patient.statuses([each.name], 0.0)
                self._ledger.add(RemoteBatch(each.name, each.id, set(statuses)), statuses)
                if each.state == rpc.ABORTED:
                    self._ledger.cancelled(statuses)
            self._numbers[batch] = max((int(each.name.rpartition("_")[2]) for each in found), default=0)

    def _load_all(self, jobs: Sequence[str]) -> None:
        for batch in {batch_of(job) for job in jobs if batch_of(job)}:
            self._load(batch)

    def _fetched(self, jobs: Sequence[str], *statuses: str) -> list[Ended]:
        return self._collection.fetch([job for job in jobs if self._ledger.status(job) in statuses])

    def _remove(self, ended: Sequence[Ended]) -> None:
        for one in ended:
            for path in (one.result, one.log):
                if path is not None:
                    path.unlink(missing_ok=True)


def _batches_of(batch: str, calls: Rpc) -> list[rpc.Batch]:
    """The batches of BOINC's that a batch of ours consists of."""
    ours = re.compile(re.escape(batch) + "_[0-9]+")
    return [each for each in calls.batches(f"{batch}_") if ours.fullmatch(each.name)]


def check(web: Web, key: AccountKey) -> Facts:
    """What a project offers, in which the account of this key may submit. Raises ProjectError."""
    found = _facts(web)
    try:
        Rpc(web, key, threading.Event(), 0.0).batches("")
    except Refused as error:
        known = {
            "bad authenticator": "does not know this account key",
            "no file access": "does not let this account submit: whoever runs it can allow that",
        }
        if error.reason not in known:
            raise
        raise ProjectError(f"{web.url} {known[error.reason]}") from error
    return found


def _facts(web: Web) -> Facts:
    reply = web.ask("GET", "pymw.json")
    if reply.status == 404:
        raise ProjectError(f"{web.url} is no project for PyMW: pymw_setup, on its server, makes it one")
    try:
        found = facts.parse(reply.body)
        if reply.status != 200 or found.app != APP:
            raise ValueError("is none of PyMW's")
    except ValueError as error:
        raise ProjectError(f"{web.url}pymw.json {error}: is that the project's master URL?") from error
    return found
