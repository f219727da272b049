"""Writes docs/fault-matrix.md: each fault, where and by which tests it was brought about, what came of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.catalogue import Catalogue

PLACES = ("native", "32-bit", "Wine", "real client")
INTRODUCTION = """\
# The fault matrix

What goes wrong on volunteers' machines, and whether PyMW's launcher and worker hold it. Made by
`make fault-matrix` from a run of the tests that are marked `@pytest.mark.fault`. The names of the faults,
and the reasons where there is no test, are in [catalogue.toml](../tests/faults/catalogue.toml);
[testing.md](testing.md) says how to add one.

*native*: 64-bit Linux. *32-bit*: a 32-bit Linux, or a root with nothing in it but our package. *Wine*:
32-bit Windows, as far as Wine shows it. *real client*: an unmodified BOINC client; else one is played,
message by message.
"""


@dataclass
class Case:
    """A test with its parameters. outcome: passed, failed, skipped, or "" if it has not been run."""

    path: Path
    name: str
    faults: tuple[str, ...]
    places: tuple[str, ...]
    outcome: str = ""
    held: Counter[str] = field(default_factory=Counter)


def total(cases: Sequence[Case]) -> Counter[str]:
    """What the tests that passed have held, and how often."""
    return sum((case.held for case in cases if case.outcome == "passed"), Counter[str]())


def shown(held: Counter[str]) -> str:
    """As text: 40 kills while unpacking, 32 starts at once."""
    return ", ".join(f"{number} {what}" for what, number in held.items())


def render(catalogue: Catalogue, cases: Sequence[Case], folder: Path, machine: str) -> str:
    """Return the page, for a file in the folder."""
    faults = {fault: [case for case in cases if fault in case.faults] for fault in catalogue.faults}
    held = sum(bool(found) and all(c.outcome == "passed" for c in found) for found in faults.values())
    lines = [INTRODUCTION, f"{machine}: {held} of {len(faults)} faults held, {len(cases)} test cases."]
    for heading, group in catalogue.groups.items():
        lines += ["", f"## {heading}", "", "| fault | where | tests | outcome | repeats |"]
        lines += ["|---|---|---|---|---|"]
        lines += [_row(catalogue, fault, faults[fault], folder) for fault in group]
    return "\n".join([*lines, ""])


def _row(catalogue: Catalogue, fault: str, cases: Sequence[Case], folder: Path) -> str:
    if fault in catalogue.untested:
        return f"| {fault} | | | no test: {catalogue.untested[fault]} | |"
    places = [place for place in PLACES if any(place in case.places for case in cases)]
    if fault in catalogue.windows:
        places.append(f"on Windows: {catalogue.windows[fault]}")
    cells = [fault, ", ".join(places), "; ".join(_links(cases, folder)), _outcome(cases), shown(total(cases))]
    return "| " + " | ".join(cells) + " |"


def _links(cases: Sequence[Case], folder: Path) -> Iterator[str]:
    for (path, name), number in Counter((case.path, case.name) for case in cases).items():
        times = f" ×{number}" if number > 1 else ""
        words = name.removeprefix("test_").replace("_", " ")
        yield f"[{words}]({Path(os.path.relpath(path, folder)).as_posix()}){times}"


def _outcome(cases: Sequence[Case]) -> str:
    outcomes = Counter(case.outcome or "not run" for case in cases)
    if set(outcomes) == {"passed"}:
        return "held"
    return ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
