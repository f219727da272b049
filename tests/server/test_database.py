"""The connection to a project's database, on a real MariaDB."""

import pytest
from pymw.errors import ProjectError
from pymw.server.database import Database
from pymw.server.home import DatabaseAccess

from tests.bench.mariadb import MariaDB
from tests.server.stock_project import StockProject


def test_a_database_that_was_started_again_is_reached_again(
    stock_project: StockProject, mariadb: MariaDB
) -> None:
    database = Database(stock_project.home.database)
    assert database.rows("SELECT name FROM app") == [("pymw",)]
    mariadb.kill()
    try:
        with pytest.raises(ProjectError, match=f"the database {stock_project.home.database.name} "):
            database.rows("SELECT 1")
    finally:
        mariadb.start()
    assert database.rows("SELECT name FROM app WHERE name = %s", ("pymw",)) == [("pymw",)]
    database.close()


def test_a_wrong_password_is_one_sentence_that_does_not_tell_it(stock_project: StockProject) -> None:
    access = stock_project.home.database
    with pytest.raises(ProjectError, match="cannot be reached as boincadm: Access denied") as caught:
        Database(DatabaseAccess(access.name, access.user, "wrong-word", access.host))
    assert "wrong-word" not in str(caught.value)
    assert "wrong-word" not in repr(DatabaseAccess(access.name, access.user, "wrong-word", access.host))


def test_bytes_come_back_as_they_went(stock_project: StockProject) -> None:
    raw = bytes(range(256)) * 100
    number = stock_project.insert("result", name="x", stderr_out=raw)
    found = stock_project.database.rows("SELECT stderr_out FROM result WHERE id = %s", (number,))
    assert found == [(raw,)]
