"""Takes what clients report: checks the outputs, notes how results ended, lets the state machine go on."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from pymw.project import jobs, transitions
from pymw.project.jobs import Output
from pymw.project.request import Report, SchedulerRequest
from pymw.project.states import (
    ABORTED_BY_PROJECT,
    ErrorMask,
    Fault,
    Outcome,
    State,
    fault_of,
)
from pymw.project.uploads import Digest, Uploads

log = logging.getLogger(__name__)

FILES_UPLOADED = 5  # a result's state in the client: all of its outputs are at the server
_LOST = (Outcome.NO_REPLY, Outcome.CLIENT_DETACHED)

_FIND = """
SELECT result.id, result.workunit, result.state, result.outcome, result.nonce, result.host,
    workunit.job, workunit.canonical, workunit.error_mask
FROM result JOIN workunit ON workunit.id = result.workunit WHERE result.name = ?"""
_END = f"""
UPDATE result SET state = {State.OVER:d}, outcome = ?, fault = ?, digest = ?, received = ?, exit_status = ?,
    cpu = ?, elapsed = ?, stderr = ? WHERE id = ?"""


def digests(uploads: Uploads, reports: Iterable[Report]) -> dict[str, Digest]:
    """What the uploaded files of these reports really are, those that are there. Reads files: takes time."""
    found = dict[str, Digest]()
    for report in reports:
        for name in report.files:
            if name.startswith(report.name + "_r") and (digest := uploads.digest(name)):
                found[name] = digest
    return found


def take(
    db: sqlite3.Connection, request: SchedulerRequest, host: int, found: Mapping[str, Digest], now: float
) -> None:
    """Take the reports of a computer; belongs into a transaction. What is unknown or repeated is passed over.

    found: what `digests` said about them.
    """
    for report in request.reports:
        row = db.execute(_FIND, (report.name,)).fetchone()
        if row is None or row["host"] != host:
            log.info("host %d reports %s, which it was not given", host, report.name)
        elif row["state"] == State.IN_PROGRESS or row["outcome"] in _LOST:
            _take(db, row, report, found, request.authenticator, now)


def _take(
    db: sqlite3.Connection,
    row: sqlite3.Row,
    report: Report,
    found: Mapping[str, Digest],
    secret: str,
    now: float,
) -> None:
    outcome, fault, digest = Outcome.CLIENT_ERROR, fault_of(report.exit_status), None
    if report.exit_status == 0 and report.state == FILES_UPLOADED:
        digest = _verified(row, report, found)
        outcome, fault = Outcome.VALIDATE_ERROR, Fault.HOST
        if digest is not None:
            outcome, fault = Outcome.SUCCESS, Fault.NONE
    stderr = report.stderr.replace(secret, "(key)") if secret else report.stderr
    values = (outcome, fault, digest, now, report.exit_status, report.cpu, report.elapsed, stderr, row["id"])
    db.execute(_END, values)
    wanted = row["error_mask"] == ErrorMask.NONE and report.exit_status != ABORTED_BY_PROJECT
    if fault == Fault.HOST and wanted:
        transitions.count_errors(db, [row["host"]], now)
    transitions.settle(db, row["workunit"], now)


def _verified(row: sqlite3.Row, report: Report, found: Mapping[str, Digest]) -> bytes | None:
    """The digest of all validated outputs; None if one is missing, or is not what the client said."""
    outputs: Sequence[Output] = jobs.read(row["job"]).outputs
    whole = hashlib.sha256()
    for position, output in enumerate(outputs):
        name = jobs.output_name(report.name, row["nonce"], position)
        said, is_there = report.files.get(name), found.get(name)
        good = said is not None and not said.refused and is_there is not None
        if good and said is not None and is_there is not None:
            good = (said.nbytes, said.md5) == (is_there.nbytes, is_there.md5)
        if not good and output.optional:
            is_there = None
        elif not good:
            log.info("%s: the output %s is missing, or not what was reported", report.name, name)
            return None
        if output.validated:
            whole.update(is_there.sha256 if is_there else b"\0" * 32)
    return whole.digest()
