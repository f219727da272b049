"""BOINC's web RPCs for job submission, as the stock server and the embedded project answer them."""

from __future__ import annotations

import hashlib
import html
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, TypeVar
from urllib.parse import urlencode

from pymw_packager.names import APP

from pymw.errors import ProjectError
from pymw.project.jobs import Workunit
from pymw.project.messages import Fields, block, element, elements
from pymw.remote import forms, replies
from pymw.remote.account import AccountKey
from pymw.remote.replies import LARGEST_ID, Attempt, Refused
from pymw.remote.web import Reply, Unreachable, Web

T = TypeVar("T")
INIT, IN_PROGRESS, COMPLETE, ABORTED, RETIRED = range(5)  # states of a batch
HANDLER, JOB_FILE, OUTPUT = "submit_rpc_handler.php", "job_file.php", "get_output.php"
_STAYS = "job_file->update() failed"
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)  # seconds before a query is tried again; the last repeats


@dataclass(frozen=True)
class Batch:
    """A batch as the project has it. state: INIT to RETIRED."""

    id: int
    name: str
    state: int


@dataclass(frozen=True)
class Instance:
    """A result of a job: one attempt. state: in the project's words. outputs: files of it that are there."""

    id: int
    name: str
    state: str
    outputs: int


class Rpc:
    """The RPCs of one project, for one account. Any thread may use it.

    Its methods raise Unreachable if the project gives no answer, Refused or ProjectError if it says no. Those
    that change nothing, or may be repeated, are repeated for `patience` seconds, until `closing` is set.
    """

    def __init__(self, web: Web, key: AccountKey, closing: threading.Event, patience: float) -> None:
        self._web = web
        self._key = key
        self._closing = closing
        self._patience = patience

    def create_batch(self, name: str, expires: float) -> int:
        """Make a batch, once; returns its id. expires: unix time."""
        about = (
            element("app_name", APP),
            element("batch_name", name),
            element("expire_time", int(expires)),
        )
        return Fields(self._ask("create_batch", *about)).integer("batch_id", high=LARGEST_ID)

    def submit_batch(self, batch: int, workunits: Iterable[Workunit]) -> None:
        """Fill a batch in the state INIT, once."""
        self._ask("submit_batch", forms.batch(batch, workunits))

    def batches(self, prefix: str) -> list[Batch]:
        """The account's batches whose names begin so, but the retired ones."""
        found = self.again(lambda: self._ask("query_batches"))
        return [
            Batch(about.integer("id", high=LARGEST_ID), about.name(), about.integer("state"))
            for about in replies.each(found, "batch")
            if about.name().startswith(prefix)
        ]

    def job_ids(self, batch: int) -> dict[str, int]:
        """The jobs of a batch by name, and their ids."""
        found = self.again(lambda: self._ask("query_batch", element("batch_id", batch)))
        jobs = replies.each(found, "job")
        return {about.name(): about.integer("id", high=LARGEST_ID) for about in jobs}

    def statuses(self, batches: Sequence[str], since: float) -> tuple[float, dict[str, str]]:
        """The server's time, and jobs that have changed since then: UNSENT, IN_PROGRESS, DONE or ERROR.

        batches: names. since: by the server's time; 0 for all jobs.
        """
        names = "".join(element("batch_name", name) for name in batches)
        asked = (names, element("min_mod_time", int(since)))
        found = self.again(lambda: self._ask("query_batch2", *asked))
        jobs = {about.name("job_name"): about.text("status", 20) for about in replies.each(found, "job")}
        return Fields(found).number("server_time"), jobs

    def completed_job(self, name: str) -> Fields:
        """What is known of a job that has ended: error_mask, exit_status, elapsed_time, stderr_out…

        Of one that has failed, the stock server tells the error_mask, and breaks off with status 500.
        """

        def ask() -> str:
            reply = self._post("query_completed_job", (element("job_name", name),), HANDLER)
            return replies.content(reply, "query_completed_job", self._web.url)

        return Fields(replies.first(self.again(ask), "completed_job"))

    def instances(self, job: int) -> list[Instance]:
        """The results of a job, by its id."""
        found = self.again(lambda: self._ask("query_job", element("job_id", job)))
        made = [(Fields(inside), inside) for tag, inside in elements(found) if tag == "instance"]
        return [
            Instance(
                about.integer("id", high=LARGEST_ID),
                about.name(),
                about.text("state"),
                inside.count("<outfile>"),
            )
            for about, inside in made
        ]

    def output(self, result: str, number: int, file: IO[bytes], most: int) -> None:
        """Get an output file of a result, of so many bytes at most."""
        # It takes a hash of the key: unlike the other ways, this one leaves no key in the server's log.
        proof = hashlib.md5((self._key.text + result).encode(), usedforsecurity=False).hexdigest()
        query = urlencode(
            {"cmd": "result_file", "result_name": result, "file_num": number, "auth_str": proof}
        )

        def get() -> Reply:
            file.seek(0)
            file.truncate()
            return self._web.download(f"{OUTPUT}?{query}", file, most)

        reply = self.again(get)
        if reply.status != 200 or reply.type != "application/octet-stream":
            said = html.unescape(reply.body[:200].decode("utf-8", "replace"))
            raise Refused(f"{self._web.url} does not send the output of {result}: {said}", said)

    def attempt(self, result: int) -> Attempt:
        """What the project's web page shows of a result, by its id; nothing if it shows none."""
        # As a browser in which the account has signed in: most projects show it to nobody else.
        signed_in = {"Cookie": f"auth={self._key.text}"}
        path = f"result.php?resultid={result}"
        try:
            reply = self.again(lambda: self._web.ask("GET", path, None, signed_in))
        except Unreachable:
            raise
        except ProjectError:
            return Attempt(None, None, "")
        return replies.result_page(reply.body.decode("utf-8", "replace") if reply.status == 200 else "")

    def abort_jobs(self, names: Iterable[str]) -> None:
        """Stop these jobs, all of which the project has."""
        jobs = "".join(element("job_name", name) for name in names)
        self.again(lambda: self._ask("abort_jobs", jobs))

    def remove_batch(self, batch: int) -> None:
        """Stop what has not ended of a batch, and let the project remove its files."""
        which = element("batch_id", batch)
        try:
            self.again(lambda: self._ask("abort_batch", which))
            self.again(lambda: self._ask("retire_batch", which))
        except Refused as error:
            if error.reason != "no such batch":  # it was done, and the reply was lost
                raise

    def absent_files(self, names: Sequence[str], keep_until: float) -> list[str]:
        """Those of these input files that the project lacks; it keeps the others until that unix time."""
        about = _files(names, keep_until)
        for tried in range(len(names) + 1):
            try:
                found = self.again(lambda: self._ask("query_files", about, path=JOB_FILE))
                break
            except Refused as error:
                # The stock server takes its success for a failure, once for each file that is to stay longer.
                if _STAYS not in error.reason or tried == len(names):
                    raise
        numbers = [text for tag, text in elements(replies.first(found, "absent_files")) if tag == "file"]
        return [names[int(text)] for text in numbers if text.isdecimal() and int(text) < len(names)]

    def upload_files(self, files: Mapping[str, bytes], keep_until: float) -> None:
        """Upload input files, which the project lacks, once."""
        request = self._request("upload_files", (_files(files, keep_until),))
        kind, body = forms.multipart(request, files)
        reply = self._heard(JOB_FILE, body, kind)
        replies.content(reply, "upload_files", self._web.url)

    def counts(self) -> dict[str, int]:
        """How many jobs and results of all programs the project has, in its own words."""
        reply = self.again(lambda: self._web.ask("GET", "server_status.php?counts=1"))
        found = replies.first(reply.body.decode("utf-8", "replace"), "job_counts")
        return {tag: int(number) for tag, number in elements(found) if number.isdecimal()}

    def again(self, ask: Callable[[], T]) -> T:
        """Ask, and once more while the project gives no answer. Raises what `ask` raises in the end."""
        until, tried = time.monotonic() + self._patience, 0
        while True:
            try:
                return ask()
            except Unreachable:
                pause = _PAUSES[min(tried, len(_PAUSES) - 1)]
                tried += 1
                if time.monotonic() + pause > until or self._closing.wait(pause):
                    raise

    def _ask(self, command: str, *about: str, path: str = HANDLER) -> str:
        reply = self._post(command, about, path)
        found = replies.content(reply, command, self._web.url)
        if reply.status != 200:
            raise Unreachable(f"{self._web.url} answers {command} with {reply.status}")
        return found

    def _post(self, command: str, about: Iterable[str], path: str) -> Reply:
        form = urlencode({"request": self._request(command, about)}).encode("ascii")
        return self._heard(path, form, "application/x-www-form-urlencoded")

    def _heard(self, path: str, body: bytes, kind: str) -> Reply:
        reply = self._web.ask("POST", path, body, {"Content-Type": kind})
        # The stock server repeats what it does not understand; nobody is to read the key in a message.
        return replace(reply, body=reply.body.replace(self._key.text.encode(), b"(the account key)"))

    def _request(self, command: str, about: Iterable[str]) -> str:
        return block(command, element("authenticator", self._key.text), *about)


def _files(names: Iterable[str], keep_until: float) -> str:
    # Files of a batch other than 0 need a table that the stock server lacks.
    about = element("batch_id", 0) + element("delete_time", int(keep_until))
    return about + "".join(element("phys_name", name) for name in names)
