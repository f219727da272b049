"""What becomes of a workunit, as a table: BOINC's rules, and where this project's differ, and why."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymw.project.states import ErrorMask, Fault, Outcome, State, Validity, fault_of
from pymw.project.workunits import Decision, ResultFacts, WorkunitFacts, decide

QUORUM = WorkunitFacts(target_nresults=2, min_quorum=2)


def result(number: int, what: str) -> ResultFacts:
    """A result: "unsent", "sent", "task" or "host" (errors), "none" (no reply), or its digest, a letter."""
    if what in ("unsent", "sent"):
        return ResultFacts(number, State.UNSENT if what == "unsent" else State.IN_PROGRESS)
    if what == "none":
        return ResultFacts(number, State.OVER, Outcome.NO_REPLY)
    if what in ("task", "host"):
        fault = Fault.TASK if what == "task" else Fault.HOST
        return ResultFacts(number, State.OVER, Outcome.CLIENT_ERROR, fault=fault)
    return ResultFacts(number, State.OVER, Outcome.SUCCESS, digest=what.encode())


def decided(workunit: WorkunitFacts, *whats: str) -> Decision:
    return decide(workunit, [result(number, what) for number, what in enumerate(whats)])


@pytest.mark.parametrize("what", ["unsent", "sent"])
def test_nothing_is_to_do_while_a_result_is_under_way(what: str) -> None:
    assert decided(WorkunitFacts(), what) == Decision()


def test_one_success_is_enough_without_a_quorum() -> None:
    decision = decided(WorkunitFacts(), "a")
    assert (decision.canonical, decision.validity) == (0, {0: Validity.VALID})


@pytest.mark.parametrize("error", ["task", "host", "none"])
def test_what_went_wrong_is_tried_again(error: str) -> None:
    assert decided(WorkunitFacts(), error) == Decision(create=1)


def test_task_errors_are_borne_so_often_and_no_more() -> None:
    workunit = WorkunitFacts(max_error_results=1)
    assert decided(workunit, "task") == Decision(create=1)
    assert decided(workunit, "task", "task").error_mask == ErrorMask.TOO_MANY_ERRORS


def test_errors_of_computers_count_only_in_the_total() -> None:
    workunit = WorkunitFacts(max_error_results=0, max_total_results=3)
    assert decided(workunit, "host", "none") == Decision(create=1)
    assert decided(workunit, "host", "none", "host").error_mask == ErrorMask.TOO_MANY_TOTAL


def test_two_that_agree_make_a_quorum() -> None:
    decision = decided(QUORUM, "a", "a")
    assert decision.canonical == 0
    assert decision.validity == {0: Validity.VALID, 1: Validity.VALID}


def test_two_that_differ_are_inconclusive_and_a_third_decides() -> None:
    decision = decided(QUORUM, "a", "b")
    assert (decision.canonical, decision.create) == (None, 1)
    assert decision.validity == {0: Validity.INCONCLUSIVE, 1: Validity.INCONCLUSIVE}
    decision = decided(QUORUM, "a", "b", "b")
    assert decision.canonical == 1
    assert decision.validity == {0: Validity.INVALID, 1: Validity.VALID, 2: Validity.VALID}


def test_those_that_never_agree_end_at_the_total() -> None:
    workunit = replace(QUORUM, max_total_results=3)
    decision = decided(workunit, "a", "b", "c")
    assert decision.error_mask == ErrorMask.TOO_MANY_TOTAL
    assert set(decision.validity.values()) == {Validity.NO_CHECK}


def test_a_success_is_kept_while_its_partner_is_made_again() -> None:
    assert decided(QUORUM, "a", "none") == Decision(create=1)


def test_once_enough_agree_what_was_not_sent_is_dropped() -> None:
    assert decided(replace(QUORUM, target_nresults=3), "a", "a", "unsent").not_needed == [2]


def test_late_results_are_judged_by_the_canonical_one() -> None:
    over = replace(QUORUM, canonical=0)
    valid = replace(result(0, "a"), validity=Validity.VALID)
    late = [valid, result(1, "a"), result(2, "b")]
    assert decide(over, late) == Decision(validity={1: Validity.VALID, 2: Validity.INVALID})


def test_after_a_failure_successes_change_nothing() -> None:
    over = WorkunitFacts(error_mask=ErrorMask.CANCELLED)
    assert decided(over, "a", "sent", "unsent") == Decision(validity={0: Validity.NO_CHECK}, not_needed=[2])


def test_the_last_ones_under_way_may_still_complete_the_quorum() -> None:
    workunit = replace(QUORUM, max_total_results=2)
    assert decided(workunit, "a", "sent") == Decision()
    assert decided(workunit, "none", "sent").error_mask == ErrorMask.TOO_MANY_TOTAL


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (1, Fault.TASK),
        (191, Fault.TASK),
        (193, Fault.TASK),
        (195, Fault.TASK),
        (197, Fault.TASK),
        (-131, Fault.TASK),
        (-161, Fault.TASK),
        (0, Fault.TASK),
        (194, Fault.HOST),
        (200, Fault.HOST),
        (205, Fault.HOST),
        (206, Fault.HOST),
        (-185, Fault.HOST),
        (-186, Fault.HOST),
        (-119, Fault.HOST),
        (203, Fault.VOLUNTEER),
    ],
)
def test_whose_fault_an_exit_status_is(status: int, fault: Fault) -> None:
    assert fault_of(status) == fault


WHATS = st.sampled_from(["unsent", "sent", "task", "host", "none", "a", "b"])


@given(
    st.lists(WHATS, min_size=1, max_size=12),
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(1, 12),
)
@settings(deadline=None)
def test_there_is_always_something_to_wait_for_or_an_end(
    whats: list[str], quorum: int, more: int, errors: int, total: int
) -> None:
    workunit = WorkunitFacts(quorum + more, quorum, errors, max(total, quorum + more))
    results = [result(number, what) for number, what in enumerate(whats)]
    decision = decide(workunit, results)
    over = decision.canonical is not None or decision.error_mask != 0
    pending = [each for each in results if each.state != State.OVER]
    assert over or decision.create or pending
    assert not (over and decision.create)
    assert decision.create + len(whats) <= max(workunit.max_total_results, len(whats))
    if decision.canonical is not None:
        digest = results[decision.canonical].digest
        assert sum(each.digest == digest for each in results) >= quorum
