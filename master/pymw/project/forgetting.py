"""Removes batches: what is known of them, and their files."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from pymw.errors import ProjectError
from pymw.project import staging, submission
from pymw.project.layout import Layout
from pymw.project.uploads import Uploads


@dataclass
class Leftovers:
    """What is to be removed once the transaction is over. workunits: how many were forgotten."""

    workunits: int = 0
    outputs: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)

    def add(self, other: Leftovers) -> None:
        """These as well."""
        self.workunits += other.workunits
        self.outputs += other.outputs
        self.inputs += other.inputs

    def remove(self, place: Layout, uploads: Uploads) -> None:
        """Remove the files. Raises OSError."""
        for name in self.outputs:
            uploads.forget(name)
        for name in self.inputs:
            place.download(name).unlink(missing_ok=True)


def forget(db: sqlite3.Connection, batch: str, now: float) -> Leftovers:
    """Forget the workunits of a batch, all of which are over; belongs into a transaction.

    Raises ProjectError if some are not.
    """
    rows = db.execute("SELECT id, error_mask, canonical FROM workunit WHERE batch = ?", (batch,)).fetchall()
    if any(row["error_mask"] == 0 and row["canonical"] is None for row in rows):
        raise ProjectError(f"the batch {batch} is not over: cancel it first")
    workunits = [row["id"] for row in rows]
    outputs = submission.output_files(db, workunits)
    submission.forget(db, workunits)
    return Leftovers(len(workunits), outputs, staging.drop_unused(db, now))
