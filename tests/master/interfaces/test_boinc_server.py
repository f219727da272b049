"""The interface boinc on a stock project keeps the promises of all interfaces.

The database, the assimilator and the volunteers' worker are real. create_work, and what the server's other
programs do to the database, are played (tests/server/played_server.py); tests/server/test_real_server.py has
the real ones.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from pymw.interfaces.base import Interface
from pymw.interfaces.boinc import BOINCInterface
from pymw.server.facts import Facts
from pymw_packager.client_process import dies_with_us

from tests.bench.mariadb import MariaDB
from tests.master.interfaces.conformance import Conformance
from tests.server.played_server import PlayedServer
from tests.server.stock_project import StockProject, install_create_work


@pytest.fixture(scope="class")
def served(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedServer]:
    """A stock project with two computers, and its assimilator."""
    folder = tmp_path_factory.mktemp("stock")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in mariadb.environment.items():
            patch.setenv(name, value)
        project = StockProject(folder, mariadb.create_database())
        install_create_work(project.home)
        Facts("pymw", (), 1).write(project.home.facts)
        command = [sys.executable, "-m", "pymw.server.assimilator", "-d", "3", "--sleep_interval", "0.02"]
        with (folder / "assimilator.log").open("wb") as log:
            assimilator = subprocess.Popen(
                [*dies_with_us(), *command, "-p", str(project.task_dir)], cwd=project.home.folder, stderr=log
            )
        server = PlayedServer(project.home, folder / "volunteers", 2)
        try:
            yield server
            assert assimilator.poll() is None, (folder / "assimilator.log").read_text()
        finally:
            assimilator.terminate()
            assimilator.wait(20)
            project.close()
            server.close()


@pytest.mark.usefixtures("lookout")
class TestStockServer(Conformance):
    returns_code = False
    trusts = False
    in_order = False
    has_workers = False
    many = 24
    server: PlayedServer

    @pytest.fixture
    @classmethod
    def lookout(cls, served: PlayedServer, monkeypatch: pytest.MonkeyPatch) -> None:
        """Looks come at once, as the computers do."""
        cls.server = served
        monkeypatch.setattr("pymw.interfaces.boinc._LOOK", 0.1)
        monkeypatch.setattr("pymw.interfaces.boinc._NEWS", 0.1)
        monkeypatch.setattr("pymw.server.backend._POLL", 0.01)

    def make(self, workers: int) -> Interface:
        self.server.active = workers
        return BOINCInterface(self.server.home.folder)

    def release(self, interface: Interface) -> None:
        """Nothing of it is left."""
        assert [path.name for path in self.server.home.task_dir.iterdir()] == [".lock"]
        assert not list(self.server.home.download_dir.rglob("pymw_bundle_*"))
