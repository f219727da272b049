"""A project of the stock server, as far as its folder and its database go."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.mariadb import MariaDB
from tests.server.stock_project import StockProject


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
