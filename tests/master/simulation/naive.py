"""Availability as a child would compute it: from interval to interval, in exact fractions.

lengths: of the intervals, in seconds. quarters: what is to be had in each, in quarters of a worker.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import cycle


def finish(lengths: list[int], quarters: list[int], start: Fraction, need: Fraction) -> Fraction:
    """When a task that begins at `start` has had `need` seconds."""
    now = Fraction(0)
    for length, quarter in cycle(zip(lengths, quarters, strict=True)):
        here = max(start, now)
        now += length
        if now <= here:
            continue
        fraction = Fraction(quarter, 4)
        if (now - here) * fraction >= need:
            return here + need / fraction
        need -= (now - here) * fraction
    raise AssertionError


def available(lengths: list[int], quarters: list[int], start: Fraction) -> Fraction:
    """The first moment from `start` on at which there is something."""
    now = Fraction(0)
    for length, quarter in cycle(zip(lengths, quarters, strict=True)):
        here = max(start, now)
        now += length
        if now > here and quarter:
            return here
    raise AssertionError
