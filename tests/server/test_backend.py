"""The backend of a stock project, on a real database, with create_work and volunteers that are played."""

from __future__ import annotations

import dataclasses
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymw.boinc import projects
from pymw.boinc.backend import Demand, Ended, Job
from pymw.errors import InterfaceError, ProjectError
from pymw.interfaces.boinc import Manager
from pymw.server import jobs_table
from pymw.server.backend import ServerBackend
from pymw.server.facts import Facts
from pymw.server.home import ServerHome
from pymw.server.task_folder import TaskFolder, line_of

from tests.bench.mariadb import MariaDB
from tests.server import create_work_facts
from tests.server.stock_project import StockProject, install_create_work

BATCH = "pymw_0123456789ab"
OTHER = "pymw_0123456789ac"


@pytest.fixture
def project(stock_project: StockProject) -> StockProject:
    """A project to which one can submit."""
    install_create_work(stock_project.home)
    Facts("pymw", (), 2).write(stock_project.home.facts)
    return stock_project


@pytest.fixture
def backend(project: StockProject) -> Iterator[ServerBackend]:
    made = ServerBackend(project.home)
    yield made
    made.close()


def job(backend: ServerBackend, number: int = 1, batch: str = BATCH, **about: object) -> Job:
    bundle = backend.stage(b"code", batch)
    given = {"command_line": "--python 3.11", "arguments": b"given", "demand": Demand(), **about}
    return Job(name=f"{batch}_{number}", bundle=bundle, **given)  # type: ignore[arg-type]


def arguments_of(project: StockProject, name: str) -> Path:
    return project.home.in_download(f"{name}_arguments")


def files_in_download(project: StockProject) -> list[str]:
    return sorted(path.name for path in project.home.download_dir.rglob("*") if path.is_file())


# Submission.


def test_create_work_is_played_as_the_real_one_is(project: StockProject) -> None:
    create_work_facts.check(project.home, project.database)


def test_a_job_is_there_with_its_files_and_what_was_asked(
    project: StockProject, backend: ServerBackend
) -> None:
    asked = Demand(target_nresults=3, min_quorum=2, max_nbytes=1000, delay_bound=3600.9)
    hard = 'it\'s "quoted" \\ <a> & ä€'
    backend.submit([job(backend, command_line=hard, demand=asked)], BATCH)
    columns = (
        "name, target_nresults, min_quorum, max_total_results, max_error_results, max_success_results,"
        " delay_bound, rsc_disk_bound, batch, result_template_file, xml_doc"
    )
    (row,) = project.database.rows(f"SELECT {columns} FROM workunit")
    assert row[:9] == (f"{BATCH}_1", 3, 2, 10, 2, 10, 3600, 1e9 + 4000, 0)
    template = (project.home.folder / row[9]).read_text()
    assert len(row[9]) <= 63 and template.count("<max_nbytes>1000</max_nbytes>") == 2
    assert "\n<result>\n" in template and "\n<file_info>\n" in template
    assert b"&#39;s" in row[10] and b"<sticky/>\n<no_delete/>" in row[10]
    assert arguments_of(project, f"{BATCH}_1").read_bytes() == b"given"
    assert arguments_of(project, f"{BATCH}_1").stat().st_mode & 0o777 == 0o644


def test_submitting_again_passes_over_what_is_there(project: StockProject, backend: ServerBackend) -> None:
    backend.submit([job(backend, 1)], BATCH)
    backend.submit([job(backend, number, arguments=b"new") for number in (1, 2)], BATCH)
    assert set(project.states()) == {f"{BATCH}_1", f"{BATCH}_2"}
    assert arguments_of(project, f"{BATCH}_1").read_bytes() == b"given"


