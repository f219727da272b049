"""Why a job has no result, in words: the same for every kind of project."""

from __future__ import annotations

import re

from pymw.project.states import ErrorMask

_SHOWN = 4000  # characters of an attempt's stderr, its last
# What a client puts around a result's stderr, which need not be XML inside.
_HEAD = re.compile(r"<core_client_version>[^<]*</core_client_version>\s*<!\[CDATA\[")
_TAIL = "]]>"
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
    return no_result(name, " and ".join(found))


def no_result(name: str, why: str) -> str:
    """The sentence about a job of this name that has no result. why: in words."""
    return f"the job {name} has no result: {why}"


def said(result: str, host: int, outcome: str, exit_status: int | None, stderr: str) -> str:
    """What is told of one attempt: the result's name, its computer, how it ended, and its stderr."""
    return f"{result} on computer {host}: {outcome}, exit status {exit_status}\n{stderr.strip()[-_SHOWN:]}"


def unwrapped(stderr: str) -> str:
    """A result's stderr without what a client puts around it."""
    stderr = stderr.strip()
    head = _HEAD.match(stderr)
    return stderr[head.end() if head else 0 :].removesuffix(_TAIL).strip()
