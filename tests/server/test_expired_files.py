"""Input files that web RPCs have brought, and that nobody needs any more, are removed; no others are."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from pymw.errors import ProjectError
from pymw.server.assimilator import expired_files

from tests.bench.mariadb import MariaDB
from tests.bench.require import require
from tests.server.daemon import Assimilator
from tests.server.expiring import Rounds, one_round
from tests.server.played_job_file import LATER, PAST, JobFiles
from tests.server.stock_project import Attempt, StockProject

TROUBLE = "[CRITICAL]"


def needs(project: StockProject, state: int, *names: str) -> None:
    """A workunit that names these input files. state: assimilate_state."""
    infos = "".join(f"<file_info>\n<name>{name}</name>\n</file_info>\n" for name in names)
    columns = {"name": f"pymw_1_{state}_{names}"[:190], "appid": project.app, "assimilate_state": state}
    project.insert("workunit", xml_doc=infos.encode(), batch=5, **columns)


def test_what_has_expired_goes_and_nothing_else(stock_project: StockProject, files: JobFiles) -> None:
    gone = [files.upload(b"old", PAST), files.upload(b"old", PAST, "arguments")]
    kept = [files.upload(b"new", LATER), files.upload(b"for ever", 0.0)]
    hexadecimal = "0123456789abcdef" * 2
    foreign = [
        "jf_d41d8cd98f00b204e9800998ecf8427e",
        f"pymw_bundle_{hexadecimal}",
        f"pymw_remote_bundle_{hexadecimal}.more",
        f"pymw_remote_bundle_{hexadecimal[::-1].upper()}",
        f"pymw_remote_other_{hexadecimal}",
        f"pymwXremoteXbundle_{hexadecimal}",
    ]
    for name in foreign:
        files.put(name, b"not ours", PAST)
    log = one_round(stock_project)
    assert files.whole(*kept, *foreign)
    assert log.count("has expired and is removed") == len(gone)
    assert "Removed 2 input files that have expired." in log
    assert TROUBLE not in log
    assert one_round(stock_project) == ""


@pytest.mark.parametrize(("state", "stays"), [(0, True), (1, True), (2, False)])
def test_what_a_workunit_needs_that_is_not_done_stays(
    stock_project: StockProject, files: JobFiles, state: int, stays: bool
) -> None:
    used, unused = files.upload(b"used", PAST), files.upload(b"unused", PAST)
    arguments = files.upload(b"used", PAST, "arguments")
    needs(stock_project, state, used, arguments)
    one_round(stock_project)
    assert files.whole(*[used, arguments] * stays)
    assert not files.query(unused, LATER)
    stock_project.database.change("UPDATE workunit SET assimilate_state = 2")
    one_round(stock_project)
    assert files.whole()


def test_all_workunits_are_looked_at(
    stock_project: StockProject, files: JobFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expired_files, "_UNFINISHED", expired_files._UNFINISHED.replace("1000", "2"))
    used = [files.upload(bytes([number]), PAST) for number in range(9)]
    for number, name in enumerate(used):
        needs(stock_project, number % 2, name)
    one_round(stock_project)
    assert files.whole(*used)


def test_a_workunit_that_ends_during_the_look_is_seen(stock_project: StockProject, files: JobFiles) -> None:
    used = files.upload(b"used", PAST)
    needs(stock_project, 0, used)
    needs(stock_project, 1, "other")
    one_round(
        stock_project,
        lambda: stock_project.database.change("UPDATE workunit SET assimilate_state = 1"),
    )
    assert files.whole(used)


def test_a_file_that_is_gone_leaves_no_row_and_no_note(stock_project: StockProject, files: JobFiles) -> None:
    deleted, without_note, without_folder = (files.upload(data, PAST) for data in (b"1", b"2", b"3"))
    files.path(deleted).unlink()
    files.md5(without_note).unlink()
    shutil.rmtree(files.path(without_folder).parent)
    log = one_round(stock_project)
    assert files.whole()
    assert "Removed 1 input files" in log
    assert TROUBLE not in log


def test_a_link_goes_and_not_what_it_points_to(
    stock_project: StockProject, files: JobFiles, tmp_path: Path
) -> None:
    (tmp_path / "precious").touch()
    name = files.upload(b"old", PAST)
    files.path(name).unlink()
    files.path(name).symlink_to(tmp_path / "precious")
    one_round(stock_project)
    assert files.whole()
    assert (tmp_path / "precious").exists()


# Others at the same time.


def test_a_file_that_is_asked_for_in_the_middle_stays(stock_project: StockProject, files: JobFiles) -> None:
    asked, other = files.upload(b"asked for", PAST), files.upload(b"other", PAST)
    answers = list[bool]()
    one_round(stock_project, lambda: answers.extend([files.query(asked, LATER)] * (not answers)))
    assert answers == [True]
    assert files.whole(asked)
    assert files.rows() == {asked: LATER}
    assert not files.query(other, LATER)


def test_a_row_that_others_hold_is_left_for_later(stock_project: StockProject, files: JobFiles) -> None:
    name = files.upload(b"old", PAST)
    with files.database.transaction():
        files.database.rows("SELECT id FROM job_file FOR UPDATE")
        rounds = Rounds(stock_project)
        with pytest.raises(ProjectError, match="Lock wait timeout exceeded"):
            rounds.one()
        assert files.path(name).exists()
    rounds.one()
    assert files.whole()


# What it does not do.


def test_a_folder_that_cannot_be_written_to_is_said_once(
    stock_project: StockProject, files: JobFiles
) -> None:
    names = [files.upload(bytes([number]), PAST) for number in range(5)]
    folder = stock_project.home.download_dir
    mounted = subprocess.run(["mount", "--bind", folder, folder], capture_output=True, check=False)
    require(mounted.returncode == 0, "to mount, as root")
    rounds = Rounds(stock_project)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        log = rounds.one() + rounds.one()
        assert files.whole(*names)
    finally:
        subprocess.run(["umount", folder], check=True)
    assert log.count("cannot be removed: Read-only file system: input files that have expired stay") == 1
    assert log.count(TROUBLE) == 1
    assert "Removing expired input files: all right again" in rounds.one()
    assert files.whole()


def test_one_that_cannot_be_removed_does_not_hold_up_the_others(
    stock_project: StockProject, files: JobFiles
) -> None:
    stuck, other = files.upload(b"stuck", PAST), files.upload(b"other", PAST)
    files.path(stuck).unlink()
    files.path(stuck).mkdir()
    log = one_round(stock_project)
    assert f"{files.path(stuck)} cannot be removed: Is a directory" in log
    assert list(files.rows()) == [stuck]
    assert not files.query(other, LATER)


def test_a_download_folder_that_is_not_mounted_loses_no_rows(
    stock_project: StockProject, files: JobFiles
) -> None:
    name = files.upload(b"old", PAST)
    folder, away = stock_project.home.download_dir, stock_project.home.folder / "away"
    folder.rename(away)
    folder.mkdir()
    log = one_round(stock_project)
    assert f"{folder} is empty, as if its file system were not mounted" in log
    assert list(files.rows()) == [name]
    folder.rmdir()
    away.rename(folder)
    one_round(stock_project)
    assert files.whole()


def test_a_database_that_goes_in_the_middle_is_waited_for(
    stock_project: StockProject, files: JobFiles, mariadb: MariaDB
) -> None:
    name = files.upload(b"old", PAST)
    kill = [mariadb.kill]
    rounds = Rounds(stock_project, lambda: kill and kill.pop()())
    try:
        with pytest.raises(ProjectError, match="the database boinc"):
            rounds.one()
        assert files.path(name).exists()
    finally:
        mariadb.start()
    assert "Removed 1 input files" in rounds.one()
    assert files.whole()


# No faster than others can wait.


def test_it_takes_turns(
    stock_project: StockProject, files: JobFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expired_files, "_TURN", 0.0)
    monkeypatch.setattr(expired_files, "_TOGETHER", 2)
    for number in range(7):
        files.upload(bytes([number]), PAST)
    rounds = Rounds(stock_project)
    left = list[int]()
    while files.rows():
        rounds.turn()
        left.append(len(files.rows()))
    assert left == [7, 5, 3, 1, 0]
    files.upload(b"the next round is not due", PAST)
    for _ in range(5):
        rounds.turn()
    assert len(files.rows()) == 1


def test_more_than_a_round_looks_at_are_for_the_next_one(
    stock_project: StockProject, files: JobFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expired_files, "_FIND", expired_files._FIND.replace("20000", "3"))
    monkeypatch.setattr(expired_files, "_FILES", 3)
    names = [files.upload(bytes([number]), PAST) for number in range(8)]
    needs(stock_project, 0, *names[:4])
    rounds = Rounds(stock_project)
    for left in (8, 6, 4, 4):  # without a pause, but for the last, which is not due
        rounds.turn()
        assert len(files.rows()) == left
    assert files.whole(*names[:4])
    stock_project.database.change("UPDATE workunit SET assimilate_state = 2")
    assert "Removed 3" in rounds.one()
    rounds.turn()
    assert files.whole()


def test_one_of_those_that_share_the_work_does_it(stock_project: StockProject, files: JobFiles) -> None:
    name = files.upload(b"old", PAST)
    apps = {"pymw": stock_project.app, "other": stock_project.insert("app", name="other")}
    for app, options in (("pymw", ("--mod", "2", "1")), ("other", ())):
        with Assimilator(stock_project, *options, "-app", app) as daemon:
            for number in range(2):  # before the second is looked at, there was a pause
                jobs = {f"{app}_{number}{letter}": Attempt() for letter in "ab"}
                mine = [one for one in stock_project.finished(jobs, appid=apps[app]) if one % 2]
                query = "SELECT assimilate_state FROM workunit WHERE id = %s"
                daemon.wait_for(lambda: stock_project.database.rows(query, mine) == [(2,)])  # noqa: B023
    assert files.whole(name)
    with Assimilator(stock_project, "--mod", "2", "0") as daemon:
        daemon.wait_for(files.whole)
