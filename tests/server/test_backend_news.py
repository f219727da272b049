"""What a stock project's backend tells of its jobs: news, jobs of a killed program, opening, warnings."""

from __future__ import annotations

import dataclasses
import shutil
import socket
import subprocess
import threading
import time

import pytest
from pymw.boinc import projects
from pymw.boinc.backend import Demand, Ended
from pymw.errors import InterfaceError, ProjectError
from pymw.interfaces.boinc import Manager
from pymw.server.backend import ServerBackend
from pymw.server.facts import Facts
from pymw.server.home import ServerHome
from pymw.server.task_folder import TaskFolder, line_of

from tests.server.stock_project import StockProject
from tests.server.submitting import BATCH, OTHER, files_in_download, job

# News.


def end(project: StockProject, name: str, batch: str = BATCH, done: bool = True) -> Ended:
    """What the assimilator does."""
    ended = Ended(name, reason="it was cancelled", cancelled=True)
    TaskFolder(project.task_dir).batch(batch).record([line_of(ended)])
    if done:
        project.database.change("UPDATE workunit SET assimilate_state = 2 WHERE name = %s", (name,))
    return ended


def test_news_come_once_and_are_waited_for(project: StockProject, backend: ServerBackend) -> None:
    backend.submit([job(backend, number) for number in range(2)], BATCH)
    start = time.monotonic()
    assert backend.news(0.3) == []
    assert 0.3 <= time.monotonic() - start < 2
    first = end(project, f"{BATCH}_0")
    assert backend.news(5) == [first]
    timer = threading.Timer(0.3, end, (project, f"{BATCH}_1"))
    timer.start()
    start = time.monotonic()
    assert [each.name for each in backend.news(20)] == [f"{BATCH}_1"]
    assert time.monotonic() - start < 5
    timer.join()
    assert backend.news(0) == []


def test_the_jobs_of_a_killed_program_are_found_as_they_are(
    project: StockProject, backend: ServerBackend
) -> None:
    names = [f"{BATCH}_{number}" for number in range(5)]
    backend.submit([job(backend, number) for number in range(4)], BATCH)
    backend.cancel([names[1]])
    ok = Ended(names[2], result=project.task_dir / BATCH / f"{names[2]}.result", by={"host": "3"})
    TaskFolder(project.task_dir).batch(BATCH).record([line_of(ok)])
    project.database.change("DELETE FROM workunit WHERE name = %s", (names[2],))  # BOINC's db_purge
    # Its line went elsewhere: nobody will ever tell.
    project.database.change("UPDATE workunit SET assimilate_state = 2 WHERE name = %s", (names[3],))
    later = ServerBackend(project.home)
    assert later.known(names) == {names[0], names[2]}
    assert later.ended(names) == [ok]
    end(project, names[0])
    assert names[0] in [each.name for each in later.news(5)], "the batch is watched"
    later.close()


def test_a_forgotten_batch_is_unknown(project: StockProject, backend: ServerBackend) -> None:
    backend.submit([job(backend)], BATCH)
    backend.forget(BATCH)
    assert backend.known([f"{BATCH}_1"]) == set()
    assert backend.news(0) == []


def test_results_that_went_elsewhere_are_told(
    project: StockProject, backend: ServerBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pymw.server.backend._CHECK", 0.0)
    backend.submit([job(backend, number) for number in range(3)], BATCH)
    backend.news(0)
    project.database.change("UPDATE workunit SET assimilate_state = 2 WHERE name = %s", (f"{BATCH}_1",))
    heard = end(project, f"{BATCH}_0")
    backend._next_check = 0.0
    found = {each.name: each for each in backend.news(0) + backend.news(0)}
    assert found.pop(f"{BATCH}_0") == heard
    assert list(found) == [f"{BATCH}_1"] and "put nothing into" in found[f"{BATCH}_1"].reason


def test_a_batch_whose_folder_is_gone_ends_the_program(project: StockProject, backend: ServerBackend) -> None:
    backend.submit([job(backend)], BATCH)
    (project.task_dir / BATCH).rename(project.task_dir / "moved")
    with pytest.raises(ProjectError, match=f"{BATCH} is gone"):
        backend.news(5)


# Opening.


def test_the_keys_and_the_quorum_are_those_of_pymw_setup(project: StockProject) -> None:
    Facts("pymw", ("ab" * 32,), 3).write(project.home.facts)
    backend = ServerBackend(project.home)
    assert backend.task_keys() == ((b"\xab" * 32,), None)
    assert (backend.demand().min_quorum, backend.demand().target_nresults) == (3, 3)
    backend.close()


def test_a_stock_project_is_known_by_its_config_xml(project: StockProject) -> None:
    opened = projects.open_backend(project.home.folder, None)
    assert isinstance(opened, ServerBackend)
    opened.close()
    with pytest.raises(InterfaceError, match="pymw_setup adds application versions"):
        projects.open_backend(project.home.folder, "apps")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda project: (project.home.folder / "bin" / "create_work").unlink(), "create_work is not there"),
        (lambda project: project.home.facts.unlink(), "run pymw_setup in this project first"),
        (lambda project: shutil.rmtree(project.task_dir), "tasks is no folder that pymw_setup has made"),
        (lambda project: project.database.change("DELETE FROM app"), "has no application pymw"),
        (lambda project: (project.home.folder / "templates").rmdir(), "templates is not there"),
    ],
)
def test_what_is_missing_is_one_sentence(project: StockProject, spoil: object, words: str) -> None:
    spoil(project)  # type: ignore[operator]
    with pytest.raises(ProjectError, match=words):
        ServerBackend(project.home)


