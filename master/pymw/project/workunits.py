"""What becomes of a workunit: BOINC's transitioner and validator as one function, without any database.

    results made ──sent──► in progress ──┬─ success ─► enough that agree ─► canonical result
                                         ├─ error ───► another result elsewhere, or too many: failed
                                         └─ no reply ► another result elsewhere

`decide` looks at a workunit and all its results and says what is to be done now. It is asked after each
event, and says the same again if it is asked again: whatever is repeated or comes late does no harm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from pymw.project.states import ErrorMask, Fault, Outcome, State, Validity


@dataclass(frozen=True, slots=True)
class ResultFacts:
    """What counts about a result.

    id: grows with each result made. state, outcome, validity, fault: as in `states`. digest: of its validated
    outputs; equal digests are equal outputs, bit by bit. None if it has none.
    """

    id: int
    state: State
    outcome: Outcome = Outcome.NONE
    validity: Validity = Validity.INIT
    fault: Fault = Fault.NONE
    digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class WorkunitFacts:
    """What counts about a workunit.

    target_nresults: results that are made at first. min_quorum: how many must agree. max_error_results: task
    errors that are borne. max_total_results: results that are ever made. canonical: id of the canonical
    result. error_mask: why it failed.
    """

    target_nresults: int = 1
    min_quorum: int = 1
    max_error_results: int = 2
    max_total_results: int = 10
    error_mask: ErrorMask = ErrorMask.NONE
    canonical: int | None = None

    @property
    def over(self) -> bool:
        """Whether it has succeeded or failed."""
        return self.canonical is not None or self.error_mask != ErrorMask.NONE


@dataclass(slots=True)
class Decision:
    """What is to be done now.

    create: so many new results. error_mask: it has failed. canonical: it has succeeded, with this result.
    validity: what is now known about which results. not_needed: unsent results that are to be dropped.
    """

    create: int = 0
    error_mask: ErrorMask = ErrorMask.NONE
    canonical: int | None = None
    validity: dict[int, Validity] = field(default_factory=dict)
    not_needed: list[int] = field(default_factory=list)

    def judged(self, validity: Validity) -> list[int]:
        """The results of which this is now known."""
        return [each for each, known in self.validity.items() if known == validity]


def decide(workunit: WorkunitFacts, results: Sequence[ResultFacts]) -> Decision:
    """What is to be done about a workunit now."""
    if workunit.over:
        return _after_the_end(workunit, results)
    decision = Decision()
    successes = [each for each in results if _counts(each)]
    agreeing = _largest_group(successes)
    if len(agreeing) >= workunit.min_quorum:
        decision.canonical = agreeing[0].id
    elif sum(each.fault == Fault.TASK for each in results) > workunit.max_error_results:
        decision.error_mask = ErrorMask.TOO_MANY_ERRORS
    else:
        _ask_for_more(workunit, results, len(successes), len(agreeing), decision)
    if decision.canonical is not None or decision.error_mask:
        ended = WorkunitFacts(error_mask=decision.error_mask, canonical=decision.canonical)
        after = _after_the_end(ended, results)
        decision.validity, decision.not_needed = after.validity, after.not_needed
    elif len(successes) >= workunit.min_quorum:
        unsure = [each.id for each in successes if each.validity != Validity.INCONCLUSIVE]
        decision.validity = dict.fromkeys(unsure, Validity.INCONCLUSIVE)
    return decision


def _ask_for_more(
    workunit: WorkunitFacts, results: Sequence[ResultFacts], successes: int, agreeing: int, decision: Decision
) -> None:
    """Make as many results as can complete the quorum; if that would be too many, it has failed."""
    pending = sum(each.state != State.OVER for each in results)
    wanted = workunit.target_nresults - successes
    if successes >= workunit.min_quorum:  # they do not agree: more of the same kind may decide it
        wanted = workunit.min_quorum - agreeing
    needed = max(0, wanted - pending)
    allowed = workunit.max_total_results - len(results)
    if needed > 0 and allowed <= 0:
        # Those under way, or late, may still complete it.
        if pending + agreeing < workunit.min_quorum or pending == 0:
            decision.error_mask = ErrorMask.TOO_MANY_TOTAL
        return
    decision.create = min(needed, allowed)


def _after_the_end(workunit: WorkunitFacts, results: Sequence[ResultFacts]) -> Decision:
    """What is left to do once it has ended: judge what has come in, drop what was not sent."""
    decision = Decision()
    digests = {each.id: each.digest for each in results}
    for each in results:
        if each.state == State.UNSENT:
            decision.not_needed.append(each.id)
        elif _counts(each) and workunit.canonical is None:
            decision.validity[each.id] = Validity.NO_CHECK
        elif _counts(each) and workunit.canonical is not None:
            same = each.digest == digests.get(workunit.canonical)
            decision.validity[each.id] = Validity.VALID if same else Validity.INVALID
    return decision


def _counts(result: ResultFacts) -> bool:
    """Whether it is a success about which nothing is decided yet."""
    undecided = result.validity in (Validity.INIT, Validity.INCONCLUSIVE)
    return result.outcome == Outcome.SUCCESS and undecided


def _largest_group(successes: Sequence[ResultFacts]) -> list[ResultFacts]:
    """Those that agree, of the largest group; of groups alike, the one whose first came first."""
    if not successes:
        return []
    sizes = Counter(each.digest for each in successes)
    most, _ = sizes.most_common(1)[0]  # of equals, the first met
    return [each for each in successes if each.digest == most]
