"""What a project's database says of its results, for tests that check its books."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from pymw.project.layout import Layout
from pymw.project.project import Project
from pymw.project.states import Outcome, State, Validity


@dataclass(frozen=True)
class Line:
    """A result. workunit: its name. host: the computer's number, 0 if nobody got it."""

    workunit: str
    host: int
    state: State
    outcome: Outcome
    validity: Validity
    credit: float


def lines(project: Project) -> list[Line]:
    """All results, in the order in which they were made."""
    text = "SELECT workunit.name AS workunit, result.* FROM result JOIN workunit ON workunit.id = workunit"
    with _reading(project) as db:
        return [
            Line(
                workunit=row["workunit"],
                host=row["host"] or 0,
                state=State(row["state"]),
                outcome=Outcome(row["outcome"]),
                validity=Validity(row["validity"]),
                credit=row["credit"],
            )
            for row in db.execute(f"{text} ORDER BY result.id")
        ]


def made(project: Project) -> dict[str, int]:
    """How many workunits and results were ever made, those included that are forgotten."""
    with _reading(project) as db:
        numbers = dict(db.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    return {name: int(numbers.get(name, 0)) for name in ("workunit", "result")}


@contextmanager
def _reading(project: Project) -> Iterator[sqlite3.Connection]:
    address = f"{Layout(project.folder).database.as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=30)) as db:
        db.row_factory = sqlite3.Row
        yield db
