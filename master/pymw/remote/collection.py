"""Fetches how jobs have ended: their outputs into a folder here, or why they failed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import Executor
from pathlib import Path

from pymw.boinc import reasons
from pymw.boinc.backend import Ended
from pymw.errors import ProjectError
from pymw.project.messages import Fields
from pymw.project.states import ErrorMask
from pymw.remote import replies
from pymw.remote.ledger import CANCELLED, DONE, Ledger
from pymw.remote.replies import LARGEST_ID, Refused
from pymw.remote.rpc import Rpc
from pymw.remote.web import TooMuch, Unreachable

log = logging.getLogger(__name__)
_MOST = 1 << 30  # bytes of an output of a job that an earlier program submitted


class Collection:
    """Fetches through these RPCs. Any thread may use it."""

    def __init__(self, calls: Rpc, ledger: Ledger, folder: Path, executor: Executor) -> None:
        """folder: for outputs, which this makes. executor: for downloads that go side by side."""
        self._rpc = calls
        self._ledger = ledger
        self._folder = folder
        self._executor = executor

    def fetch(self, jobs: Iterable[str]) -> list[Ended]:
        """How these jobs ended, all of which have; what cannot be reached now is left out.

        Raises ProjectError.
        """
        found = list(jobs)
        for batch in {id(batch): batch for batch in map(self._ledger.batch_of, found)}.values():
            if not batch.jobs <= batch.ids.keys():
                try:
                    batch.ids.update(self._rpc.job_ids(batch.id))
                except Unreachable:
                    return []
        return [ended for ended in self._executor.map(self._fetch, found) if ended is not None]

    def _fetch(self, job: str) -> Ended | None:
        if self._ledger.status(job) == CANCELLED:
            return Ended(job, reason=reasons.reason(job, ErrorMask.CANCELLED), cancelled=True)
        try:
            about = self._rpc.completed_job(job)
            if self._ledger.status(job) == DONE:
                return self._success(job, about)
            return self._failure(job, about)
        except Unreachable as error:
            log.info("%s: %s", job, error)
            return None
        except (Refused, TooMuch) as error:
            return Ended(job, reason=f"the job {job} has ended, and its output cannot be had: {error}")

    def _success(self, job: str, about: Fields) -> Ended:
        identity = self._ledger.batch_of(job).ids.get(job, 0)
        canonical = about.integer("canonical_resultid", high=LARGEST_ID)
        for instance in self._rpc.instances(identity):
            if instance.id == canonical and instance.outputs:
                files = [
                    self._output(job, instance.name, number) for number in range(min(instance.outputs, 2))
                ]
                break
        else:
            return Ended(job, reason=f"the job {job} has ended, and the project has removed its output")
        return Ended(job, files[0], files[1] if len(files) > 1 else None, by=_facts(about))

    def _output(self, job: str, result: str, number: int) -> Path:
        path = self._folder / f"{job}.{number}"
        try:
            with path.open("w+b") as file:
                self._rpc.output(result, number, file, self._ledger.most(job, _MOST))
        except OSError as error:
            raise ProjectError(f"{path} cannot be written: {error.strerror}") from error
        return path

    def _failure(self, job: str, about: Fields) -> Ended:
        mask = about.integer("error_mask")
        exit_status, stderr = None, ""
        if "exit_status" in about:
            exit_status, stderr = about.integer("exit_status", low=-(2**31)), replies.stderr(about)
        elif not mask & ErrorMask.CANCELLED:
            exit_status, stderr = self._attempts(job)
        return Ended(
            job,
            reason=reasons.reason(job, mask),
            exit_status=exit_status,
            stderr=stderr,
            cancelled=bool(mask & ErrorMask.CANCELLED),
            by=_facts(about),
        )

    def _attempts(self, job: str) -> tuple[int | None, str]:
        """The last exit status that was none of success, and all that computers said."""
        exit_status, said = None, []
        for instance in self._rpc.instances(self._ledger.batch_of(job).ids.get(job, 0)):
            attempt = self._rpc.attempt(instance.id)
            exit_status = attempt.exit_status or exit_status
            if attempt.host:
                words = (attempt.host, instance.state.lower(), attempt.exit_status, attempt.stderr)
                said.append(reasons.said(instance.name, *words))
        return exit_status, "\n".join(said)


def _facts(about: Fields) -> dict[str, str]:
    """Who did the work; the stock server names no computer."""
    names = {"hostid": "host", "platform": "boinc-platform"}
    found = {ours: text for theirs, ours in names.items() if (text := about.text(theirs, 64))}
    if "elapsed_time" in about:
        found["cpu"] = f"{about.number('cpu_time'):.3f}"
        found["elapsed"] = f"{about.number('elapsed_time'):.3f}"
    return found
