"""What a task wrote, as the worker sent it along with its result: a stranger's file, read with care."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from pymw_worker import log as log_file
from pymw_worker import names
from pymw_worker.errors import FormatError

from pymw.project import jobs
from pymw.project.layout import Layout
from pymw.project.web import words

LONGEST = 8_000  # characters shown of each text
_FILE_BYTES = 4_000_000
_MEMBER_BYTES = 16_000_000  # after decompression


@dataclass(frozen=True, slots=True)
class TaskLog:
    """Texts that can be shown, bounded. problem: why they are not here; "" if they are."""

    stdout: str = ""
    stderr: str = ""
    traceback: str = ""
    problem: str = ""


def read(place: Layout, job: str, result: sqlite3.Row) -> TaskLog | None:
    """The log of a result; None if it sent none."""
    outputs = [each.logical_name for each in jobs.read(job).outputs]
    if names.LOG not in outputs:
        return None
    path = place.upload(jobs.output_name(result["name"], result["nonce"], outputs.index(names.LOG)))
    try:
        if path.stat().st_size > _FILE_BYTES:
            return TaskLog(problem=f"The log is too large to be shown here: {path.stat().st_size} bytes.")
        found = log_file.read(path.read_bytes(), _MEMBER_BYTES)
    except FileNotFoundError:
        return None
    except (OSError, FormatError) as error:
        return TaskLog(problem=f"The log cannot be read: {words.line(str(error), 200)}.")
    return TaskLog(_text(found.stdout), _text(found.stderr), words.block(found.traceback, LONGEST))


def _text(data: bytes) -> str:
    # A character takes four bytes at most: what is before can't be shown, and needs no decoding.
    return words.block(data[-8 * LONGEST :].decode("utf-8", "replace"), LONGEST)
