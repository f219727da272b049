"""Everything on a real BOINC server, with real clients: PYMW_BOINC_PROJECT=DIR pytest -m boinc_server.

The project is spoilt by it: it gets an application, daemons, and jobs. docs/testing.md says what it needs.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pymw
import pytest
from pymw import errors
from pymw.interfaces.boinc import BOINCInterface
from pymw_packager.client_process import dies_with_us

from tests.project.test_boinc_interface import die_at_once, fail, greet, unreturnable, wait_long
from tests.server import create_work_facts, real_server
from tests.server.real_server import ROOT, RealServer

pytestmark = [
    pytest.mark.boinc_server,
    pytest.mark.skipif(
        real_server.wanted() is None, reason=f"{real_server.VARIABLE} names no project of a BOINC server"
    ),
]
SOON = 180.0  # seconds through a real server and client, on a busy machine
CLIENTS = 3  # as a task that fails is tried on three computers, if no computer gets it twice
HARD = "it's <a> &amp; & \\ \\n %s ä€\N{GRINNING FACE} #1 ]]>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    folder = tmp_path_factory.mktemp("real")
    project = real_server.wanted()
    assert project is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        made = RealServer(project, folder)
        try:
            made.start_clients(CLIENTS)
            yield made
        finally:
            made.close()


@pytest.fixture
def open_interface(server: RealServer) -> Callable[..., BOINCInterface]:
    """Makes interfaces that want one result of a task."""

    def make(**arguments: object) -> BOINCInterface:
        made = BOINCInterface(server.home.folder, **arguments)  # type: ignore[arg-type]
        made.set_boinc_args(target_nresults=1, min_quorum=1, max_nbytes=1 << 20)
        return made

    return make


Open = Callable[..., BOINCInterface]


def argv_of_the_worker() -> list[str]:
    import os
    from pathlib import Path

    return Path(f"/proc/{os.getppid()}/cmdline").read_text().split("\0")


def version_of_the_application() -> str:
    import os
    import re
    from pathlib import Path

    slot = Path(os.environ["PYMW_SLOT"])
    found = re.search("<app_version>(.*?)</app_version>", (slot / "init_data.xml").read_text())
    return found[1] if found else ""


def test_the_project_is_set_up(server: RealServer) -> None:
    assert "daemons run" in server.first
    lacks = [line for line in server.check().splitlines() if "LACKS" in line]
    # It calls it critical that failed tasks, of an earlier round of these tests, left no output files.
    assert [line for line in lacks if "file_deleter runs and complains" not in line] == []


def test_create_work_does_what_is_relied_on(server: RealServer) -> None:
    create_work_facts.check(server.home, server.database)


def test_values_exceptions_and_streams_come_back(server: RealServer, open_interface: Open) -> None:
    with pymw.Master(open_interface()) as master:
        greeting, failing, locked = (
            master.submit(greet, "volunteer"), master.submit(fail, "lost"), master.submit(unreturnable)
        )  # fmt: skip
        assert greeting.result(SOON)["numbers"] == [1, 2.5, None, b"\0"], server.tell()
        assert (greeting.stdout, greeting.stderr) == ("hello volunteer\n", "careful\n")
        assert int(greeting.log["host"]) > 0 and greeting.log["boinc-platform"]
        with pytest.raises(LookupError, match="lost"):
            failing.result(SOON)
        assert isinstance(locked.exception(SOON), errors.ValueLost)
        status = master.status()["interface"]
        assert (status["done"], status["failed"], status["unsent"]) == (3, 0, 0)
        assert all(status["daemons"].values()) and "pymw_assimilator" in status["daemons"]


def test_a_command_line_arrives_as_it_was_written(server: RealServer, open_interface: Open) -> None:
    # The second one counts: tasks of no run are signed as such.
    with pymw.Master(open_interface(custom_args=["--run", f'"{HARD}"', "--run="])) as master:
        words = master.submit(argv_of_the_worker).result(SOON)
    assert words[words.index("--run") + 1] == HARD


def test_a_task_that_dies_on_every_computer_says_so(server: RealServer, open_interface: Open) -> None:
    with pymw.Master(open_interface()) as master:
        dying = master.submit(die_at_once)
        error = dying.exception(2 * SOON)
        assert isinstance(error, errors.WorkerDied) and "exit status 7" in str(error), server.tell()


def test_a_quorum_of_two_asks_two_computers(server: RealServer) -> None:
    interface = BOINCInterface(server.home.folder)  # as pymw_setup was told
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
    project, run, tasks = server.home.folder, tmp_path / "run", 6
    program = [sys.executable, "-m", "tests.project.survivor", str(project), str(run), str(tasks), "5"]
    (before,) = server.database.rows("SELECT COUNT(*) FROM workunit")
    with subprocess.Popen([*dies_with_us(), *program], cwd=ROOT, stdin=subprocess.DEVNULL) as process:
        try:
            server.wait_for(
                lambda: server.database.rows("SELECT COUNT(*) FROM workunit") == [(before[0] + tasks,)],
                SOON,
                "all to be submitted",
            )
            server.wait_for(lambda: list(server.task_dir.glob("pymw_*/ended.jsonl")), SOON, "a result")
        finally:
            process.kill()
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=SOON, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{[x * x for x in range(tasks)]}\n"
    assert server.database.rows("SELECT COUNT(*) FROM workunit") == [(before[0] + tasks,)]


def test_many_tasks_come_back(server: RealServer, open_interface: Open) -> None:
    with pymw.Master(open_interface()) as master:
        assert list(master.map(abs, range(-100, 0), timeout=SOON)) == list(range(100, 0, -1))


def test_a_new_version_of_the_application_takes_over(server: RealServer, open_interface: Open) -> None:
    with pymw.Master(open_interface()) as master:
        old = int(master.submit(version_of_the_application).result(SOON))
    assert "daemons run" in server.setup("--upgrade", *server.options)
    with pymw.Master(open_interface()) as master:
        new = int(master.submit(version_of_the_application).result(SOON))
    assert new > old > 0


def test_nothing_is_left_in_the_project(server: RealServer) -> None:
    assert [path.name for path in server.task_dir.iterdir()] == [".lock"]

    def left() -> list[Path]:
        download = server.home.download_dir
        files = [*download.rglob("pymw_bundle_*"), *download.rglob("*_arguments*")]
        return files + [path for path in server.home.upload_dir.rglob("pymw_*") if path.is_file()]

    start = time.monotonic()
    server.wait_for(lambda: not left(), SOON, f"the file_deleter, which leaves {len(left())} files")
    assert time.monotonic() - start < SOON
