"""Everything on a real BOINC server, with real clients: PYMW_BOINC_PROJECT=DIR pytest -m boinc_server.

The project is spoilt by it: it gets an application, daemons, and jobs. docs/testing.md says what it needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pymw
import pytest
from pymw import errors

from tests.project.test_boinc_interface import fail, greet, unreturnable
from tests.server import create_work_facts
from tests.server.real_conformance import (
    HARD,
    SOON,
    Open,
    RealConformance,
    needs_server,
    nothing_stays,
    opener,
    served,
)
from tests.server.real_server import RealServer

pytestmark = needs_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with served(tmp_path_factory) as (made, _):
        yield made


@pytest.fixture
def address(server: RealServer) -> Path:
    return server.home.folder


@pytest.fixture
def open_interface(address: Path) -> Open:
    return opener(address)


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
    assert "LACKS" not in server.check()


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


class TestByItsFolder(RealConformance):
    """`-p FOLDER`."""

    def count_ended(self, server: RealServer) -> int:
        # The assimilator has brought them.
        return sum(path.read_bytes().count(b"\n") for path in server.task_dir.glob("pymw_*/ended.jsonl"))


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

    nothing_stays(server, left)
