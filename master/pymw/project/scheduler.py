"""The scheduler: one request of a client, one reply; everything in one transaction.

Each request may come twice, late, or after its reply was lost. So what a client has is compared with what the
server believes it has: what it lacks is sent again, what nobody wants any more is aborted.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping, Sequence

from pymw.project import accounts, hosts, jobs, replies, reports, versions
from pymw.project.accounts import Account
from pymw.project.dispatch import Assignment, Queue
from pymw.project.hosts import Host
from pymw.project.messages import block, element, escape
from pymw.project.replies import Addresses, message, named
from pymw.project.request import SchedulerRequest
from pymw.project.settings import Settings
from pymw.project.staging import Staged
from pymw.project.states import ErrorMask, Outcome, State
from pymw.project.uploads import Digest
from pymw.project.versions import AppVersion

log = logging.getLogger(__name__)

REFUSED_SECONDS = 3600  # until a client with a wrong key asks again by itself
NO_APPLICATION_SECONDS = 600  # until one asks again for whose platform there is no application
_OTHERS = 5000  # tasks of a client that are looked up in a request

_HELD = """
SELECT result.name, result.state, result.outcome, workunit.error_mask, workunit.canonical
FROM result JOIN workunit ON workunit.id = result.workunit WHERE result.name = ? AND result.host = ?"""
_IN_PROGRESS = f"""
SELECT result.id, result.name, result.nonce, result.workunit, workunit.job, workunit.delay_bound,
    workunit.error_mask, workunit.canonical
