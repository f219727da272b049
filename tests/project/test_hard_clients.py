"""Real clients, and everything else fails: the server, the network, the program that submitted the tasks."""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pymw
import pytest
from pymw import store
from pymw.interfaces.boinc import BOINCInterface
from pymw.project.states import Outcome, State, Validity
from pymw_packager.client_process import dies_with_us

from tests.bench.packages import Packages
from tests.project import books
from tests.project.conftest import Lab, opened
from tests.project.control import connect, disconnect, executing
from tests.project.server import wait_for
from tests.project.survivor import square_after

ROOT = Path(__file__).parents[2]
TASKS, KILLS = 200, 10
SECONDS = 150.0  # until all tasks are back, on a busy machine


@pytest.fixture(scope="module")
def hard_lab(
    boinc_client: None, packages: Packages, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """A lab with two clients of several processors; each holds few tasks, so that both work."""
    folder = tmp_path_factory.mktemp("hard")
    with opened(folder, packages, deadline_grace=2, max_in_progress=3) as lab:
        lab.add_client(ncpus=8)
        lab.add_client(ncpus=8)
        yield lab


@dataclass
class Absent:
    """A lab whose client took a task with a short deadline, and has been offline since."""

    lab: Lab
    future: "pymw.Future[int]"
    settled: list[object] = field(default_factory=list)


@pytest.fixture(scope="module", autouse=True)
def absent(
    boinc_client: None, packages: Packages, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Absent]:
    """It is made before the first test: so the deadline passes while others run."""
    with opened(tmp_path_factory.mktemp("absent"), packages, deadline_grace=2) as lab:
        interface = BOINCInterface(lab.project.folder)
        interface.set_boinc_args(target_nresults=1, delay_bound=25)
        with pymw.Master(interface, portable=True) as master:
            made = Absent(lab, master.submit(square_after, 12, 2))
            made.future.add_done_callback(made.settled.append)
            try:
                away = lab.add_client()
                wait_for(lambda: executing(away), 60, "the task to run", lab.tell)
                disconnect(away)
                lab.server.kill()  # it would give up a retry that nobody takes in time
                yield made
            finally:
                made.future.cancel()  # the master would wait for it


def wait_until(settled: list[object], number: int, lab: Lab) -> None:
    """Wait until so many tasks are settled."""
    wait_for(lambda: len(settled) >= number, SECONDS, f"{number} tasks", lab.tell)


def test_a_server_killed_ten_times_loses_and_doubles_nothing(hard_lab: Lab) -> None:
    project, chance = hard_lab.project, random.Random(20)
    before = books.made(project)
    settled: list[object] = []
    with hard_lab.explaining(), pymw.Master(BOINCInterface(project.folder), portable=True) as master:
        futures = [master.submit(square_after, x, 0) for x in range(TASKS)]
        for future in futures:
            future.add_done_callback(settled.append)
        for done in sorted(chance.sample(range(TASKS - 20), KILLS)):
            wait_until(settled, done, hard_lab)
            time.sleep(chance.uniform(0, 2))
            hard_lab.server.kill()
            time.sleep(chance.uniform(0, 1))
            hard_lab.server.start()
        assert [future.result(SECONDS) for future in futures] == [x * x for x in range(TASKS)]
        lines = books.lines(project)
    assert Counter(map(id, settled)) == Counter(map(id, futures))
    after = books.made(project)
    assert [after[name] - before[name] for name in ("workunit", "result")] == [TASKS, TASKS]
    assert {(line.state, line.outcome, line.validity) for line in lines} == {
        (State.OVER, Outcome.SUCCESS, Validity.VALID)
    }
    assert len({line.host for line in lines}) == 2, "both clients worked, and kept their identities"


def test_a_client_that_was_offline_past_its_deadline_does_no_harm(absent: Absent) -> None:
    lab, away, future = absent.lab, absent.lab.clients[0], absent.future
    project = lab.project
    with lab.explaining():
        lab.server.start()
        lab.add_client()
        assert future.result(SECONDS) == 144
        first, second = books.lines(project)
        assert (first.state, first.outcome) == (State.OVER, Outcome.NO_REPLY)
        assert (second.outcome, second.validity) == (Outcome.SUCCESS, Validity.VALID)
        assert first.host != second.host
        assert f"name: {first.workunit}_0\n" in away.tasks(), "it has something to report"
        connect(away)
        wait_for(lambda: first.workunit not in away.tasks(), 60, "the late report's answer", lab.tell)
        late, same = books.lines(project)
        assert (late.host, late.outcome, late.validity) == (first.host, Outcome.SUCCESS, Validity.VALID)
        assert same == second
        assert 0 < late.credit <= second.credit, "it was right, and gets its thanks"
        (news,) = project.finished_since(0)
        assert news.name == first.workunit
    assert absent.settled == [future]


class Program:
    """tests.project.survivor as a process of its own, on a run."""

    def __init__(self, lab: Lab, run: Path, tasks: int, seconds: int) -> None:
        program = [sys.executable, "-m", "tests.project.survivor", str(lab.project.folder), str(run)]
        self._command = [*dies_with_us(), *program, str(tasks), str(seconds)]

    def start(self) -> "subprocess.Popen[str]":
        """Start it; once more after it was killed."""
        return subprocess.Popen(
            self._command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self, seconds: float) -> str:
        """Start it, and return what it prints until it ends with success."""
        with self.start() as process:
            try:
                out, _ = process.communicate(timeout=seconds)
            finally:
                process.kill()
        assert process.returncode == 0, out
        return out


def test_a_killed_program_finds_its_running_workunits_again(hard_lab: Lab, tmp_path: Path) -> None:
    project, run, tasks = hard_lab.project, tmp_path / "run", 6
    program = Program(hard_lab, run, tasks, 10)
    before = books.made(project)

    def states() -> Counter[State]:
        return Counter(line.state for line in books.lines(project))

    def sent() -> int:
        return sum(line.host != 0 for line in books.lines(project))

    with hard_lab.explaining():
        with program.start() as process:
            try:
                # Those that were sent first may be over when the last are.
                wait_for(lambda: sent() == tasks, 60, "all to be sent", hard_lab.tell)
            finally:
                process.kill()
        # The quick ones end while nobody listens.
        wait_for(lambda: states()[State.OVER] >= tasks // 2, 60, "some to end", hard_lab.tell)
        assert states()[State.IN_PROGRESS] > 0
        values = f"{[x * x for x in range(tasks)]}\n"
        assert program.finish(SECONDS) == values
        after = books.made(project)
        assert [after[name] - before[name] for name in ("workunit", "result")] == [tasks, tasks]
        assert project.counts().workunits == 0, "nothing is left behind"
        assert program.finish(30) == values, "all values are kept"
        assert books.made(project) == after
    with closing(store.open_to_read(run)) as kept:
        states_kept = kept.execute("SELECT state, COUNT(*) FROM tasks GROUP BY state").fetchall()
        assert states_kept == [(store.FINISHED, tasks)]
        assert kept.execute("SELECT COUNT(*) FROM endings").fetchone() == (tasks,)
