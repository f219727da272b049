"""How an attempt at a task ended: what every interface reports, whoever did the work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pymw_worker import outcome

VALUE: str = outcome.VALUE
EXCEPTION: str = outcome.EXCEPTION
UNLOADABLE: str = outcome.UNLOADABLE
UNRETURNABLE: str = outcome.UNRETURNABLE
MEMORY: str = outcome.MEMORY
DIED: str = outcome.DIED
LOST = "lost"  # there is no result, or one that cannot be read
LATE = "late"  # the time limit was reached
REFUSED = "refused"  # the interface could not run it; `error` says why
STATUSES = (*outcome.STATUSES, LOST, LATE, REFUSED)


@dataclass(slots=True)
class Ending:
    """How an attempt at a task ended.

    status: one of STATUSES. data: pickle of the value (VALUE) or of the exception (EXCEPTION, None if it
    could not be pickled). type, message: name and text of the exception, or the reason in one sentence.
    traceback: of the worker. stdout, stderr: what the task printed, the last of it. facts: what else the
    worker's log says (docs/formats.md). started, finished: unix times, None if the worker did not say.
    value, error: the value (with data None) or the exception itself, where an interface in this process has
    it.
    """

    status: str
    data: bytes | None = None
    type: str = ""
    message: str = ""
    traceback: str = ""
    stdout: str = ""
    stderr: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    started: float | None = None
    finished: float | None = None
    error: BaseException | None = None
    value: Any = None
