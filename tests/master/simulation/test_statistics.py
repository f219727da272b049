"""The figures of a status."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymw.simulation.statistics import summary


@given(st.lists(st.floats(0, 1e9), min_size=1))
def test_figures_are_those_of_the_standard_library(numbers: list[float]) -> None:
    assert summary(numbers, "time") == {
        "total_time": pytest.approx(sum(numbers)),
        "mean_time": pytest.approx(statistics.fmean(numbers)),
        "median_time": pytest.approx(statistics.median(numbers)),
        "stddev_time": pytest.approx(statistics.pstdev(numbers), rel=1e-6, abs=1e-6),
    }


def test_without_numbers_all_figures_are_0() -> None:
    assert set(summary([], "x").values()) == {0.0}
    assert list(summary([], "x")) == list(summary([1], "x"))