FROM result JOIN workunit ON workunit.id = result.workunit
WHERE result.host = ? AND result.state = {State.IN_PROGRESS:d}"""


class Scheduler:
    """Answers clients. One thread at a time may use it."""

    def __init__(self, settings: Settings, code_sign_key: str, secret: bytes) -> None:
        """code_sign_key: text of the public key. secret: with which uploads are certified."""
        self.settings = settings
        self._code_sign_key = code_sign_key
        self._secret = secret
        self._where = Addresses(settings.url)
        self._queue = Queue(settings.one_result_per_account)
        self._versions: Sequence[AppVersion] = ()
        self._newest = 0

    def answer(
        self,
        db: sqlite3.Connection,
        request: SchedulerRequest,
        found: Mapping[str, Digest],
        address: str,
        now: float,
    ) -> str:
        """The reply to a request; belongs into a transaction. found: see reports.digests."""
        account = accounts.authenticate(db, request.authenticator)
        if account is None:
            return self.refusal("Invalid or missing account key: please remove this project and add it again")
        host = hosts.identify(db, request, account.id, address, now)
        try:
            return self._answer(db, request, account, host, found, now)
        except BaseException:
            self._queue.start_again(host.id)
            raise

    def refusal(self, text: str, seconds: float = REFUSED_SECONDS) -> str:
        """The reply to a client that gets nothing for a while."""
        said = message(text, "notice") + element("request_delay", f"{seconds:.0f}")
        return block("scheduler_reply", self._head(), said)

    def _head(self) -> str:
        name = element("project_name", escape(self.settings.name))
        return element("scheduler_version", replies.VERSION) + "<dont_use_dcf/>\n" + name

    def _answer(
        self,
        db: sqlite3.Connection,
        request: SchedulerRequest,
        account: Account,
        host: Host,
        found: Mapping[str, Digest],
        now: float,
    ) -> str:
        parts = [self._head(), element("next_rpc_delay", f"{self.settings.next_rpc_delay:g}")]
        parts.append(_identity(account, host))
        reports.take(db, request, host.id, found, now)
        # Even what is unknown or late: a client reports it in every request until it is acknowledged.
        parts.append(named("result_ack", [report.name for report in request.reports]))
        if request.trickles:
            parts.append("<message_ack/>\n")
        if not request.code_sign_key:
            parts.append(block("code_sign_key", self._code_sign_key))
        parts += [_aborts(db, request, host.id), _unused_files(db, request.files)]
        if request.code_sign_key and request.code_sign_key != self._code_sign_key.strip():
            parts.append(
                message("The project's key has changed: please remove it and add it again", "notice")
            )
        else:
            parts.append(self._work(db, request, host, now))
        return block("scheduler_reply", *parts)

    def _work(self, db: sqlite3.Connection, request: SchedulerRequest, host: Host, now: float) -> str:
        version = versions.choose(self._all_versions(db), request.platforms)
        if version is None:
            if not request.wants_work or not self._versions:
                return ""
            kind = request.platforms[0] if request.platforms else "unknown"
            said = message(f"This project has no application for computers of type {kind}", "notice")
            return said + element("request_delay", NO_APPLICATION_SECONDS)
        rows = db.execute(_IN_PROGRESS, (host.id,)).fetchall()
        again, said = self._lost(db, request, rows, now), ""
        if again:
            said = "".join(message(f"Resent lost task {each.name}") for each in again)
        limit = hosts.allowance(host, self.settings, now) - len(rows)
        limit = min(limit, self.settings.max_results_per_rpc - len(again))
        assigned = list(again)
        if request.wants_work and limit > 0:
            assigned += self._queue.take(db, request, host, version.id, limit, now)
        if not assigned:
            return said
        staged = _staged(db, assigned)
        return said + replies.work(assigned, version, host.fpops, staged, self._secret, self._where)

    def _lost(
        self, db: sqlite3.Connection, request: SchedulerRequest, rows: Sequence[sqlite3.Row], now: float
    ) -> list[Assignment]:
        """What the client should have and has not: a reply was lost, or its folder is new. It is sent again.

        A client that does not list what it has is not judged, unless it has just come.
        """
        if request.others is None and request.hostid:
            return []
        has = (request.others or set()) | {report.name for report in request.reports}
        lost = [row for row in rows if row["name"] not in has][: self.settings.max_results_per_rpc]
        again = list[Assignment]()
        for row in lost:
            if row["error_mask"] != ErrorMask.NONE or row["canonical"] is not None:
                ended = (State.OVER, Outcome.CLIENT_DETACHED, row["id"])
                db.execute("UPDATE result SET state = ?, outcome = ? WHERE id = ?", ended)
                continue
            deadline = now + row["delay_bound"]
            db.execute("UPDATE result SET deadline = ? WHERE id = ?", (deadline, row["id"]))
            again.append(Assignment(row["name"], row["nonce"], deadline, jobs.read(row["job"])))
        return again

    def _all_versions(self, db: sqlite3.Connection) -> Sequence[AppVersion]:
        newest = db.execute("SELECT max(id) FROM app_version").fetchone()[0] or 0
        if newest != self._newest:
            self._versions, self._newest = versions.all_versions(db), newest
        return self._versions


def _identity(account: Account, host: Host) -> str:
    """Who the client is to us. Its number is only said when it is news: else it takes a new identity."""
    return "".join(
        [
            element("userid", account.id),
            element("user_name", escape(account.name)),
            element("user_total_credit", f"{account.credit:.6f}"),
            element("hostid", host.id) if host.assigned else "",
            element("host_total_credit", f"{host.credit:.6f}"),
        ]
    )


def _aborts(db: sqlite3.Connection, request: SchedulerRequest, host: int) -> str:
    """What the client has and need not go on with."""
    useless, unneeded = list[str](), list[str]()
    for name in sorted(request.others or ())[:_OTHERS]:
        if not name:
            continue
        row = db.execute(_HELD, (name, host)).fetchone()
        if row is None or row["error_mask"] != ErrorMask.NONE:
            useless.append(name)
        elif row["canonical"] is not None or row["state"] == State.OVER:
            unneeded.append(name)
    return named("result_abort", useless) + named("result_abort_if_not_started", unneeded)


def _unused_files(db: sqlite3.Connection, names: Sequence[str]) -> str:
    """Inputs that the client keeps and that are not here any more."""
    parts = [
        element("delete_file_info", name)
        for name in names[:_OTHERS]
        if db.execute("SELECT 1 FROM input_file WHERE name = ?", (name,)).fetchone() is None
    ]
    return "".join(parts)


def _staged(db: sqlite3.Connection, assigned: Sequence[Assignment]) -> dict[str, Staged]:
    found = dict[str, Staged]()
    for name in {file.file for each in assigned for file in each.workunit.inputs}:
        row = db.execute("SELECT nbytes, md5 FROM input_file WHERE name = ?", (name,)).fetchone()
        found[name] = Staged(name, row["nbytes"], row["md5"])
    return found
