"""A backend by URL: jobs are there once whatever is lost on the way, and nothing is left at the end."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pymw
import pytest
from pymw import errors
from pymw.boinc.backend import Demand, Ended, Job
from pymw.interfaces.boinc import BOINCInterface
from pymw.project.remote.files import InputFiles
from pymw.project.remote.queries import Refusal
from pymw.remote import submission
from pymw.remote.backend import RemoteBackend
from pymw.remote.replies import Refused
from pymw.remote.web import Unreachable, Web

from tests.master.interfaces.tasks import SOON, announce_and_sleep, eventually, same
from tests.remote.conftest import Site

BATCH = "pymw_0123456789ab"


def jobs(backend: RemoteBackend, count: int, batch: str = BATCH, **demand: Any) -> list[Job]:
    bundle = backend.stage(os.urandom(10), batch)
    asked = Demand(**demand)
    return [Job(f"{batch}_{number}", bundle, os.urandom(10), "--python 3", asked) for number in range(count)]


@pytest.fixture
def backend(idle: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[RemoteBackend]:
    """A backend for a project in which there is nothing, and nothing is left."""
    monkeypatch.setenv("PYMW_ACCOUNT_KEY", idle.key)
    made = RemoteBackend(idle.url)
    yield made
    made.forget(BATCH)
    made.close()
    assert idle.project.counts().workunits == 0


@pytest.fixture
def lose(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Loses the first requests with this command, or the replies to them; returns what was lost."""
    monkeypatch.setattr(submission, "_PAUSE", 0.01)
    monkeypatch.setattr("pymw.remote.rpc._PAUSES", (0.01,))

    def losing(command: str, arrives: bool, times: int = 2) -> list[str]:
        lost: list[str] = []
        asked = Web.ask

        def ask(self: Web, method: str, path: str, body: Any = None, headers: Any = None) -> Any:
            if command.encode() not in (body or b"") or len(lost) == times:
                return asked(self, method, path, body, headers)
            lost.append(command)
            if arrives:
                asked(self, method, path, body, headers)
            raise Unreachable("lost")

        monkeypatch.setattr(Web, "ask", ask)
        return lost

    return losing


CHANGING = ("upload_files", "create_batch", "submit_batch", "abort_batch", "retire_batch")
ASKING = ("query_files", "query_batches", "query_batch2", "query_completed_job")
LOST = [(name, arrives) for name in CHANGING for arrives in (False, True)] + [
    (name, False) for name in ASKING
]


@pytest.mark.parametrize(("command", "arrives"), LOST)
def test_whatever_is_lost_each_task_is_there_once_and_nothing_is_left(
    site: Site, lose: Callable[..., list[str]], command: str, arrives: bool
) -> None:
    interface = BOINCInterface(site.url)
    lost = lose(command, arrives)
    with pymw.Master(interface) as master:
        futures = [master.submit(same, number) for number in range(3)]
        assert [future.result(SOON) for future in futures] == [0, 1, 2]
        assert site.project.counts().workunits == 3
    assert lost  # once, where the second look shows that the first was enough
    assert site.project.counts().workunits == 0


def test_jobs_that_are_there_are_passed_over(idle: Site, backend: RemoteBackend) -> None:
    backend.submit(jobs(backend, 3), BATCH)
    backend.submit(jobs(backend, 5), BATCH)
    assert idle.project.counts().workunits == 5
    other = RemoteBackend(idle.url)
    other.submit(jobs(other, 6), BATCH)
    assert idle.project.counts().workunits == 6
    assert other.known([f"{BATCH}_{number}" for number in range(8)]) == {f"{BATCH}_{n}" for n in range(6)}
    other.close()


def test_a_batch_that_was_begun_and_not_filled_is_filled_again(
    idle: Site, backend: RemoteBackend, lose: Callable[..., list[str]]
) -> None:
    made = jobs(backend, 4)
    lose("submit_batch", arrives=False, times=submission._TRIES)
    with pytest.raises(Unreachable):
        backend.submit(made, BATCH)
    assert idle.project.counts().workunits == 0
    backend.submit(made, BATCH)
    assert idle.project.counts().workunits == 4


