"""Submitting to a stock project, on a real database, with create_work played: jobs, files, and templates."""

from __future__ import annotations

import threading

import pytest
from pymw.boinc.backend import Demand
from pymw.errors import ProjectError
from pymw.server.backend import ServerBackend

from tests.server import create_work_facts
from tests.server.stock_project import StockProject
from tests.server.submitting import BATCH, OTHER, arguments_of, files_in_download, job

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
