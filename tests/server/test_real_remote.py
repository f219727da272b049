"""The same real BOINC server and clients, from elsewhere: PYMW_BOINC_PROJECT=DIR pytest -m boinc_server.

Nothing of the project is used but its URL and an account key. Its folder and database are looked into only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pymw
import pytest
from pymw import errors
from pymw.interfaces.boinc import BOINCInterface
from pymw.project.messages import Fields
from pymw.remote.account import VARIABLE
from pymw_packager.client_process import dies_with_us

from tests.project.test_boinc_interface import die_at_once, fail, greet, wait_long
from tests.server import real_server
from tests.server.played_server import unescaped
from tests.server.real_server import ROOT, RealServer
from tests.server.test_real_server import CLIENTS, HARD, SOON

pytestmark = [
    pytest.mark.boinc_server,
    pytest.mark.skipif(
        real_server.wanted() is None, reason=f"{real_server.VARIABLE} names no project of a BOINC server"
    ),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """The project, whose first account may submit."""
    folder = tmp_path_factory.mktemp("real")
    project = real_server.wanted()
    assert project is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        made = RealServer(project, folder)
        try:
            made.start_clients(CLIENTS)
            rows = made.database.rows(
                "SELECT u.authenticator FROM user u JOIN user_submit s ON s.user_id = u.id WHERE s.submit_all"
            )
            assert rows, "no account of the project may submit: docs/remote.md says how one may"
            patch.setenv(VARIABLE, rows[0][0])
            yield made
        finally:
            made.close()


@pytest.fixture
def open_interface(server: RealServer) -> Callable[..., BOINCInterface]:
    """Makes interfaces that want one result of a task."""

    def make(**arguments: object) -> BOINCInterface:
        made = BOINCInterface(server.home.master_url, **arguments)  # type: ignore[arg-type]
        made.set_boinc_args(target_nresults=1, min_quorum=1, max_nbytes=1 << 20)
        return made

    return make


Open = Callable[..., BOINCInterface]


def large(size: int) -> bytes:
    return os.urandom(size)


def test_values_exceptions_and_streams_come_back(server: RealServer, open_interface: Open) -> None:
    with pymw.Master(open_interface()) as master:
        greeting, failing = master.submit(greet, "volunteer"), master.submit(fail, "lost")
        big = master.submit(large, 800_000)
        assert greeting.result(SOON)["numbers"] == [1, 2.5, None, b"\0"], server.tell()
        assert (greeting.stdout, greeting.stderr) == ("hello volunteer\n", "careful\n")
        with pytest.raises(LookupError, match="lost"):
            failing.result(SOON)
        assert len(big.result(SOON)) == 800_000
        status = master.status()["interface"]
        assert (status["done"], status["failed"], status["unsent"]) == (3, 0, 0)
        assert status["wus_need_assimilate"] >= 3  # they are kept until they are fetched


def test_a_command_line_arrives_as_it_was_written(server: RealServer, open_interface: Open) -> None:
    interface = open_interface(custom_args=[f'"{HARD}"'])
    with pymw.Master(interface) as master:
        future = master.submit(greet, "nobody")
        name = f"{interface._batch}_1"
        query = "SELECT xml_doc FROM workunit WHERE name = %s"
        server.wait_for(
            lambda: future.done() or server.database.rows(query, (name,)), SOON, "the job to be there"
        )
        assert not future.done() or future.exception() is None
        future.cancel()  # which the worker would refuse, on one computer after the other
        ((document,),) = server.database.rows(query, (name,))
    line = Fields(Fields(document.decode())["workunit"])["command_line"]
    assert unescaped(line.strip()).endswith(f'--task {name} "{HARD}"')


def test_a_task_that_dies_on_every_computer_says_so(server: RealServer, open_interface: Open) -> None:
    with pymw.Master(open_interface()) as master:
        dying = master.submit(die_at_once)
        error = dying.exception(2 * SOON)
        assert isinstance(error, errors.WorkerDied) and "exit status 7" in str(error), server.tell()
        assert "on computer" in dying.stderr


def test_a_quorum_of_two_asks_two_computers(server: RealServer) -> None:
    interface = BOINCInterface(server.home.master_url)  # as pymw_setup was told
    with pymw.Master(interface) as master:
        assert master.submit(pow, 2, 10).result(SOON) == 1024, server.tell()
        rows = server.database.rows(
            "SELECT r.hostid, r.validate_state FROM result r JOIN workunit w ON w.id = r.workunitid"
            " WHERE w.name = %s",
            (f"{interface._batch}_1",),
        )
    assert len({host for host, _ in rows}) == 2 and {state for _, state in rows} == {1}


def test_a_running_task_is_cancelled_in_the_client(server: RealServer, open_interface: Open) -> None:
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


def _executes(server: RealServer, name: str) -> bool:
    return any(f"name: {name}_0\n" in client.tasks() for client in server.clients)


def test_a_killed_program_finds_its_jobs_again(server: RealServer, tmp_path: Path) -> None:
    run, tasks = tmp_path / "run", 6
    program = [
        sys.executable,
        "-m",
        "tests.project.survivor",
        server.home.master_url,
        str(run),
        str(tasks),
        "5",
    ]
    done = "SELECT COUNT(*) FROM workunit WHERE canonical_resultid <> 0"
    (before,) = server.database.rows("SELECT COUNT(*) FROM workunit")
    (ended,) = server.database.rows(done)
    with subprocess.Popen([*dies_with_us(), *program], cwd=ROOT, stdin=subprocess.DEVNULL) as process:
        try:
            server.wait_for(
                lambda: server.database.rows("SELECT COUNT(*) FROM workunit") == [(before[0] + tasks,)],
                SOON,
                "all to be submitted",
            )
            server.wait_for(lambda: server.database.rows(done)[0][0] > ended[0], SOON, "a result")
        finally:
            process.kill()
    again = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=SOON, check=False)
    assert again.returncode == 0, again.stderr
    assert again.stdout == f"{[x * x for x in range(tasks)]}\n"
    assert server.database.rows("SELECT COUNT(*) FROM workunit") == [(before[0] + tasks,)]


def test_many_tasks_come_back(server: RealServer, open_interface: Open) -> None:
    with pymw.Master(open_interface()) as master:
        assert list(master.map(abs, range(-100, 0), timeout=SOON)) == list(range(100, 0, -1))


def test_nothing_is_left_but_the_bundles(server: RealServer) -> None:
    assert server.database.rows("SELECT COUNT(*) FROM batch WHERE state <> 4") == [(0,)]

    def left() -> list[Path]:
        arguments = server.home.download_dir.rglob("pymw_remote_arguments_*")
        outputs = [path for path in server.home.upload_dir.rglob("pymw_*") if path.is_file()]
        return [*(path for path in arguments if path.suffix != ".md5"), *outputs]

    start = time.monotonic()
    server.wait_for(lambda: not left(), SOON, f"the file_deleter, which leaves {len(left())} files")
    assert time.monotonic() - start < SOON
