"""Credit: BOINC's thanks. 200 for a day of a processor that does 1e9 floating-point operations a second.

What a result claims is its run time, times the speed that its computer measured. The time cannot be longer
than since it was sent, and of results that agree each gets what the most modest of them claims.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

PER_OPERATION = 200 / (86_400 * 1e9)
LIMIT = 1e6  # for one result, whatever was claimed

_CLAIMS = """
SELECT result.id, result.host, result.account, result.credit, result.elapsed, host.fpops,
    result.received - result.sent AS away
FROM result JOIN host ON host.id = result.host WHERE result.id IN ({})"""


def grant(db: sqlite3.Connection, valid: Sequence[int], canonical: int) -> None:
    """Give credit to results that have become valid."""
    if not valid:
        return
    wanted = {*valid, canonical}
    rows = db.execute(_CLAIMS.format(",".join("?" * len(wanted))), tuple(wanted)).fetchall()
    # A canonical result that has its credit already sets what late ones get.
    amount = min([LIMIT, *(row["credit"] or _claim(row) for row in rows)])
    for row in rows:
        if row["id"] not in valid or row["credit"] > 0:
            continue
        db.execute("UPDATE result SET credit = ? WHERE id = ?", (amount, row["id"]))
        db.execute("UPDATE host SET credit = credit + ? WHERE id = ?", (amount, row["host"]))
        db.execute("UPDATE account SET credit = credit + ? WHERE id = ?", (amount, row["account"]))


def _claim(row: sqlite3.Row) -> float:
    seconds = max(0.0, min(row["elapsed"], row["away"]))
    return float(seconds * row["fpops"] * PER_OPERATION)
