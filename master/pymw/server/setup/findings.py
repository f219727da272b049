"""One thing that --check has looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """good: whether it is as it should be. what: in words. remedy: what to do if it is not."""

    good: bool
    what: str
    remedy: str = ""


def stands(what: str) -> Finding:
    """Something that is as it should be."""
    return Finding(True, what)


def lacks(what: str, remedy: str) -> Finding:
    """Something that keeps tasks from running."""
    return Finding(False, what, remedy)
