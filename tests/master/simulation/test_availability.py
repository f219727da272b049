"""When work ends on a worker that is not always there: against hand-made cases, and a step-by-step model."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymw.simulation.availability import Availability

from tests.master.simulation import naive

# 10 s whole, 10 s off, 20 s half: 40 s that hold 20 s of work.
LENGTHS, FRACTIONS = [10, 10, 20], [1, 0, 0.5]


@pytest.mark.parametrize(
    ("start", "need", "finish"),
    [
        (0, 4, 4),
        (0, 10, 10),  # ends as the gap begins, not when it is over
        (0, 11, 22),
        (8, 4, 24),
        (15, 5, 30),
        (0, 20, 40),
        (0, 21, 41),
        (35, 3.5, 41),
        (0, 2000, 4000),
        (4000, 10.5, 4021),
        (7, 0, 7),
    ],
)
def test_work_ends_when_the_intervals_have_given_enough(start: float, need: float, finish: float) -> None:
    assert Availability(LENGTHS, FRACTIONS).finish(start, need) == finish


@pytest.mark.parametrize(
    ("moment", "available", "gap"),
    [(0, 0, 10), (9, 9, 10), (10, 20, 10), (19, 20, 10), (20, 20, 50), (40, 40, 50), (55, 60, 50)],
)
def test_gaps_begin_and_end_where_the_fraction_is_0(moment: float, available: float, gap: float) -> None:
    found = Availability(LENGTHS, FRACTIONS)
    assert found.next_available(moment) == available
    if available == moment:
        assert found.next_gap(moment) == gap


def test_without_wrapping_nothing_comes_after_the_last_interval() -> None:
    found = Availability(LENGTHS, FRACTIONS, wrap=False)
    assert found.finish(0, 20) == 40
    assert found.finish(0, 20.5) == inf
    assert found.finish(40, 1) == inf
    assert found.next_available(39) == 39
    assert found.next_available(40) == inf
    assert found.next_gap(25) == 40
    assert Availability([5, 5], [1, 0], wrap=False).next_available(5) == inf


def test_what_is_never_there_never_ends_anything() -> None:
    off = Availability([1, 2], [0, 0])
    assert off.next_available(0) == inf
    assert off.finish(0, 1) == inf
    assert off.finish(0, 0) == 0


def test_a_last_digit_of_work_is_not_left_over_for_the_other_side_of_a_gap() -> None:
    found = Availability([10, 1000], [1, 0])
    moment = 0.0
    for _ in range(3):
        moment = found.finish(moment, 10 / 3)
    assert moment == pytest.approx(10)
    moment = 0.0
    tenths = Availability([0.3, 0.7], [1, 0])
    for _ in range(3000):
        moment = tenths.finish(tenths.next_available(moment), 0.1)
    assert moment == pytest.approx(999.3)
    assert found.finish(15, 1e-30) == 15  # too little to notice


@pytest.mark.parametrize(
    ("lengths", "fractions"),
    [
        ([], []),
        ([0], [1]),
        ([1, 2], [1]),
        ([-1, 2], [1, 1]),
        ([inf], [1]),
        ([1, nan], [1, 1]),
        ([1], [1.1]),
        ([1], [-0.1]),
        ([1, 1], [1, nan]),
    ],
)
def test_intervals_that_make_no_sense_are_refused(lengths: list[float], fractions: list[float]) -> None:
    with pytest.raises(ValueError, match="interval"):
        Availability(lengths, fractions)


intervals = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), min_size=1, max_size=6).filter(
    lambda made: any(length and quarter for length, quarter in made)
)
moments = st.fractions(0, 60, max_denominator=12)
needs = st.fractions(Fraction(1, 12), 60, max_denominator=12)


@given(intervals, moments, needs)
def test_it_agrees_with_walking_from_interval_to_interval(
    made: list[tuple[int, int]], start: Fraction, need: Fraction
) -> None:
    lengths, quarters = [length for length, _ in made], [quarter for _, quarter in made]
    found = Availability(lengths, [quarter / 4 for quarter in quarters])
    finish = naive.finish(lengths, quarters, start, need)
    assert found.finish(float(start), float(need)) == pytest.approx(float(finish), rel=1e-9)
    available = naive.available(lengths, quarters, start)
    assert found.next_available(float(start)) == pytest.approx(float(available), rel=1e-9)
    # There is no gap before the next one, and none after it for a moment.
    gap = found.next_gap(float(available))
    if gap < inf:
        begins = Fraction(gap).limit_denominator(12)
        assert naive.available(lengths, quarters, begins) > begins
