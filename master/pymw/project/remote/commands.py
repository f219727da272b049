"""What the web RPCs change: batches are made, filled, stopped and removed. In the writer's transactions."""

from __future__ import annotations

import dataclasses
import html
import sqlite3
from collections.abc import Callable
from functools import partial

from pymw_packager.names import APP

from pymw.errors import ProjectError
from pymw.project import forgetting, submission
from pymw.project.forgetting import Leftovers
from pymw.project.jobs import Workunit
from pymw.project.messages import Fields, element, elements
from pymw.project.remote import batches
from pymw.project.remote.batches import BatchState
from pymw.project.remote.queries import Refusal, batch_of
from pymw.remote import forms

_IN_A_BATCH = "SELECT 1 FROM workunit JOIN batch ON batch.name = workunit.batch WHERE workunit.name = ?"
_SUCCESS = element("success", 1)


def prepared(command: str, request: str) -> Callable[[sqlite3.Connection, float], tuple[str, Leftovers]]:
    """What the writer is to do for an RPC, once it is read: it gives the answer and what is left to remove.

    Raises Refusal, BadRequest.
    """
    fields = Fields(request)
    if command == "create_batch":
        return partial(_create, fields)
    if command == "submit_batch":
        inside = fields.get("batch", "")
        about = Fields(inside)
        _check_application(about)
        jobs = [forms.read_job(text) for tag, text in elements(inside) if tag == "job"]
        return partial(_submit, about, jobs)
    if command == "abort_jobs":
        names = [name.strip() for tag, name in elements(request) if tag == "job_name"]
        return partial(_abort_jobs, names)
    change = {"abort_batch": _abort, "retire_batch": _retire}.get(command)
    if change is None:
        raise Refusal("bad command")
    return partial(change, fields)


def expire(db: sqlite3.Connection, now: float) -> Leftovers:
    """Stop and remove the batches whose time is over."""
    left = Leftovers()
    for name in batches.expired(db, now):
        submission.cancel(db, submission.names_in(db, name))
        left.add(forgetting.forget(db, name, now))
        batches.remove(db, name)
    return left


def _check_application(fields: Fields) -> None:
    if (name := fields.text("app_name", 64)) != APP:
        raise Refusal(f"app not found: {html.escape(name)}")


def _create(fields: Fields, db: sqlite3.Connection, now: float) -> tuple[str, Leftovers]:
    _check_application(fields)
    name = fields.name("batch_name")
    if not name:
        raise Refusal("a batch needs a name, of letters, digits and . _ - +")
    identity = batches.create(db, name, fields.number("expire_time"), now)
    if identity is None:
        raise Refusal(f"there is a batch named {name} already")
    return element("batch_id", identity), Leftovers()


def _submit(
    fields: Fields, jobs: list[Workunit], db: sqlite3.Connection, now: float
) -> tuple[str, Leftovers]:
    batch = batch_of(db, fields)
    if batch.state != BatchState.INIT:
        raise Refusal("batch not in init state")
    workunits = [dataclasses.replace(job, batch=batch.name) for job in jobs]
    try:
        for workunit in workunits:
            workunit.check()
        submission.submit(db, workunits, now)
    except ProjectError as error:
        raise Refusal(f"create_work failed: {html.escape(str(error))}") from error
    batches.set_state(db, batch.id, BatchState.IN_PROGRESS)
    return element("batch_id", batch.id), Leftovers()


def _abort_jobs(names: list[str], db: sqlite3.Connection, now: float) -> tuple[str, Leftovers]:
    for name in names:
        row = db.execute(
            "SELECT 1 FROM workunit JOIN batch ON batch.name = workunit.batch WHERE workunit.name = ?",
            (name,),
        ).fetchone()
        if row is None:
            raise Refusal(f"no job {html.escape(name)}")
    submission.cancel(db, names)
    return _SUCCESS, Leftovers()


def _abort(fields: Fields, db: sqlite3.Connection, now: float) -> tuple[str, Leftovers]:
    batch = batch_of(db, fields)
    submission.cancel(db, submission.names_in(db, batch.name))
    batches.set_state(db, batch.id, BatchState.ABORTED)
    return _SUCCESS, Leftovers()


def _retire(fields: Fields, db: sqlite3.Connection, now: float) -> tuple[str, Leftovers]:
    batch = batch_of(db, fields)
    submission.cancel(db, submission.names_in(db, batch.name))
    left = forgetting.forget(db, batch.name, now)
    batches.remove(db, batch.name)
    return _SUCCESS, left
