"""From BOINC's results to what became of a job: the same for every kind of project."""

from __future__ import annotations

from collections.abc import Sequence

from pymw.boinc import reasons
from pymw.boinc.backend import Ended
from pymw.project.outcomes import Attempt
from pymw.project.states import ErrorMask


def failed(name: str, mask: int, attempts: Sequence[Attempt]) -> Ended:
    """The job of this name has failed. mask: its error_mask. attempts: all that was tried, oldest first."""
    return _without_result(name, reasons.reason(name, mask), attempts, bool(mask & ErrorMask.CANCELLED))


def lost(name: str, why: str, attempts: Sequence[Attempt]) -> Ended:
    """The job of this name has succeeded, but its result is lost. why: in words."""
    return _without_result(name, reasons.no_result(name, why), attempts)


def facts(attempt: Attempt) -> dict[str, str]:
    """Who did it, and what it took."""
    return {
        "host": str(attempt.host),
        "boinc-platform": attempt.platform,
        "cpu": f"{attempt.cpu:.3f}",
        "elapsed": f"{attempt.elapsed:.3f}",
    }


def _without_result(name: str, reason: str, attempts: Sequence[Attempt], cancelled: bool = False) -> Ended:
    last = attempts[-1] if attempts else None
    return Ended(
        name,
        reason=reason,
        exit_status=last.exit_status if last else None,
        stderr="\n".join(_said(attempt) for attempt in attempts),
        cancelled=cancelled,
        by=facts(last) if last else {},
    )


def _said(attempt: Attempt) -> str:
    return reasons.said(
        attempt.name, attempt.host, attempt.outcome.name.lower(), attempt.exit_status, attempt.stderr
    )
