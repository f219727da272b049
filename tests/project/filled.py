"""A project in which much has happened, written straight into its database."""

import math
import sqlite3
import time
from pathlib import Path

from pymw.project import database, jobs
from pymw.project.jobs import Workunit
from pymw.project.layout import Layout
from pymw.project.project import Project
from pymw.project.states import ErrorMask, Fault, Outcome, State, Validity
from pymw_worker import log as log_file

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202eevil\x00'\""
PLATFORMS = ("windows_x86_64", "x86_64-pc-linux-gnu", "x86_64-pc-linux-gnu", "arm64-apple-darwin", "odd-one")
_WORKUNIT = """
INSERT INTO workunit (name, batch, content, job, created, target_nresults, min_quorum, max_error_results,
    max_total_results, delay_bound, memory_bound) VALUES (?, ?, x'', ?, ?, 1, 1, 2, 10, 86400, 1e8)"""
_RESULT = """
INSERT INTO result (workunit, name, retry, created, state, nonce) VALUES (?, ?, 0, ?, 2, 1)"""
_SENT = "UPDATE result SET state = 4, host = ?, account = ?, sent = ?, deadline = ? WHERE id = ?"
_BACK = """
UPDATE result SET state = ?, outcome = ?, validity = ?, fault = ?, received = ?, exit_status = ?,
    elapsed = 812.5, stderr = ? WHERE id = ?"""


def fill(project: Project, workunits: int = 600, hosts: int = 25) -> None:
    """Nine in ten workunits are done, some have failed, the last are in progress or wait."""
    now = time.time()
    job = jobs.Workunit(name="x", inputs=()).text()
    db = database.connect(Layout(project.folder).database)
    with database.transaction(db):
        for number in range(1, hosts + 1):
            _add_host(db, number, now)
        for number in range(1, workunits + 1):
            name, age = f"sweep_{number:06d}", 172_000 * (1 - number / workunits) ** 1.3
            db.execute(_WORKUNIT, (name, f"sweep/{number % 7}", job, now - age - 4000))
            db.execute(_RESULT, (number, f"{name}_0", now - age - 4000))
            if number > workunits * 0.95:
                continue
            host = 1 + int(number * math.pi * 7) % hosts
            db.execute(_SENT, (host, 1 + host % 2, now - age - 900, now - age + 80_000, number))
            if number <= workunits * 0.92:
                _end(db, number, now - age, number % 23 == 0)
    db.close()


def _add_host(db: sqlite3.Connection, number: int, now: float) -> None:
    if number == 1:
        db.execute(
            "INSERT INTO account (email, name, password, authenticator, weak, created) "
            "VALUES ('secret@example.org', ?, '', 'k', 'w', 0)",
            (HOSTILE,),
        )
    db.execute(
        "INSERT INTO host (account, cpid, rpc_seqno, created, last_rpc, domain_name, platform, os, client, "
        "ncpus, fpops, memory, address, credit, errors) "
        "VALUES (?, ?, 1, ?, ?, ?, ?, 'Linux Debian', '8.0.2', ?, 3e9, 8e9, '203.0.113.77', ?, ?)",
        (
            *(1 + number % 2, f"c{number}", now - 1e6, now - number**3 * 12),
            *(f"desk-{number}.secret-domain.example", PLATFORMS[number % 5]),
            *(2 + number % 3 * 6, 35_000 / number - 900, number % 4 if number % 9 == 0 else 0),
        ),
    )


def _end(db: sqlite3.Connection, number: int, when: float, failed: bool) -> None:
    if failed:
        error = (State.OVER, Outcome.CLIENT_ERROR, Validity.INIT, Fault.TASK, when, 195)
        db.execute(_BACK, (*error, f"worker: started\n{HOSTILE}\nMemoryError: too much\n", number))
        mask = ErrorMask.CANCELLED if number % 46 == 0 else ErrorMask.TOO_MANY_ERRORS
        db.execute("UPDATE workunit SET error_mask = ? WHERE id = ?", (int(mask), number))
    else:
        db.execute(_BACK, (State.OVER, Outcome.SUCCESS, Validity.VALID, Fault.NONE, when, 0, "", number))
        db.execute("UPDATE workunit SET canonical = ? WHERE id = ?", (number, number))
    db.execute("INSERT INTO finished (workunit) VALUES (?)", (number,))


def add_log(project: Project, number: int, stdout: bytes, stderr: bytes, traceback: str) -> Path:
    """Let the first result of a workunit have sent a log."""
    path = Layout(project.folder).upload(jobs.output_name(f"sweep_{number:06d}_0", 1, 1))
    log_file.write(str(path), {}, stdout, stderr, traceback)
    return path


def open_workunit(project: Project, name: str, batch: str = "") -> Workunit:
    """One that waits."""
    made = Workunit(name=name, inputs=(), batch=batch)
    project.submit([made])
    return made
