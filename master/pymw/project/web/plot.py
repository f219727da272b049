"""The plot of results per hour, as numbers from which a template draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pymw.project.tallies import Hour
from pymw.project.web.words import number

HEIGHT = 100.0
_EASY = (10, 12, 16, 20, 30, 40, 50, 60, 80, 100)


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour: where its errors and, on top of them, its successes begin, and how high they are."""

    good_y: float
    good_height: float
    bad_y: float
    bad_height: float


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars from the oldest hour on; what the height of the plot stands for; and all of it in a sentence."""

    bars: tuple[Bar, ...]
    top: int
    sentence: str


def plot(hours: Sequence[Hour]) -> Plot:
    """Draw hours, the last of which is not over."""
    top = _above(max((each.good + each.bad for each in hours), default=0))
    unit = HEIGHT / top
    bars = []
    for each in hours:
        bad, good = each.bad * unit, each.good * unit
        bars.append(Bar(_round(HEIGHT - bad - good), _round(good), _round(HEIGHT - bad), _round(bad)))
    return Plot(tuple(bars), top, _sentence(hours))


def _above(most: int) -> int:
    """The next even number from here on that is easy to read."""
    if most <= 10:
        return max(4, most + most % 2)
    power = int("1" + "0" * (len(str(most)) - 2))
    return next(each * power for each in _EASY if each * power >= most)


def _sentence(hours: Sequence[Hour]) -> str:
    good, bad = sum(each.good for each in hours), sum(each.bad for each in hours)
    if not good + bad:
        return f"No results in the last {len(hours)} hours."
    most = max(each.good + each.bad for each in hours)
    return (
        f"{number(good)} good results and {number(bad)} errors in {len(hours)} hours, "
        f"at most {number(most)} in one hour."
    )


def _round(number: float) -> float:
    return round(number, 2)