def test_many_jobs_become_several_batches(
    idle: Site, backend: RemoteBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pymw.remote.backend.TOGETHER", 7)
    backend.submit(jobs(backend, 16), BATCH)
    assert [each.name for each in backend._patient.batches(BATCH)] == [f"{BATCH}_{n}" for n in (1, 2, 3)]
    assert idle.project.counts().workunits == 16
    backend.forget(BATCH)
    assert idle.project.counts().workunits == 0
    assert backend.known([f"{BATCH}_1"]) == set()


def test_what_is_asked_for_a_job_is_asked_of_the_project(idle: Site, backend: RemoteBackend) -> None:
    backend.submit(jobs(backend, 1, target_nresults=3, min_quorum=2, max_nbytes=99, delay_bound=77.0), BATCH)
    row = idle.project._db.execute("SELECT * FROM workunit").fetchone()
    assert (row["target_nresults"], row["min_quorum"], row["delay_bound"]) == (3, 2, 77.0)
    assert '"max_nbytes":99,' in row["job"]


def test_a_cancelled_job_is_told_as_such_and_not_known_any_more(idle: Site, backend: RemoteBackend) -> None:
    backend.submit(jobs(backend, 2), BATCH)
    first, second = f"{BATCH}_0", f"{BATCH}_1"
    backend.cancel([first, "pymw_000000000000_7"])
    assert backend.known([first, second]) == {second}
    assert _news(backend, 1) == [(first, True)]
    other = RemoteBackend(idle.url)  # which only the project can tell
    assert other.known([first, second]) == {second}
    assert [(each.name, each.cancelled) for each in other.ended([first, second])] == [(first, True)]
    other.close()


def _news(backend: RemoteBackend, count: int) -> list[tuple[str, bool]]:
    found: list[Ended] = []
    end = time.monotonic() + SOON
    while len(found) < count and time.monotonic() < end:
        found += backend.news(0.2)
    return [(each.name, each.cancelled) for each in found]


def test_a_program_that_was_killed_finds_its_jobs_again(site: Site) -> None:
    lost = BOINCInterface(site.url)
    master = pymw.Master(lost)
    future = master.submit(same, 7)
    future.result(SOON)
    name = f"{lost._batch}_1"
    again = RemoteBackend(site.url)
    assert again.known([name, f"{lost._batch}_2"]) == {name}
    (ended,) = again.ended([name, f"{lost._batch}_2"])
    assert ended.result is not None and ended.result.stat().st_size > 0
    assert ended.log is not None and ended.by["host"] == "1"
    again.forget(lost._batch)
    assert site.project.counts().workunits == 0
    folder = ended.result.parent
    again.close()
    assert not folder.exists()
    master.shutdown()


def test_a_task_is_seen_running_and_stopped(site: Site, tmp_path: Path) -> None:
    with pymw.Master(BOINCInterface(site.url)) as master:
        future = master.submit(announce_and_sleep, tmp_path / "pid")
        eventually(future.running)
        assert future.worker == "a volunteer"
        assert master.status()["interface"]["in_progress"] == 1
        assert future.cancel()
        eventually(lambda: site.project.counts().results_in_progress == 0)


def test_a_result_larger_than_was_asked_for_is_lost_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pymw.remote.ledger.Ledger.most", lambda *args: 10)
    with pymw.Master(BOINCInterface(site.url)) as master:
        error = master.submit(same, 1).exception(SOON)
        assert isinstance(error, errors.ResultLost) and "more than 10 bytes" in str(error)


def test_files_are_uploaded_once_and_in_groups(
    idle: Site, backend: RemoteBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[list[str]] = []
    upload = backend._patient.upload_files

    def seen(files: Mapping[str, bytes], until: float) -> None:
        sent.append(list(files))
        upload(files, until)

    monkeypatch.setattr(backend._patient, "upload_files", seen)
    backend.submit(jobs(backend, 45), BATCH)
    assert sorted(map(len, sent)) == [1, 5, 20, 20]
    backend.submit(jobs(backend, 45), BATCH)  # another bundle, and jobs that are there
    assert len(sent) == 5


def test_a_command_line_of_any_characters_arrives(idle: Site, backend: RemoteBackend) -> None:
    hard = "--run 'it's <a> &amp; & \\ \\n %s ä€\N{GRINNING FACE} #1 ]]>\"'"
    (job,) = jobs(backend, 1)
    backend.submit([Job(job.name, job.bundle, job.arguments, hard, job.demand)], BATCH)
    row = idle.project._db.execute("SELECT job FROM workunit").fetchone()
    assert json.loads(row["job"])["command_line"] == hard


def test_files_that_are_there_stay_although_the_stock_server_says_that_it_failed(
    backend: RemoteBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = jobs(backend, 3)
    refusals = ["job_file->update() failed: "] * 2
    query = InputFiles.query

    async def refused(self: InputFiles, request: str) -> str:
        if refusals:
            raise Refusal(refusals.pop())
        return await query(self, request)

    monkeypatch.setattr(InputFiles, "query", refused)
    backend.submit(made, BATCH)
    assert backend.known([made[0].name]) == {made[0].name}
    refusals += ["bad filename"]
    with pytest.raises(Refused, match="bad filename"):
        backend.stage(b"other", BATCH)