def test_daemons_that_do_not_run_are_warned_of_once(
    project: StockProject, caplog: pytest.LogCaptureFixture
) -> None:
    host = socket.gethostname().partition(".")[0]
    config = project.home.folder / "config.xml"
    config.write_text(config.read_text().replace("<host>host</host>", f"<host>{host}</host>"))
    backend = projects.open_backend(project.home.folder, None)
    assert isinstance(backend, ServerBackend)
    assert backend.status()["daemons"] == {"pymw_assimilator": False}
    for _ in range(2):
        backend._next_check = 0.0
        backend.news(0)
    assert [record.message for record in caplog.records] == [
        f"pymw_assimilator does not run: no results come until bin/start in {project.home.folder}"
    ]
    pids, its_folder = (project.home.folder / f"{name}_{host}" for name in ("pid", "tmp"))
    pids.mkdir()
    its_folder.mkdir()
    with subprocess.Popen(["sleep", "100"], cwd=its_folder) as daemon:
        (pids / "pymw_assimilator.pid").write_text(str(daemon.pid))
        assert backend.status()["daemons"] == {"pymw_assimilator": True}
        daemon.kill()
    backend.close()


def test_a_quorum_that_nobody_would_compare_is_refused(project: StockProject) -> None:
    config = project.home.folder / "config.xml"
    trivial = "<cmd>sample_trivial_validator -d 3 --app {} --sleep_interval 1</cmd>"
    for app, refused in (("pymw", True), ("other", False)):
        text = config.read_text().replace("<daemons>", f"<daemons><daemon>{trivial.format(app)}</daemon>")
        (project.home.folder / "with").mkdir(exist_ok=True)
        (project.home.folder / "with" / "config.xml").write_text(text)
        home = dataclasses.replace(ServerHome.open(project.home.folder / "with"), folder=project.home.folder)
        backend = ServerBackend(home)
        asked = job(backend, demand=Demand(target_nresults=2, min_quorum=2))
        if refused:
            with pytest.raises(ProjectError, match=r"compares none: run pymw_setup --upgrade --quorum 2"):
                backend.submit([asked], BATCH)
        else:
            backend.submit([asked], BATCH)
        backend.close()


# What the original's Manager is for.


def test_batches_of_other_programs_are_looked_at_and_removed(
    project: StockProject, backend: ServerBackend
) -> None:
    backend.submit([job(backend, number) for number in range(3)], BATCH)
    backend.submit([job(backend, 1, OTHER)], OTHER)
    project.database.change("UPDATE workunit SET canonical_resultid = 9 WHERE name = %s", (f"{OTHER}_1",))
    with Manager(project.home.folder) as manager:
        assert manager.batches() == {
            BATCH: {"unsent": 3, "in_progress": 0, "done": 0, "failed": 0},
            OTHER: {"unsent": 0, "in_progress": 0, "done": 1, "failed": 0},
        }
        with pytest.raises(ProjectError, match=f"{BATCH} has 3 jobs that have not ended"):
            manager.zero_batch(BATCH)
        manager.zero_batch(OTHER)
        manager.delete_batch(BATCH)
        assert manager.batches() == {}
        with pytest.raises(ProjectError, match=f"there is no batch {BATCH}"):
            manager.delete_batch(BATCH)
    masks = dict(project.database.rows("SELECT name, error_mask FROM workunit"))
    assert masks == {**{f"{BATCH}_{number}": 16 for number in range(3)}, f"{OTHER}_1": 0}
    assert not [name for name in files_in_download(project) if "bundle" in name]
