"""Random histories of a project: whatever computers do, in whatever order, its books are right."""

import hashlib
import itertools
import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pymw.project import database, housekeeping, submission
from pymw.project.jobs import Output, Workunit
from pymw.project.request import Computer, Report, SchedulerRequest, UploadedFile
from pymw.project.scheduler import Scheduler
from pymw.project.settings import Settings
from pymw.project.states import ErrorMask, Outcome, State, Validity
from pymw.project.uploads import Digest

from tests.project.played import Reply

HOSTS = 5
SETTINGS = Settings(name="Lab", url="http://127.0.0.1/pymw/", deadline_grace=1, max_in_progress=3)
SECRET = b"secret"


def empty_project(folder: Path) -> Path:
    """A database with an account and an application."""
    path = folder / "project.sqlite"
    database.create(path)
    db = database.connect(path)
    db.execute("INSERT INTO account VALUES (1, 'a@b', 'owner', '', ?, '', 0, 0)", ("0" * 32,))
    db.execute("INSERT INTO app_version VALUES (1, 'p', 100, '7.20.0', 0)")
    db.execute("INSERT INTO app_file VALUES (1, 0, 'main', 1, '', 'sig')")
    db.close()
    return path


class History(RuleBasedStateMachine):
    """Five computers, each of which may do anything at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.db = database.connect(empty_project(self.folder))
        self.scheduler = Scheduler(SETTINGS, "key", SECRET)
        self.now, self.names = 1000.0, itertools.count()
        self.hostid = [0] * HOSTS
        self.seqno = [0] * HOSTS
        self.has: list[dict[str, list[str]]] = [{} for _ in range(HOSTS)]
        self.reports: list[list[Report]] = [[] for _ in range(HOSTS)]
        self.found: dict[str, Digest] = {}
        self.sent: list[SchedulerRequest] = []
        self.news: list[int] = []

    def teardown(self) -> None:
        self.finish_everything()
        self.db.close()
        shutil.rmtree(self.folder)

    @rule(quorum=st.integers(1, 3), more=st.integers(0, 2), errors=st.integers(0, 2), total=st.integers(3, 6))
    def submit(self, quorum: int, more: int, errors: int, total: int) -> None:
        workunit = Workunit(
            name=f"wu{next(self.names)}",
            inputs=(),
            outputs=(Output("out"),),
            min_quorum=quorum,
            target_nresults=quorum + more,
            max_error_results=errors,
            max_total_results=max(total, quorum + more),
            delay_bound=100,
        )
        with database.transaction(self.db):
            assert submission.submit(self.db, [workunit], self.now) == 1
            assert submission.submit(self.db, [workunit], self.now) == 0

    @rule(host=st.integers(0, HOSTS - 1), seconds=st.sampled_from([0, 1, 1e9]), lose=st.booleans())
    def ask(self, host: int, seconds: float, lose: bool) -> None:
        request = SchedulerRequest(
            authenticator="0" * 32,
            hostid=self.hostid[host],
            rpc_seqno=self.seqno[host],
            client="7",
            platforms=("p",),
            wants_work=seconds > 0,
            seconds=seconds,
            instances=1,
            code_sign_key="key",
            computer=Computer(f"cpid{host}", "", "", 1, 1e9, 1e9),
            reports=list(self.reports[host]),
            others=set(self.has[host]),
        )
        self.sent.append(request)
        self.seqno[host] += self.hostid[host] > 0
        reply = self.answer(request)
        if lose:
            return
        if hostid := reply.value("hostid"):
            self.hostid[host], self.seqno[host] = int(hostid), 1
        acknowledged = reply.names("result_ack")
        assert acknowledged == [report.name for report in request.reports]
        self.reports[host] = []
        for task in reply.tasks():
            self.has[host].setdefault(task.name, list(task.outputs))
        for name in reply.names("result_abort"):
            self.has[host].pop(name, None)

    def answer(self, request: SchedulerRequest) -> Reply:
        with database.transaction(self.db):
            return Reply(self.scheduler.answer(self.db, request, self.found, "", self.now))

    @precondition(lambda self: any(self.has))
    @rule(data=st.data(), value=st.sampled_from("aab"))
    def succeed(self, data: st.DataObject, value: str) -> None:
        host = data.draw(st.sampled_from([host for host in range(HOSTS) if self.has[host]]))
        name = data.draw(st.sampled_from(sorted(self.has[host])))
        files = {}
        for output in self.has[host].pop(name):
            content = value.encode()
            self.found.setdefault(output, Digest(1, value, hashlib.sha256(content).digest()))
            files[output] = UploadedFile(1, value, False)
        self.reports[host].append(Report(name, 0, 5, 1.0, 1.0, "", files))

    @precondition(lambda self: any(self.has))
    @rule(data=st.data(), status=st.sampled_from([1, 195, -186, 203, 0]))
    def fail(self, data: st.DataObject, status: int) -> None:
        host = data.draw(st.sampled_from([host for host in range(HOSTS) if self.has[host]]))
        name = data.draw(st.sampled_from(sorted(self.has[host])))
        del self.has[host][name]
        self.reports[host].append(Report(name, status, 3, 1.0, 1.0, "", {}))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """A message comes once more, from whenever; nobody reads the reply."""
        self.answer(data.draw(st.sampled_from(self.sent)))

    @rule(host=st.integers(0, HOSTS - 1))
    def reset(self, host: int) -> None:
        """The volunteer removes the project and adds it again."""
        self.hostid[host], self.seqno[host] = 0, 0
        self.has[host], self.reports[host] = {}, []

    @rule(seconds=st.sampled_from([1, 60, 300]))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        self.tidy()

    def tidy(self) -> None:
        with database.transaction(self.db):
            housekeeping.tidy(self.db, SETTINGS, uptime=1e6, now=self.now)

    @rule(number=st.integers(0, 5))
    def cancel(self, number: int) -> None:
        with database.transaction(self.db):
            submission.cancel(self.db, [f"wu{number}"])

    def rows(self, text: str) -> list[dict[str, object]]:
        return [dict(row) for row in self.db.execute(text)]

    @invariant()
    def no_computer_has_two_results_of_a_workunit(self) -> None:
        pairs = [
            (row["workunit"], row["host"])
            for row in self.rows("SELECT workunit, host FROM result WHERE host IS NOT NULL")
        ]
        assert max(Counter(pairs).values(), default=1) == 1

    @invariant()
    def a_canonical_result_is_one_of_a_quorum(self) -> None:
        for workunit in self.rows("SELECT * FROM workunit WHERE canonical IS NOT NULL"):
            assert workunit["error_mask"] == ErrorMask.NONE
            results = self.rows(f"SELECT * FROM result WHERE workunit = {workunit['id']}")
            (canonical,) = [row for row in results if row["id"] == workunit["canonical"]]
            valid = [row for row in results if row["validity"] == Validity.VALID]
            assert len(valid) >= int(str(workunit["min_quorum"]))
            assert {row["digest"] for row in valid} == {canonical["digest"]}

    @invariant()
    def news_come_once_in_order_and_never_change(self) -> None:
        news = [int(str(row["workunit"])) for row in self.rows("SELECT * FROM finished ORDER BY sequence")]
        assert news[: len(self.news)] == self.news
        assert len(set(news)) == len(news)
        over = self.rows("SELECT id FROM workunit WHERE canonical IS NOT NULL OR error_mask != 0")
        assert {row["id"] for row in over} == set(news)
        self.news = news

    @invariant()
    def the_books_add_up(self) -> None:
        for workunit in self.rows("SELECT * FROM workunit"):
            results = self.rows(f"SELECT * FROM result WHERE workunit = {workunit['id']}")
            assert len(results) <= int(str(workunit["max_total_results"]))
            open_ones = [row for row in results if row["state"] != State.OVER]
            over = workunit["canonical"] is not None or workunit["error_mask"] != 0
            assert over or open_ones
            if over:
                assert not [row for row in results if row["state"] == State.UNSENT]
            for row in results:
                assert (row["state"] == State.OVER) == (row["outcome"] != Outcome.NONE)
                assert row["outcome"] == Outcome.SUCCESS or row["validity"] == Validity.INIT
        (total,) = self.rows("SELECT sum(credit) AS credit FROM result")
        for table in ("host", "account"):
            (same,) = self.rows(f"SELECT sum(credit) AS credit FROM {table}")
            assert float(str(same["credit"] or 0)) == pytest.approx(float(str(total["credit"] or 0)))

    def finish_everything(self) -> None:
        """From wherever it is, everything comes to an end once computers do their work."""
        for _ in range(60):
            for host in range(HOSTS):
                self.ask(host, 1e9, False)
                for name in sorted(self.has[host]):
                    files = {}
                    for output in self.has[host].pop(name):
                        digest = self.found.setdefault(output, Digest(1, "a", b"a"))
                        files[output] = UploadedFile(1, digest.md5, False)
                    self.reports[host].append(Report(name, 0, 5, 1.0, 1.0, "", files))
            self.now += 50
            self.tidy()
            open_ones = self.rows("SELECT id FROM workunit WHERE canonical IS NULL AND error_mask = 0")
            if not open_ones:
                return
        raise AssertionError(f"workunits never end: {open_ones}")


TestHistories = History.TestCase
TestHistories.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_queue_that_a_computer_may_not_have_is_looked_at_once(tmp_path: Path) -> None:
    db = database.connect(empty_project(tmp_path))
    workunits = [
        Workunit(name=f"wu{number}", inputs=(), target_nresults=2, min_quorum=2) for number in range(5000)
    ]
    with database.transaction(db):
        submission.submit(db, workunits, 0)
    statements: list[str] = []
    db.set_trace_callback(statements.append)
    scheduler = Scheduler(replace(SETTINGS, max_in_progress=10_000, max_results_per_rpc=100), "key", SECRET)
    base = SchedulerRequest(
        *("0" * 32, 0, 0, "7", ("p",), True, 1e9, 1.0, "key"),
        computer=Computer("cpid", "", "", 1, 1e9, 1e9),
    )
    costs = list[int]()
    for _ in range(20):
        statements.clear()
        scheduler.answer(db, replace(base, others=None, hostid=int(bool(costs))), {}, "", 0)
        costs.append(len(statements))
    assert max(costs[2:]) <= 1.2 * costs[1], "each request costs the same, however many went before"
    db.close()


def test_a_replica_that_no_computer_is_left_for_is_not_waited_for_for_ever() -> None:
    history = History()
    history.submit(errors=0, more=2, quorum=2, total=6)
    history.ask(host=2, lose=True, seconds=1.0)
    history.wait(seconds=300)
    history.ask(host=3, lose=False, seconds=1.0)
    history.reset(host=3)
    history.ask(host=0, lose=False, seconds=1.0)
    history.ask(host=1, lose=True, seconds=1.0)
    history.reset(host=0)
    history.wait(seconds=300)
    history.teardown()  # which checks that everything has come to an end
