"""Submits jobs so that each is there once, whatever replies are lost on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor

from pymw.errors import ProjectError
from pymw.project.jobs import Workunit
from pymw.remote import rpc
from pymw.remote.replies import Refused
from pymw.remote.rpc import Rpc
from pymw.remote.web import Unreachable

TOGETHER = 500  # jobs in a batch of BOINC's: a request of 1 MB, where PHP by default takes 8
KEPT = 90 * 86_400.0  # seconds, at least, after which the project may expire a batch and remove files
_STEP = 30 * 86_400.0  # in which the time until then grows, so that files need not be told of it all the time
_TRIES = 6
_PAUSE = 2.0  # seconds before what may have been done or not is looked at
# PHP by default takes 20 files in a request, and 8 MB of all; of a file 2 MB.
_FILES, _BYTES = 20, 7_000_000
_ASKED = 1000  # names of files in a request
_LIMITS = ("upload_max_filesize", "can't parse request message", "doesn't agree with request")


class Submission:
    """Submits through these RPCs. Any thread may use it."""

    def __init__(self, calls: Rpc, executor: Executor, closing: threading.Event) -> None:
        """executor: for uploads that go side by side. closing: ends all waiting."""
        self._rpc = calls
        self._executor = executor
        self._closing = closing

    def upload(self, files: Mapping[str, bytes]) -> None:
        """Put input files where volunteers get them; those that are there already stay there for longer.

        files: contents by names, which the content decides. Raises ProjectError.
        """
        absent = {name: files[name] for name in self._absent(list(files))}
        pending = [self._executor.submit(self._upload, group) for group in _groups(absent)]
        try:
            for one in pending:
                one.result()
        finally:
            for one in pending:
                one.cancel()

    def fill(self, name: str, workunits: Sequence[Workunit]) -> int:
        """Submit these as the jobs of the batch of this name, which may have been begun; returns its id.

        Raises ProjectError.
        """
        for tried in range(_TRIES):
            try:
                return self._fill(name, workunits, look=tried > 0)
            except Unreachable:
                if tried + 1 == _TRIES or self._closing.wait(_PAUSE * (tried + 1)):
                    raise
            except Refused:
                # After a lost reply the server may be at it still, and refuses the same names again.
                if tried in (0, _TRIES - 1) or self._closing.wait(_PAUSE * (tried + 1)):
                    raise
        raise AssertionError("the last try raises")

    def _fill(self, name: str, workunits: Sequence[Workunit], look: bool) -> int:
        found = [each for each in self._rpc.batches(name) if each.name == name] if look else []
        if not found:
            identity = self._rpc.create_batch(name, _kept_until())
            there: set[str] = set()
        else:
            identity = found[0].id
            there = set(self._rpc.job_ids(identity))
            if found[0].state != rpc.INIT:
                return identity
        missing = [each for each in workunits if each.name not in there]
        if missing:
            self._rpc.submit_batch(identity, missing)
        return identity

    def _absent(self, names: list[str]) -> list[str]:
        until = _kept_until()
        parts = [names[at : at + _ASKED] for at in range(0, len(names), _ASKED)]
        return [name for part in parts for name in self._rpc.absent_files(part, until)]

    def _upload(self, files: Mapping[str, bytes]) -> None:
        for tried in range(_TRIES):
            try:
                self._rpc.upload_files(files, _kept_until())
                return
            except Refused as error:
                if any(words in error.reason for words in _LIMITS):
                    size = max(map(len, files.values()))
                    raise ProjectError(
                        f"{error}; a file has {size} bytes: the project's php.ini sets upload_max_filesize, "
                        "post_max_size and max_file_uploads"
                    ) from error
                if tried + 1 == _TRIES:
                    raise
            except Unreachable:
                if tried + 1 == _TRIES or self._closing.wait(_PAUSE * (tried + 1)):
                    raise
            # It may have taken some of them, or another program has just brought the same.
            files = {name: files[name] for name in self._absent(list(files))}
            if not files:
                return


def _kept_until() -> float:
    return (time.time() + KEPT) // _STEP * _STEP + _STEP


def _groups(files: Mapping[str, bytes]) -> Iterator[dict[str, bytes]]:
    """These files in groups that a request takes; a file that is larger has one of its own."""
    group: dict[str, bytes] = {}
    size = 0
    for name, data in files.items():
        if group and (len(group) == _FILES or size + len(data) > _BYTES):
            yield group
            group, size = {}, 0
        group[name] = data
        size += len(data)
    if group:
        yield group
