"""pymw_assimilator as a daemon: how it ends, and what it waits for."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from pymw.server.task_folder import TaskFolder

from tests.bench.mariadb import MariaDB
from tests.server.daemon import Assimilator
from tests.server.stock_project import Attempt, StockProject

BATCH, OTHER = "pymw_0123456789ab", "pymw_ba9876543210"
VALUE = Attempt(files={"pymw_result": b"value", "pymw_log": b"log"})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_in_order(stock_project: StockProject, number: signal.Signals) -> None:
    with Assimilator(stock_project, "--sleep_interval", "1000") as daemon:
        daemon.wait_for_log("Starting")
        daemon.send(number)
        assert daemon.wait() == 0
        assert f"Quitting because of {number.name}" in daemon.log()


def test_the_file_of_bin_stop_ends_it_and_keeps_it_from_starting(stock_project: StockProject) -> None:
    file = stock_project.home.folder / "stop_daemons"
    with Assimilator(stock_project, "--sleep_interval", "1000") as daemon:
        daemon.wait_for_log("Starting")
        file.touch()
        assert daemon.wait() == 0
        stock_project.finished({f"{BATCH}_1": VALUE})
    with Assimilator(stock_project) as daemon:
        assert daemon.wait() == 0
        assert daemon.log().count(f"Quitting because of trigger file '{file}'") == 2
    assert stock_project.states() == {f"{BATCH}_1": 1}


def test_a_second_one_for_the_same_work_refuses(stock_project: StockProject) -> None:
    with Assimilator(stock_project) as daemon:
        stock_project.finished({f"{BATCH}_1": VALUE})
        daemon.wait_for(lambda: stock_project.states() == {f"{BATCH}_1": 2})
        with Assimilator(stock_project) as second:
            assert second.wait() == 2
            assert "[CRITICAL] another pymw_assimilator does the same work in this project" in second.log()
        with Assimilator(stock_project, "--mod", "2", "1", "-one_pass") as other:
            assert other.wait() == 0
        daemon.kill()
        with Assimilator(stock_project, "-one_pass") as second:
            assert second.wait() == 0


def test_a_database_that_is_away_is_waited_for(stock_project: StockProject, mariadb: MariaDB) -> None:
    batch = stock_project.tasks.create(BATCH)
    with Assimilator(stock_project) as daemon:
        for number in (1, 2):
            stock_project.finished({f"{BATCH}_{number}": VALUE})
            daemon.wait_for(lambda: stock_project.states()[f"{BATCH}_{number}"] == 2)  # noqa: B023
            if number == 1:
                mariadb.kill()
                try:
                    daemon.wait_for_log("waiting for that to change")
                finally:
                    mariadb.start()
        assert daemon.log().count("CRITICAL") == daemon.log().count("waiting for that to change") <= 2
        assert daemon.log().count("The work: all right again") == 1
    assert [each.name for each in batch.news()] == [f"{BATCH}_1", f"{BATCH}_2"]


def test_it_waits_for_a_database_that_starts_after_it(stock_project: StockProject, mariadb: MariaDB) -> None:
    stock_project.finished({f"{BATCH}_1": VALUE})
    mariadb.stop()
    try:
        with Assimilator(stock_project) as daemon:
            daemon.wait_for_log("cannot be reached as boincadm")
            mariadb.start()
            daemon.wait_for(lambda: stock_project.states() == {f"{BATCH}_1": 2})
            assert "it's <secret>" not in daemon.log()
    finally:
        mariadb.start()


def test_a_batch_that_cannot_be_written_to_waits_and_the_others_go_on(stock_project: StockProject) -> None:
    blocked, other = stock_project.tasks.create(BATCH), stock_project.tasks.create(OTHER)
    jobs = [f"{name}_{number}" for number in range(20) for name in (BATCH, OTHER)]
    (blocked.folder / "ended.jsonl").mkdir()
    stock_project.finished(dict.fromkeys(jobs, VALUE))
    with Assimilator(stock_project) as daemon:
        daemon.wait_for(lambda: list(stock_project.states().values()).count(2) == 20)
        assert {each.name for each in other.news()} == {name for name in jobs if name.startswith(OTHER)}
        assert (
            daemon.log().count(f"{blocked.folder} cannot be written: Is a directory; it is tried again") == 1
        )
        assert {state for name, state in stock_project.states().items() if name.startswith(BATCH)} == {1}
        (blocked.folder / "ended.jsonl").rmdir()
        daemon.wait_for(lambda: set(stock_project.states().values()) == {2})
        daemon.wait_for_log(f"{blocked.folder}: all right again")
    assert [each.name for each in blocked.news()] == [name for name in jobs if name.startswith(BATCH)]
    assert [path for path in blocked.folder.iterdir() if path.name.startswith(".")] == []


def test_a_full_disk_is_waited_for(stock_project: StockProject, small_disk: Path) -> None:
    folder = TaskFolder(small_disk / "tasks")
    folder.make()
    batch = folder.create(BATCH)
    jobs = {f"{BATCH}_{number}": Attempt(files={"pymw_result": bytes(100_000)}) for number in range(60)}
    stock_project.finished(jobs)
    with Assimilator(stock_project, task_dir=folder.path) as daemon:
        daemon.wait_for_log(f"{batch.folder} cannot be written: No space left on device")
        seen = set[str]()
        while seen != set(jobs):  # as a program does, which reads them and removes them
            for ended in batch.news():
                assert ended.result is not None
                assert ended.result.read_bytes() == bytes(100_000)
                ended.result.unlink()
                seen.add(ended.name)
            daemon.wait_for((batch.folder / "ended.jsonl").exists)
        daemon.wait_for(lambda: set(stock_project.states().values()) == {2})
    assert len((batch.folder / "ended.jsonl").read_bytes().splitlines()) == 60


def test_a_task_dir_whose_file_system_is_not_mounted_loses_nothing(
    stock_project: StockProject, small_disk: Path
) -> None:
    folder = TaskFolder(small_disk)
    folder.make()
    batch = folder.create(BATCH)
    with Assimilator(stock_project, task_dir=small_disk) as daemon:
        daemon.wait_for_log("Starting")
        subprocess.run(["mount", "--bind", stock_project.home.folder / "html", small_disk], check=True)
        try:
            stock_project.finished({f"{BATCH}_1": VALUE})
            daemon.wait_for_log(f"{small_disk} is no folder that pymw_setup has made")
            assert stock_project.states() == {f"{BATCH}_1": 1}
        finally:
            subprocess.run(["umount", small_disk], check=True)
        daemon.wait_for(lambda: stock_project.states() == {f"{BATCH}_1": 2})
    assert [each.name for each in batch.news()] == [f"{BATCH}_1"]


def test_an_upload_folder_that_is_empty_is_waited_for(stock_project: StockProject) -> None:
    batch = stock_project.tasks.create(BATCH)
    stock_project.finished({f"{BATCH}_1": VALUE})
    upload, away = stock_project.home.upload_dir, stock_project.home.folder / "away"
    upload.rename(away)
    upload.mkdir()
    with Assimilator(stock_project) as daemon:
        sentence = (
            f"[{BATCH}_1] {upload} is empty, as if its file system were not mounted; it is left for later"
        )
        daemon.wait_for_log(sentence)
        upload.rmdir()
        away.rename(upload)
        daemon.wait_for(lambda: stock_project.states() == {f"{BATCH}_1": 2})
        assert daemon.log().count(sentence) == 1
    assert [each.result is not None for each in batch.news()] == [True]


def test_a_batch_that_its_program_removes_meanwhile_is_of_no_interest(stock_project: StockProject) -> None:
    for name in (BATCH, OTHER):
        stock_project.tasks.create(name)
    jobs = [f"{name}_{number}" for number in range(300) for name in (BATCH, OTHER)]
    with Assimilator(stock_project) as daemon:
        daemon.wait_for_log("Starting")
        stock_project.finished(dict.fromkeys(jobs, VALUE))
        daemon.wait_for((stock_project.task_dir / BATCH / f"{BATCH}_0.result").exists)
        stock_project.tasks.remove(BATCH, print)
        daemon.wait_for(lambda: set(stock_project.states().values()) == {2})
        assert "CRITICAL" not in daemon.log()
    assert len(stock_project.tasks.batch(OTHER).news()) == 300


def test_lines_look_as_those_of_boinc_s_daemons(stock_project: StockProject) -> None:
    stock_project.finished({f"{BATCH}_1": VALUE})
    with Assimilator(stock_project, "-one_pass") as daemon:
        assert daemon.wait() == 0
        moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{4}"
        lines = daemon.log().splitlines()
    import re

    assert re.fullmatch(rf"{moment} \[debug\] \[{BATCH}_1\] no program waits for it", lines[-2])
    assert re.fullmatch(rf"{moment}  Assimilated 1 workunits\.", lines[-1])
