"""Event traces of the Failure Trace Archive."""

from __future__ import annotations

import pytest
from pymw.simulation import traces

HEADER = "# event_id\tcomponent_id\tnode_id\tplatform_id\tnode_name\tevent_type\tstart\tstop\treason\n"


def event(node: str, start: float, stop: float, kind: object = 1) -> str:
    return f"0\t1\t{node}\t1\tname of {node}\t{kind}\t{start}\t{stop}\tNULL\n"


def test_events_are_intervals_and_what_lies_between_is_a_gap() -> None:
    lines = [HEADER, event("7", 1000, 1010), event("7", 1030, 1040), event("8", 1005, 1050)]
    assert traces.read(lines) == {
        "7": ([10, 20, 10, 10], [1, 0, 1, 0]),
        "8": ([5, 45], [0, 1]),
    }


def test_events_may_overlap_touch_and_come_in_any_order() -> None:
    lines = [HEADER, event("7", 40, 50), event("7", 5, 12), event("7", 0, 10), event("7", 12, 20)]
    assert traces.read(lines) == {"7": ([20, 20, 10], [1, 0, 1])}


def test_events_of_unavailability_are_gaps() -> None:
    lines = [HEADER, event("7", 0, 10), event("7", 10, 30, 0), event("8", 0, 20, 2), event("8", 20, 30)]
    assert traces.read(lines) == {"7": ([10, 20], [1, 0]), "8": ([20, 10], [0, 1])}


def test_columns_may_be_separated_by_blanks() -> None:
    assert traces.read(["header\n", "0 1 7 1 name 1 3 5 NULL\n", "\n"]) == {"7": ([2], [1])}


def test_the_first_nodes_are_taken_with_all_of_their_events() -> None:
    lines = [HEADER, event("7", 0, 10), event("8", 0, 90), event("7", 20, 30)]
    assert traces.read(lines, 1) == {"7": ([10, 10, 10], [1, 0, 1])}


@pytest.mark.parametrize("line", ["0\t1\t7\n", event("7", 5, 4), event("7", float("nan"), 4), "word " * 9])
def test_a_line_that_is_no_event_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="line 3 of the trace"):
        traces.read([HEADER, event("7", 0, 1), line])
