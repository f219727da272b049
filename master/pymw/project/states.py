"""BOINC's numbers: states of results, why a workunit failed, and whose fault an exit status is."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class State(IntEnum):
    """Where a result is (BOINC's server_state)."""

    UNSENT = 2
    IN_PROGRESS = 4
    OVER = 5


class Outcome(IntEnum):
    """How a result ended."""

    NONE = 0
    SUCCESS = 1
    COULDNT_SEND = 2
    CLIENT_ERROR = 3
    NO_REPLY = 4
    DIDNT_NEED = 5
    VALIDATE_ERROR = 6
    CLIENT_DETACHED = 7


class Validity(IntEnum):
    """What the validator says about a success (BOINC's validate_state)."""

    INIT = 0
    VALID = 1
    INVALID = 2
    NO_CHECK = 3
    INCONCLUSIVE = 4


class ErrorMask(IntFlag):
    """Why a workunit failed."""

    NONE = 0
    COULDNT_SEND = 1
    TOO_MANY_ERRORS = 2
    TOO_MANY_SUCCESSES = 4  # a stock server's
    TOO_MANY_TOTAL = 8
    CANCELLED = 16
    NO_CANONICAL_RESULT = 32  # a stock server's


class Fault(IntEnum):
    """Whose fault it is that a result is no success."""

    NONE = 0  # it is one, or nobody's
    TASK = 1  # it would fail elsewhere too, most likely
    HOST = 2  # another computer may well do it
    VOLUNTEER = 3  # who did not want it


# Codes of the client (BOINC's EXIT_* and ERR_*) and, 205 and 206, of PyMW's worker and launcher: there is not
# enough memory, or no fitting Python, on this computer.
ABORTED_BY_PROJECT = 202
ABORTED_VIA_GUI = 203
_OF_THE_TASK = (-131, -161, -226)  # output too large, output missing, ends again and again without a result
_OF_THE_HOST = (192, 194, 196, 199, 200, 201, 202, 204, 205, 206, 209)


def fault_of(exit_status: int) -> Fault:
    """Whose fault an unsuccessful task is. 0: it said success, and something was wrong with its output."""
    if exit_status == ABORTED_VIA_GUI:
        return Fault.VOLUNTEER
    if exit_status in _OF_THE_HOST or (exit_status < 0 and exit_status not in _OF_THE_TASK):
        return Fault.HOST
    return Fault.TASK
