"""The files that a worker leaves, as the ending of a task."""

from __future__ import annotations

from pathlib import Path

from pymw_worker import log, outcome
from pymw_worker.errors import FormatError

from pymw import ending
from pymw.ending import Ending

# A worker keeps 1 MiB of each stream. A stranger's log may say that it unpacks to more than there is memory.
_MAX_LOG = 8 << 20


def read_ending(result: Path, log_file: Path | None, limit: int | None = None) -> Ending:
    """How a task ended, from its result and its log (docs/formats.md), which may be missing.

    limit: bytes that the value may have; None for no limit.
    """
    try:
        found = outcome.read(str(result), limit)
    except FormatError as error:
        return Ending(ending.LOST, message=f"Error reading task result: {error}")
    data = found.value_bytes if found.status == outcome.VALUE else found.exception_bytes
    end = Ending(found.status, data, found.type, found.message)
    try:
        written = log.read(str(log_file), _MAX_LOG)
    except FormatError:
        return end
    end.stdout = written.stdout.decode("utf-8", "replace")
    end.stderr = written.stderr.decode("utf-8", "replace")
    end.traceback, end.facts = written.traceback, dict(written.facts)
    return end
