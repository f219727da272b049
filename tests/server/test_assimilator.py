"""What pymw_assimilator hands over, on a real MariaDB."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from pymw.boinc.backend import Ended
from pymw.project.states import ErrorMask, Outcome
from pymw.server.assimilator import cli
from pymw.server.assimilator.queue import ROUND
from pymw.server.task_folder import Batch

from tests.server.stock_project import Attempt, StockProject

BATCH = "pymw_0123456789ab"
VALUE = Attempt(files={"pymw_result": b"value", "pymw_log": b"log"})

Pass = Callable[..., int]


@pytest.fixture
def batch(stock_project: StockProject) -> Batch:
    """The folder of a batch whose program waits for its jobs."""
    return stock_project.tasks.create(BATCH)


@pytest.fixture
def one_pass(stock_project: StockProject, monkeypatch: pytest.MonkeyPatch) -> Pass:
    """Looks once at what has ended; returns the exit status."""

    def work(*options: str) -> int:
        monkeypatch.chdir(stock_project.home.folder / "tmp_host")
        return cli.main(["-d", "4", "-one_pass", *options, "-p", str(stock_project.task_dir)])

    return work


def transition_time(project: StockProject, job: str) -> int:
    """When the transitioner is to look at a job again, seconds from now; more than a day: never."""
    statement = "SELECT CAST(transition_time AS SIGNED) - UNIX_TIMESTAMP() FROM workunit WHERE name = %s"
    return int(project.database.rows(statement, (job,))[0][0])


def test_the_files_of_a_success_are_there_with_who_has_done_it(
    stock_project: StockProject, batch: Batch, one_pass: Pass
) -> None:
    stock_project.finished({f"{BATCH}_1": VALUE})
    assert one_pass() == 0
    (ended,) = batch.news()
    facts = {"host": "7", "boinc-platform": "windows_intelx86", "cpu": "1.500", "elapsed": "2.250"}
    result, log = batch.folder / f"{BATCH}_1.result", batch.folder / f"{BATCH}_1.log"
    assert ended == Ended(f"{BATCH}_1", result, log, by=facts)
    assert (result.read_bytes(), log.read_bytes()) == (b"value", b"log")
    assert stock_project.states() == {f"{BATCH}_1": 2}
    assert -10 < transition_time(stock_project, f"{BATCH}_1") <= 0
    assert {path.name for path in batch.folder.iterdir()} == {
        "bundles",
        "ended.jsonl",
        result.name,
        log.name,
    }


@pytest.mark.parametrize(
    "mask", list(ErrorMask)[1:] if ErrorMask.NONE in list(ErrorMask) else list(ErrorMask)
)
def test_a_failure_says_why_and_what_every_computer_said(
    stock_project: StockProject, batch: Batch, one_pass: Pass, mask: ErrorMask
) -> None:
    attempts = [
        Attempt(outcome=Outcome.CLIENT_ERROR, exit_status=195, stderr=b"first words", host=7),
        Attempt(outcome=Outcome.NO_REPLY, host=8),
        Attempt(outcome=Outcome.CLIENT_ERROR, exit_status=206, stderr=b"last words", host=9),
        Attempt(outcome=Outcome.DIDNT_NEED, host=0),
    ]
    stock_project.failed(f"{BATCH}_1", mask, attempts)
    assert one_pass() == 0
    (ended,) = batch.news()
    assert ended.name == f"{BATCH}_1"
    assert (ended.result, ended.log) == (None, None)
    assert ended.reason.startswith(f"the job {BATCH}_1 has no result: ")
    assert ended.cancelled == (mask == ErrorMask.CANCELLED)
    assert ended.exit_status == 206
    assert ended.by["host"] == "9"
    assert ended.stderr == (
        f"{BATCH}_1_0 on computer 7: client_error, exit status 195\nfirst words\n"
        f"{BATCH}_1_1 on computer 8: no_reply, exit status None\n\n"
        f"{BATCH}_1_2 on computer 9: client_error, exit status 206\nlast words"
    )
    assert stock_project.states() == {f"{BATCH}_1": 2}


def test_a_client_s_wrapping_is_taken_off_what_the_task_said(
    stock_project: StockProject, batch: Batch, one_pass: Pass
) -> None:
    raw = (
        b"\n<core_client_version>7.20.5</core_client_version>\n<![CDATA[\n"
        b"<message>\nprocess exited</message>\n<stderr_txt>\n1 < 2 ]]> 3\n</stderr_txt>\n]]>\n"
    )
    failed = Attempt(outcome=Outcome.CLIENT_ERROR, exit_status=3, stderr=raw)
    stock_project.failed(f"{BATCH}_1", ErrorMask.TOO_MANY_ERRORS, [failed])
    assert one_pass() == 0
    words = "<message>\nprocess exited</message>\n<stderr_txt>\n1 < 2 ]]> 3\n</stderr_txt>"
    assert batch.news()[0].stderr.partition("\n")[2] == words


def test_a_failure_that_no_computer_had_is_told(
    stock_project: StockProject, batch: Batch, one_pass: Pass
) -> None:
    stock_project.failed(f"{BATCH}_1", ErrorMask.COULDNT_SEND)
    assert one_pass() == 0
    reason = f"the job {BATCH}_1 has no result: no computer took it in time"
    assert batch.news() == [Ended(f"{BATCH}_1", reason=reason)]


def test_of_equal_results_the_canonical_one_is_taken(
    stock_project: StockProject, batch: Batch, one_pass: Pass
) -> None:
    (workunit,) = stock_project.finished({f"{BATCH}_1": VALUE}, min_quorum=2)
    other = Attempt(host=8, files={"pymw_result": b"value", "pymw_log": b"another log"})
    (canonical,) = stock_project.insert_all("result", [stock_project.result(workunit, f"{BATCH}_1_1", other)])
    stock_project.database.change("UPDATE workunit SET canonical_resultid = %s", (canonical,))
    assert one_pass() == 0
    (ended,) = batch.news()
    assert ended.by["host"] == "8"
    assert ended.log is not None
    assert ended.log.read_bytes() == b"another log"


def test_a_workunit_whose_canonical_result_is_gone_has_failed(
    stock_project: StockProject, batch: Batch, one_pass: Pass
) -> None:
    stock_project.finished({f"{BATCH}_1": VALUE})
    stock_project.database.change("DELETE FROM result")
    assert one_pass() == 0
    (ended,) = batch.news()
    assert ended.reason.endswith("none of its results is valid")


def test_a_batch_that_nobody_waits_for_is_done_without_a_trace(
    stock_project: StockProject, one_pass: Pass
) -> None:
    stock_project.finished({f"{BATCH}_1": VALUE, "of_another_tool": VALUE, "nounderscore": VALUE})
    stock_project.failed("../../etc_1", ErrorMask.CANCELLED)
    assert one_pass() == 0
    assert set(stock_project.states().values()) == {2}
    assert [path.name for path in stock_project.task_dir.iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.unlink(), "its output file is not on the server"),
        (lambda path: path.write_bytes(b"valu"), "its output file has 4 bytes, its computer has sent 5"),
        (
            lambda path: path.write_bytes(b"VALUE"),
            "its output file is not the one that its computer has sent",
        ),
        (lambda path: (path.unlink(), path.mkdir()), "its output file is no file"),
        (
            lambda path: (path.unlink(), subprocess.run(["mkfifo", path], check=True)),
            "its output file is no file",
        ),
        (
            lambda path: (path.rename(path.with_name("x")), path.symlink_to(path.with_name("x"))),
            "its output file is not on the server",
        ),
    ],
    ids=["missing", "short", "changed", "folder", "pipe", "link"],
)
def test_a_result_that_is_lost_is_told_and_holds_nobody_up(
    stock_project: StockProject,
    batch: Batch,
    one_pass: Pass,
    damage: Callable[[Path], object],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stderr = Attempt(files=VALUE.files, stderr=b"said before")
    stock_project.finished({f"{BATCH}_1": stderr, f"{BATCH}_2": VALUE})
    damage(stock_project.upload(f"{BATCH}_1"))
    assert one_pass() == 0
    lost, good = batch.news()
    assert lost.reason == f"the job {BATCH}_1 has no result: {words}"
    assert (lost.result, lost.log) == (None, None)
    assert "said before" in lost.stderr
    assert good.result is not None
    assert set(stock_project.states().values()) == {2}
    assert f"[CRITICAL] [{BATCH}_1] {words}" in capsys.readouterr().err


def test_a_log_that_is_missing_or_damaged_is_done_without(
    stock_project: StockProject, batch: Batch, one_pass: Pass
) -> None:
    stock_project.finished({f"{BATCH}_1": Attempt(files={"pymw_result": b"value"}), f"{BATCH}_2": VALUE})
    stock_project.upload(f"{BATCH}_2", 1).write_bytes(b"something else")
    assert one_pass() == 0
    assert [(each.result is not None, each.log) for each in batch.news()] == [(True, None), (True, None)]


def test_a_large_result_and_an_empty_one_come_whole(
    stock_project: StockProject, batch: Batch, one_pass: Pass
) -> None:
    large = os.urandom(1 << 20) * 64
    jobs = {f"{BATCH}_1": large, f"{BATCH}_2": b""}
    stock_project.finished({name: Attempt(files={"pymw_result": data}) for name, data in jobs.items()})
    assert one_pass() == 0
    found = {each.name: each.result.read_bytes() for each in batch.news() if each.result}
    assert found == jobs


@pytest.mark.parametrize(
    "name", ["../../secret", "/etc/passwd", "a/b", "..", ".hidden", "x" * 300, "", "ü", "a b", "a\nb"]
)
def test_a_file_name_that_leads_elsewhere_is_not_followed(
    stock_project: StockProject, batch: Batch, one_pass: Pass, name: str
) -> None:
    stock_project.finished({f"{BATCH}_1": VALUE})
    (stock_project.home.folder / "secret").write_text("do not tell")
    statement = "UPDATE result SET xml_doc_in = REPLACE(xml_doc_in, %s, %s)"
    stock_project.database.change(statement, (stock_project.upload(f"{BATCH}_1").name, name))
    assert one_pass() == 0
    (ended,) = batch.news()
    assert ended.reason.endswith("its output template has no pymw_result")


def test_anything_may_stand_in_what_a_client_reports(
    stock_project: StockProject, batch: Batch, one_pass: Pass
) -> None:
    raw = bytes(range(256)) + "\u2028 é".encode() + b']]></stderr_txt>\n{"name": "x"}\n' + b"<" * 3000
    stock_project.finished({f"{BATCH}_1": VALUE})
    stock_project.database.change("UPDATE result SET xml_doc_out = %s", (raw * 10,))
    failed = Attempt(outcome=Outcome.CLIENT_ERROR, exit_status=1, stderr=raw)
    stock_project.failed(f"{BATCH}_2", ErrorMask.TOO_MANY_ERRORS, [failed])
    assert one_pass() == 0
    good, bad = batch.news()
    assert good.result is not None
    assert "é]]></stderr_txt>" in bad.stderr
    assert len((batch.folder / "ended.jsonl").read_bytes().splitlines()) == 2


def test_a_hostile_report_takes_no_time(stock_project: StockProject, batch: Batch, one_pass: Pass) -> None:
    for at, piece in enumerate((b"<file_info>", b"<name>", b"<name> ", b" ", b"<file_info><name>x</name")):
        stock_project.finished({f"{BATCH}_{at}": VALUE})
        raw = (b"<file_info><name>" + piece * 10_000)[:65_000]
        stock_project.database.change("UPDATE result SET xml_doc_out = %s ORDER BY id DESC LIMIT 1", (raw,))
    began = os.times().user
    assert one_pass() == 0
    assert os.times().user - began < 2
    assert len(batch.news()) == 5


def test_jobs_of_the_web_stay_until_their_batch_is_retired(
    stock_project: StockProject, one_pass: Pass
) -> None:
    states = {0: "init", 1: "in_progress", 2: "complete", 3: "aborted", 4: "retired"}
    for state, name in states.items():
        number = stock_project.insert("batch", name=name, state=state)
        stock_project.finished({f"{name}_1": VALUE}, batch=number)
    stock_project.finished({"no_row_1": VALUE}, batch=77)
    assert one_pass() == 0
    waiting = {name for name, state in stock_project.states().items() if state == 1}
    assert waiting == {"init_1", "in_progress_1", "complete_1"}
    stock_project.database.change("UPDATE batch SET state = 4 WHERE name = 'complete'")
    assert one_pass() == 0
    assert stock_project.states()["complete_1"] == 2


def test_only_workunits_of_the_application_that_are_ready_are_taken(
    stock_project: StockProject, batch: Batch, one_pass: Pass
) -> None:
    other = stock_project.insert("app", name="other")
    stock_project.finished({f"{BATCH}_1": VALUE}, appid=other)
    stock_project.finished({f"{BATCH}_2": VALUE}, assimilate_state=0)
    assert one_pass() == 0
    assert batch.news() == []
    assert one_pass("-app", "other") == 0
    assert [each.name for each in batch.news()] == [f"{BATCH}_1"]


def test_several_share_the_work_by_number(stock_project: StockProject, batch: Batch, one_pass: Pass) -> None:
    ids = stock_project.finished({f"{BATCH}_{at}": VALUE for at in range(7)})
    assert one_pass("--mod", "3", "1") == 0
    assert [each.name for each in batch.news()] == [f"{BATCH}_{at}" for at in range(7) if ids[at] % 3 == 1]


def test_many_rounds_follow_each_other(stock_project: StockProject, batch: Batch, one_pass: Pass) -> None:
    jobs = [f"{BATCH}_{at}" for at in range(2 * ROUND + 1)]
    stock_project.finished(dict.fromkeys(jobs, VALUE))
    assert one_pass() == 0
    assert [each.name for each in batch.news()] == jobs
    assert set(stock_project.states().values()) == {2}


def test_the_query_for_what_has_ended_goes_by_its_index(stock_project: StockProject) -> None:
    from pymw.server.assimilator import queue

    stock_project.finished({f"{BATCH}_{at}": VALUE for at in range(300)})
    stock_project.database.change("UPDATE workunit SET assimilate_state = 2 WHERE id < 200")
    plan = stock_project.database.rows("EXPLAIN " + queue._ENDED, (stock_project.app, 0, 1, 0))
    assert plan[0][5] == "wu_assim"
    assert "filesort" not in str(plan)


def test_wrong_options_and_places_are_one_sentence(
    stock_project: StockProject,
    one_pass: Pass,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert one_pass("--app", "nothing") == 2
    assert "the project has no application nothing: run pymw_setup" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    assert cli.main(["-p", "tasks"]) == 2
    sentence = f"pymw_assimilator: {tmp_path} is in no project of the BOINC server: go to one, or set"
    assert capsys.readouterr().err == f"{sentence} BOINC_PROJECT_DIR.\n"
    monkeypatch.setenv("BOINC_PROJECT_DIR", str(stock_project.home.folder))
    assert cli.main(["--one_pass", "-p", str(stock_project.task_dir)]) == 0
