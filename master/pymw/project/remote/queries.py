"""What the web RPCs tell, as the stock server words it."""

from __future__ import annotations

import html
import sqlite3
import time
from collections.abc import Callable

from pymw_packager.names import APP

from pymw.boinc import attempts
from pymw.project import jobs, outcomes
from pymw.project.layout import Layout
from pymw.project.messages import Fields, block, element, elements
from pymw.project.outcomes import Attempt, Success
from pymw.project.remote import batches
from pymw.project.remote.batches import Batch
from pymw.project.states import Outcome, State, Validity

_LARGEST_ID = 2**62
_VALIDITY = {
    Validity.INIT: "Completed, waiting for validation",
    Validity.VALID: "Completed and validated",
    Validity.INVALID: "Completed, marked as invalid",
    Validity.NO_CHECK: "Completed, can't validate",
    Validity.INCONCLUSIVE: "Completed, validation inconclusive",
}
_OUTCOME = {
    Outcome.COULDNT_SEND: "Couldn't send",
    Outcome.CLIENT_ERROR: "Error while computing",
    Outcome.NO_REPLY: "Timed out - no response",
    Outcome.DIDNT_NEED: "Didn't need",
    Outcome.VALIDATE_ERROR: "Validate error",
    Outcome.CLIENT_DETACHED: "Abandoned",
}


class Refusal(Exception):
    """An RPC is refused; the message is for who asked."""


Query = Callable[[sqlite3.Connection, Layout, str], str]


def batch_of(db: sqlite3.Connection, fields: Fields) -> Batch:
    """The batch that an RPC names. Raises Refusal."""
    found = batches.find(db, fields.integer("batch_id", high=_LARGEST_ID), fields.name("batch_name"))
    if found is None:
        raise Refusal("no such batch")
    return found


def query_batches(db: sqlite3.Connection, place: Layout, request: str) -> str:
    """All batches."""
    return "".join(block("batch", _about(each)) for each in batches.every(db))


def query_batch(db: sqlite3.Connection, place: Layout, request: str) -> str:
    """A batch and its jobs."""
    found = batch_of(db, Fields(request))
    rows = db.execute("SELECT id, name, canonical FROM workunit WHERE batch = ? ORDER BY id", (found.name,))
    return _about(found) + "".join(
        block(
            "job",
            element("id", row["id"]),
            element("name", row["name"]),
            element("canonical_instance_id", row["canonical"] or 0),
        )
        for row in rows
    )


def query_batch2(db: sqlite3.Connection, place: Layout, request: str) -> str:
    """How far the jobs of batches are."""
    since = Fields(request).number("min_mod_time")
    text = element("server_time", f"{time.time():.4f}")
    for tag, name in elements(request):
        if tag != "batch_name":
            continue
        if batches.find(db, 0, name.strip()) is None:
            raise Refusal(f"no batch named {html.escape(name.strip())}")
        found = batches.statuses(db, name.strip(), since)
        text += element("batch_size", len(found))
        for job, status in found.items():
            text += block("job", element("job_name", job), element("status", status))
    return text


def query_job(db: sqlite3.Connection, place: Layout, request: str) -> str:
    """The results of a job, and which of their outputs are here."""
    identity = Fields(request).integer("job_id", high=_LARGEST_ID)
    workunit = db.execute("SELECT job FROM workunit WHERE id = ?", (identity,)).fetchone()
    if workunit is None:
        raise Refusal("no such job")
    count, text = len(jobs.read(workunit["job"]).outputs), ""
    for row in db.execute("SELECT * FROM result WHERE workunit = ? ORDER BY id", (identity,)):
        outputs = [place.upload(jobs.output_name(row["name"], row["nonce"], at)) for at in range(count)]
        there = [path for path in outputs if row["state"] == State.OVER and path.is_file()]
        text += block(
            "instance",
            element("name", row["name"]),
            element("id", row["id"]),
            element("state", _state(row)),
            *(block("outfile", element("size", path.stat().st_size)) for path in there),
        )
    return text


def query_completed_job(db: sqlite3.Connection, place: Layout, request: str) -> str:
    """How a job has ended, and what computers said; the stock server breaks off if it has failed."""
    name = Fields(request).name("job_name")
    found = outcomes.finished(db, place, [name])
    if not found:
        raise Refusal("no such job, or it has not ended")
    outcome = found[0].outcome
    if isinstance(outcome, Success):
        canonical = db.execute("SELECT id FROM result WHERE name = ?", (outcome.by.name,)).fetchone()["id"]
        about = element("error_mask", 0) + element("canonical_resultid", canonical)
        return block("completed_job", about, _attempt(outcome.by, outcome.by.stderr))
    ended = attempts.failed(name, outcome.mask, outcome.attempts)
    said = _attempt(outcome.attempts[-1], ended.stderr) if outcome.attempts else ""
    return block("completed_job", element("error_mask", int(outcome.mask)), said)


def server_status(db: sqlite3.Connection) -> str:
    """How many results there are."""
    found = outcomes.counts(db)
    return block(
        "job_counts",
        element("results_ready_to_send", found.results_unsent),
        element("results_in_progress", found.results_in_progress),
    )


def _about(batch: Batch) -> str:
    done = batch.failed + batch.succeeded
    return (
        element("id", batch.id)
        + element("create_time", int(batch.created))
        + element("expire_time", int(batch.expires))
        + element("njobs", batch.jobs)
        + element("fraction_done", done / batch.jobs if batch.jobs else 0)
        + element("nerror_jobs", batch.failed)
        + element("state", int(batch.state))
        + element("name", batch.name)
        + element("app_name", APP)
    )


def _state(row: sqlite3.Row) -> str:
    if row["state"] == State.UNSENT:
        return "Unsent"
    if row["state"] == State.IN_PROGRESS:
        return "In progress"
    if row["outcome"] == Outcome.SUCCESS:
        return _VALIDITY[Validity(row["validity"])]
    return _OUTCOME.get(Outcome(row["outcome"]), "Unknown")


def _attempt(attempt: Attempt, stderr: str) -> str:
    status = "" if attempt.exit_status is None else element("exit_status", attempt.exit_status)
    return (
        status
        + element("elapsed_time", attempt.elapsed)
        + element("cpu_time", attempt.cpu)
        + element("hostid", attempt.host)
        + element("platform", html.escape(attempt.platform))
        + f"<stderr_out><![CDATA[\n{html.escape(stderr)}]]></stderr_out>\n"
    )


QUERIES: dict[str, Query] = {
    "query_batches": query_batches,
    "query_batch": query_batch,
    "query_batch2": query_batch2,
    "query_job": query_job,
    "query_completed_job": query_completed_job,
}
