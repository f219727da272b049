"""What must hold on a real BOINC server, however a program reaches it: by its folder, or by its URL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pymw
import pytest
from pymw import errors
from pymw.interfaces.boinc import BOINCInterface
from pymw_packager.client_process import dies_with_us

from tests.project.test_boinc_interface import die_at_once, wait_long
from tests.server import real_server
from tests.server.real_server import ROOT, RealServer

SOON = 180.0  # seconds through a real server and client, on a busy machine
CLIENTS = 3  # as a task that fails is tried on three computers, if no computer gets it twice
HARD = "it's <a> &amp; & \\ \\n %s ä€\N{GRINNING FACE} #1 ]]>"
Open = Callable[..., BOINCInterface]

needs_server = [
    pytest.mark.boinc_server,
    pytest.mark.skipif(
        real_server.wanted() is None, reason=f"{real_server.VARIABLE} names no project of a BOINC server"
    ),
]


@contextmanager
def served(factory: pytest.TempPathFactory) -> Iterator[tuple[RealServer, pytest.MonkeyPatch]]:
    """The project that the environment names, set up, with clients."""
    folder = factory.mktemp("real")
    project = real_server.wanted()
    assert project is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        made = RealServer(project, folder)
        try:
            made.start_clients(CLIENTS)
            yield made, patch
        finally:
            made.close()


def opener(address: object) -> Open:
    """Makes interfaces that want one result of a task."""

    def make(**arguments: object) -> BOINCInterface:
        made = BOINCInterface(address, **arguments)  # type: ignore[arg-type]
        made.set_boinc_args(target_nresults=1, min_quorum=1, max_nbytes=1 << 20)
        return made

    return make


class RealConformance:
    """Its module has the fixtures `server`, `open_interface` and `address`: what a program is given as -p."""

    def count_ended(self, server: RealServer) -> int:
        """The jobs that have a result, as far as it has got before a program fetches it."""
        raise NotImplementedError

    def test_a_task_that_dies_on_every_computer_says_so(
        self, server: RealServer, open_interface: Open
    ) -> None:
        with pymw.Master(open_interface()) as master:
            dying = master.submit(die_at_once)
            error = dying.exception(2 * SOON)
            assert isinstance(error, errors.WorkerDied) and "exit status 7" in str(error), server.tell()
            assert "on computer" in dying.stderr

    def test_a_quorum_of_two_asks_two_computers(self, server: RealServer, address: Path | str) -> None:
        interface = BOINCInterface(address)  # as pymw_setup was told
        with pymw.Master(interface) as master:
            assert master.submit(pow, 2, 10).result(SOON) == 1024, server.tell()
            rows = server.database.rows(
                "SELECT r.hostid, r.validate_state FROM result r JOIN workunit w ON w.id = r.workunitid"
                " WHERE w.name = %s",
                (f"{interface._batch}_1",),
            )
        assert len({host for host, _ in rows}) == 2 and {state for _, state in rows} == {1}

    def test_a_running_task_is_cancelled_in_the_client(
        self, server: RealServer, open_interface: Open
    ) -> None:
        interface = open_interface()
        name = f"{interface._batch}_1"
        with pymw.Master(interface) as master:
            future = master.submit(wait_long)
            server.wait_for(future.running, SOON, "the task to be seen running")
            server.wait_for(lambda: _executes(server, name), SOON, "the task to run")
            assert future.cancel()
            server.wait_for(lambda: not _executes(server, name), SOON, "the client to stop it")
        rows = server.database.rows("SELECT error_mask FROM workunit WHERE name = %s", (name,))
        assert rows == [(16,)]

    def test_a_killed_program_finds_its_jobs_again(
        self, server: RealServer, address: object, tmp_path: Path
    ) -> None:
        run, tasks = tmp_path / "run", 6
        jobs = "SELECT COUNT(*) FROM workunit"
        program = [sys.executable, "-m", "tests.project.survivor", str(address), str(run), str(tasks), "5"]
        ((before,),) = server.database.rows(jobs)
        ended = self.count_ended(server)
        with subprocess.Popen([*dies_with_us(), *program], cwd=ROOT, stdin=subprocess.DEVNULL) as process:
            try:
                server.wait_for(
                    lambda: server.database.rows(jobs) == [(before + tasks,)], SOON, "all to be submitted"
                )
                server.wait_for(lambda: self.count_ended(server) > ended, SOON, "a result")
            finally:
                process.kill()
        again = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=SOON, check=False)
        assert again.returncode == 0, again.stderr
        assert again.stdout == f"{[x * x for x in range(tasks)]}\n"
        assert server.database.rows(jobs) == [(before + tasks,)]

    def test_many_tasks_come_back(self, open_interface: Open) -> None:
        with pymw.Master(open_interface()) as master:
            assert list(master.map(abs, range(-100, 0), timeout=SOON)) == list(range(100, 0, -1))


def nothing_stays(server: RealServer, left: Callable[[], list[Path]]) -> None:
    """Wait for BOINC's file_deleter. left: the files that it must remove."""
    server.wait_for(lambda: not left(), SOON, "the file_deleter to remove what no program needs any more")


def _executes(server: RealServer, name: str) -> bool:
    return any(f"name: {name}_0\n" in client.tasks() for client in server.clients)
