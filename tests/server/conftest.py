"""A project of the stock server, as far as its folder and its database go."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pymw import key_files
from pymw.server.backend import ServerBackend
from pymw.server.facts import Facts

from tests.bench.mariadb import MariaDB
from tests.server.made_project import MadeProject
from tests.server.played_job_file import JobFiles
from tests.server.stock_project import StockProject, install_create_work


@pytest.fixture
def stock_project(
    mariadb: MariaDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StockProject]:
    """A new project with an empty database, which this process and those that it starts reach."""
    for name, value in mariadb.environment.items():
        monkeypatch.setenv(name, value)
    project = StockProject(tmp_path, mariadb.create_database())
    yield project
    project.close()


@pytest.fixture
def files(stock_project: StockProject) -> Iterator[JobFiles]:
    """The input files of the project."""
    made = JobFiles(stock_project)
    yield made
    made.database.close()


@pytest.fixture
def made_project(mariadb: MariaDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MadeProject]:
    """A new project, on which nothing was installed yet; its tools behave as the real ones do."""
    for name, value in mariadb.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))  # the user's own task key is not ours
    project = MadeProject(tmp_path / "sandbox", mariadb.create_database())
    yield project
    project.close()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """The public half of a task key."""
    return key_files.create(tmp_path / "alice.pem").path


@pytest.fixture
def project(stock_project: StockProject) -> StockProject:
    """A project to which one can submit."""
    install_create_work(stock_project.home)
    Facts("pymw", (), 2).write(stock_project.home.facts)
    return stock_project


@pytest.fixture
def backend(project: StockProject) -> Iterator[ServerBackend]:
    """The backend of it."""
    made = ServerBackend(project.home)
    yield made
    made.close()
