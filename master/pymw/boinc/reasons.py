"""Why a job has no result, in words: the same for every kind of project."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pymw.project.states import ErrorMask

if TYPE_CHECKING:
    from pymw.project.outcomes import Attempt

_SHOWN = 4000  # characters of an attempt's stderr, its last
_REASONS = {
    ErrorMask.COULDNT_SEND: "no computer took it in time",
    ErrorMask.TOO_MANY_ERRORS: "it failed on too many computers",
    ErrorMask.TOO_MANY_SUCCESSES: "its results never agreed",
    ErrorMask.TOO_MANY_TOTAL: "it was tried too often",
    ErrorMask.CANCELLED: "it was cancelled",
    ErrorMask.NO_CANONICAL_RESULT: "none of its results is valid",
}


def reason(name: str, mask: int) -> str:
    """Why the job of this name has failed. mask: its error_mask."""
    found = [words for bit, words in _REASONS.items() if mask & bit] or ["it failed"]
    return f"the job {name} has no result: {' and '.join(found)}"


def said(result: str, host: int, outcome: str, exit_status: int | None, stderr: str) -> str:
    """What is told of one attempt: the result's name, its computer, how it ended, and its stderr."""
    return f"{result} on computer {host}: {outcome}, exit status {exit_status}\n{stderr.strip()[-_SHOWN:]}"


def said_by(attempts: Iterable[Attempt]) -> str:
    """What is told of all attempts at an embedded project's workunit."""
    return "\n".join(
        said(each.name, each.host, each.outcome.name.lower(), each.exit_status, each.stderr)
        for each in attempts
    )
