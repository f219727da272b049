"""The same real BOINC server and clients, from elsewhere: PYMW_BOINC_PROJECT=DIR pytest -m boinc_server.

Nothing of the project is used but its URL and an account key. Its folder and database are looked into only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pymw
import pytest
from pymw.project.messages import Fields
from pymw.remote.account import VARIABLE

from tests.project.test_boinc_interface import fail, greet
from tests.server.played_server import unescaped
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
    """The project, whose first account may submit."""
    with served(tmp_path_factory) as (made, patch):
        rows = made.database.rows(
            "SELECT u.authenticator FROM user u JOIN user_submit s ON s.user_id = u.id WHERE s.submit_all"
        )
        assert rows, "no account of the project may submit: docs/remote.md says how one may"
        patch.setenv(VARIABLE, rows[0][0])
        yield made


@pytest.fixture
def address(server: RealServer) -> str:
    return server.home.master_url


@pytest.fixture
def open_interface(address: str) -> Open:
    return opener(address)


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


class TestByItsURL(RealConformance):
    """`-p URL`."""

    def count_ended(self, server: RealServer) -> int:
        # The assimilator leaves them alone until they are fetched.
        ((count,),) = server.database.rows("SELECT COUNT(*) FROM workunit WHERE canonical_resultid <> 0")
        return int(count)


def test_nothing_is_left_but_the_bundles(server: RealServer) -> None:
    assert server.database.rows("SELECT COUNT(*) FROM batch WHERE state <> 4") == [(0,)]

    def left() -> list[Path]:
        arguments = server.home.download_dir.rglob("pymw_remote_arguments_*")
        outputs = [path for path in server.home.upload_dir.rglob("pymw_*") if path.is_file()]
        return [*(path for path in arguments if path.suffix != ".md5"), *outputs]

    nothing_stays(server, left)
