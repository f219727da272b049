"""What a stock project's backend asks its database and changes there: a real one, which can be away."""

from __future__ import annotations

import threading
import time

import pytest
from pymw.errors import ProjectError
from pymw.server import jobs_table
from pymw.server.backend import ServerBackend

from tests.bench.mariadb import MariaDB
from tests.server.stock_project import StockProject
from tests.server.submitting import BATCH, OTHER, job


def test_cancelling_takes_unsent_results_and_only_what_has_not_ended(
    project: StockProject, backend: ServerBackend
) -> None:
    backend.submit([job(backend, number) for number in range(3)], BATCH)
    backend.submit([job(backend, 1, OTHER)], OTHER)
    ids = dict(project.database.rows("SELECT name, id FROM workunit"))
    for number, (name, workunit) in enumerate(ids.items()):
        project.insert("result", name=f"{name}_0", workunitid=workunit, server_state=2 if number else 4)
    project.database.change("UPDATE workunit SET canonical_resultid = 9 WHERE name = %s", (f"{BATCH}_2",))
    assert backend.working([f"{BATCH}_0", f"{BATCH}_1"]) == {f"{BATCH}_0": "computer 0"}
    assert {key: backend.status()[key] for key in ("unsent", "in_progress", "done", "failed")} == {
        "unsent": 2, "in_progress": 1, "done": 1, "failed": 0,
    }  # fmt: skip
    backend.cancel([f"{BATCH}_{number}" for number in range(3)])
    rows = project.database.rows(
        "SELECT w.name, error_mask, server_state, outcome, transition_time > 0 FROM workunit w"
        " JOIN result r ON r.workunitid = w.id ORDER BY w.name"
    )
    assert [row[:4] for row in rows] == [
        (f"{BATCH}_0", 16, 4, 0),
        (f"{BATCH}_1", 16, 5, 5),
        (f"{BATCH}_2", 0, 2, 0),
        (f"{OTHER}_1", 0, 2, 0),
    ]


@pytest.mark.parametrize("collation", ["latin1_swedish_ci", "utf8mb4_unicode_ci", "utf8mb4_bin"])
def test_a_batch_is_told_from_others_whatever_the_collation(
    project: StockProject, backend: ServerBackend, collation: str
) -> None:
    kind = f"VARCHAR(191) CHARACTER SET {collation.partition('_')[0]} COLLATE {collation} NOT NULL"
    project.database.change(f"ALTER TABLE workunit MODIFY name {kind}")
    for name in (f"{BATCH}_1", f"{BATCH}_99999", f"{BATCH}a_1", f"{BATCH}", f"{BATCH}x1", f"{OTHER}_1"):
        project.insert("workunit", name=name, appid=project.app)
    backend._table.cancel_batch(BATCH)
    rows = project.database.rows("SELECT name FROM workunit WHERE error_mask = 16 ORDER BY name")
    assert [name for (name,) in rows] == [f"{BATCH}_1", f"{BATCH}_99999"]
    (plan,) = project.database.rows(
        "EXPLAIN SELECT w.name FROM workunit w WHERE " + jobs_table._of(BATCH)[0], jobs_table._of(BATCH)[1]
    )
    assert plan[3] == "range" and plan[5] == "name", "the index is used"


def test_a_database_that_is_away_for_a_while_ends_nothing(
    mariadb: MariaDB, project: StockProject, backend: ServerBackend
) -> None:
    backend.submit([job(backend, 1)], BATCH)
    second = job(backend, 2)
    submitting = threading.Thread(target=backend.submit, args=([second], BATCH))
    mariadb.kill()
    try:
        submitting.start()
        time.sleep(1.0)
        assert submitting.is_alive()
    finally:
        mariadb.start()
    submitting.join(20)
    assert set(project.states()) == {f"{BATCH}_1", f"{BATCH}_2"}


def test_a_database_that_stays_away_is_an_error(
    mariadb: MariaDB, backend: ServerBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_table, "PATIENCE", 1.0)
    mariadb.stop()
    try:
        start = time.monotonic()
        with pytest.raises(ProjectError, match=r"the database .* cannot be reached"):
            backend.status()
        assert 1.0 < time.monotonic() - start < 10
        start = time.monotonic()
        with pytest.raises(ProjectError):
            backend.cancel(["x"])
        assert time.monotonic() - start < 1.0, "it was waited for once"
    finally:
        mariadb.start()
    backend.cancel(["x"])