def test_templates_are_written_once_for_a_kind(project: StockProject, backend: ServerBackend) -> None:
    folder = project.home.folder / "templates"
    backend.submit([job(backend, number) for number in range(5)], BATCH)
    first = {path: path.stat().st_ino for path in folder.iterdir()}
    assert len(first) == 2
    again = ServerBackend(project.home)
    again.submit([job(again, 7)], BATCH)
    again.submit([job(again, 8, demand=Demand(max_nbytes=5))], BATCH)
    again.close()
    assert len(list(folder.iterdir())) == 4
    assert {path: path.stat().st_ino for path in first} == first


def test_many_jobs_come_through_in_several_statements(project: StockProject, backend: ServerBackend) -> None:
    backend.submit([job(backend, number) for number in range(3000)], BATCH)
    assert len(project.states()) == 3000


def test_what_create_work_refuses_is_told_and_leaves_no_file(
    project: StockProject, backend: ServerBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pymw.server.create_work.escaped", str)
    with pytest.raises(ProjectError, match=r"made no workunit pymw_0123456789ab_1: .*SQL syntax"):
        backend.submit([job(backend, command_line="it's")], BATCH)
    assert project.states() == {}
    assert not arguments_of(project, f"{BATCH}_1").exists()


def test_a_status_0_without_a_workunit_is_an_error(project: StockProject, backend: ServerBackend) -> None:
    backend.submit([job(backend)], BATCH)
    for path in (project.home.folder / "templates").glob("*_out"):
        path.unlink()
    with pytest.raises(ProjectError, match=r"made no workunit pymw_0123456789ab_2: .*doesn't exist"):
        backend.submit([job(backend, 2)], BATCH)


def test_the_files_of_a_program_killed_while_it_submitted_are_removed(
    project: StockProject, backend: ServerBackend
) -> None:
    jobs = [job(backend, number) for number in range(20)]
    backend._staging.arguments(jobs, BATCH)  # and then it was killed
    assert len(files_in_download(project)) == 21
    later = ServerBackend(project.home)
    assert later.known([each.name for each in jobs]) == set()
    later.forget(BATCH)
    later.close()
    assert files_in_download(project) == []


# Code bundles.


def test_a_bundle_goes_with_the_last_batch_that_needs_it(
    project: StockProject, backend: ServerBackend
) -> None:
    names = {backend.stage(b"code", batch) for batch in (BATCH, OTHER, BATCH)}
    (name,) = names
    path = project.home.in_download(name)
    assert path.read_bytes() == b"code" and path.stat().st_mode & 0o777 == 0o644
    backend.forget(BATCH)
    assert path.exists()
    backend.forget(OTHER)
    assert not path.exists() and list(project.task_dir.glob("[!.]*")) == []


def test_a_bundle_that_is_damaged_or_gone_is_staged_again(
    project: StockProject, backend: ServerBackend
) -> None:
    path = project.home.in_download(backend.stage(b"code", BATCH))
    path.write_bytes(b"co")
    backend.stage(b"code", OTHER)
    assert path.read_bytes() == b"code"


def test_bundles_are_not_removed_while_others_stage_them(project: StockProject) -> None:
    backends = [ServerBackend(project.home) for _ in range(4)]
    wrong = list[str]()

    def live(number: int) -> None:
        for turn in range(40):
            batch = f"pymw_{number:06}{turn:06}"
            path = project.home.in_download(backends[number].stage(b"shared", batch))
            if not path.exists():
                wrong.append(batch)
            backends[number].forget(batch)

    threads = [threading.Thread(target=live, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in backends:
        each.close()
    assert wrong == [] and files_in_download(project) == []


def test_what_a_killed_program_began_to_remove_is_removed_by_the_next(
    project: StockProject, backend: ServerBackend
) -> None:
    path = project.home.in_download(backend.stage(b"code", BATCH))
    (project.task_dir / BATCH).rename(project.task_dir / f".removed-{BATCH}")
    backend.stage(b"other", OTHER)
    backend.forget(OTHER)
    assert not path.exists() and list(project.task_dir.iterdir()) == [project.task_dir / ".lock"]


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


# The database.


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
