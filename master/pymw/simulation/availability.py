"""How much of a worker is to be had, over time."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import ceil, inf
from operator import mul

# Two moments are one if they differ by less than this share of themselves. Sums of floating-point numbers are
# off by some hundred times less; without it, 1e-15 s of work could be left over at the start of a long gap.
_SLACK = 1e-13


class Availability:
    """Intervals of time, each with the share of the processor that a task gets in it.

    Kept as sums up to the end of each interval, of time and of processor time, so that a task which lasts for
    a thousand intervals costs two binary searches.
    """

    __slots__ = ("_gaps", "_sums", "_times", "period", "steady", "wrap")

    def __init__(self, lengths: Sequence[float], fractions: Sequence[float], wrap: bool = True) -> None:
        """lengths: of the intervals, in seconds. fractions: from 0 (switched off) to 1.

        wrap: whether it all begins anew after the last interval; otherwise nothing comes after it. Raises
        ValueError for what makes no sense.
        """
        if len(lengths) != len(fractions):
            raise ValueError(f"there are {len(lengths)} intervals, but {len(fractions)} fractions")
        self._times: array[float] = array("d", accumulate(lengths))
        self._sums: array[float] = array("d", accumulate(map(mul, lengths, fractions)))
        # The sums tell of an inf or nan among the summands.
        if not len(lengths) or min(lengths) < 0 or not 0 < self._times[-1] < inf:
            raise ValueError("intervals must be 0 s or longer, and at least one of them longer")
        if min(fractions) < 0 or max(fractions) > 1 or not self._sums[-1] >= 0:
            raise ValueError("the fraction of an interval must be a number from 0 to 1")
        self._gaps: array[int] | None = None
        self.wrap = wrap
        self.period = self._times[-1]
        self.steady = float(fractions[0]) if wrap and len(set(fractions)) == 1 else 0.0

    @property
    def last(self) -> float:
        """The end of the last interval whose fraction is not 0, in seconds since the last wrap."""
        return self._times[bisect_left(self._sums, self._sums[-1])]

    def finish(self, start: float, need: float) -> float:
        """When a task that begins at `start` has had `need` seconds of the whole processor; inf: never."""
        if self.steady:
            return start + need / self.steady
        if need <= 0:
            return start
        cycle, index, offset = self._locate(start)
        if index == len(self._times):
            return inf
        time, done = self._before(index)
        share = (self._sums[index] - done) / (self._times[index] - time)
        target = done + (offset - time) * share + need
        if share and target <= self._sums[index]:  # most tasks are shorter than most intervals
            return start + need / share
        whole = self._sums[-1]
        slack = _SLACK * max(self.period, start)
        if target > whole + slack:
            if not self.wrap or whole <= 0 or target == inf:
                return inf
            more = ceil((target - slack) / whole) - 1
            cycle, target = cycle + more, target - more * whole
        return max(start, cycle * self.period + self._moment_of(target, slack))

    def next_available(self, moment: float) -> float:
        """`moment`, or when the gap around it ends; inf if it never does."""
        if self.steady or moment == inf:
            return moment
        cycle, index, _ = self._locate(moment)
        last = len(self._times)
        if index == last or self._sums[-1] <= 0:
            return inf
        before = self._sums[index - 1] if index else 0.0
        if self._sums[index] > before:
            return moment
        index = bisect_right(self._sums, before)
        if index == last:
            if not self.wrap:
                return inf
            cycle, index = cycle + 1, bisect_right(self._sums, 0.0)
        return cycle * self.period + (self._times[index - 1] if index else 0.0)

    def next_gap(self, moment: float) -> float:
        """When the first interval with fraction 0 begins that is not over at `moment`; inf if there is none.

        The end of availability that does not wrap around is such a gap.
        """
        if self.steady or moment == inf:
            return inf
        cycle, index, _ = self._locate(moment)
        gaps = self._all_gaps()
        place = bisect_left(gaps, index)
        if place == len(gaps):
            if not self.wrap:
                return self.period
            if not gaps:
                return inf
            cycle, place = cycle + 1, 0
        gap = gaps[place]
        return cycle * self.period + (self._times[gap - 1] if gap else 0.0)

    def _locate(self, moment: float) -> tuple[float, int, float]:
        """How often it has wrapped around by then, the interval, and the time since the last wrap.

        The interval is one past the last if nothing comes any more.
        """
        cycle, offset = divmod(moment, self.period) if self.wrap else (0.0, moment)
        index = bisect_right(self._times, offset + _SLACK * max(self.period, moment))
        if index == len(self._times) and self.wrap:
            cycle, offset = cycle + 1, 0.0
            index = bisect_right(self._times, 0.0)
        return cycle, index, max(offset, self._times[index - 1]) if index else offset

    def _moment_of(self, target: float, slack: float) -> float:
        """The first moment since the last wrap at which the sum is `target`."""
        # Not 0, as the first intervals may be gaps: the sum grows in the interval that is found.
        index = min(bisect_left(self._sums, max(target - slack, 5e-324)), len(self._sums) - 1)
        time, done = self._before(index)
        length = self._times[index] - time
        return min(self._times[index], time + (target - done) * length / (self._sums[index] - done))

    def _before(self, index: int) -> tuple[float, float]:
        """The sums at the start of an interval."""
        return (self._times[index - 1], self._sums[index - 1]) if index else (0.0, 0.0)

    def _all_gaps(self) -> array[int]:
        """The intervals with fraction 0. Found when they are asked for, as few simulations do."""
        if self._gaps is None:
            befores = zip((0.0, *self._sums), (0.0, *self._times), strict=False)
            ends = zip(self._sums, self._times, strict=True)
            self._gaps = array(
                "q",
                [
                    index
                    for index, ((done, time), (sum_, end)) in enumerate(zip(befores, ends, strict=False))
                    if sum_ == done and end > time
                ],
            )
        return self._gaps
