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


def test_a_transaction_is_there_as_a_whole_or_not_at_all(stock_project: StockProject) -> None:
    one, other = Database(stock_project.home.database), stock_project.database
    with pytest.raises(LookupError), one.transaction():
        one.change("UPDATE app SET deprecated = 1")
        raise LookupError
    assert other.rows("SELECT deprecated FROM app") == [(0,)]
    with one.transaction():
        assert one.change("UPDATE app SET deprecated = 1") == 1
        assert other.rows("SELECT deprecated FROM app") == [(0,)]
    assert other.rows("SELECT deprecated FROM app") == [(1,)]
    one.change("UPDATE app SET deprecated = 2")
    assert other.rows("SELECT deprecated FROM app") == [(2,)]
    one.close()


def test_a_transaction_does_not_go_on_on_another_connection(stock_project: StockProject) -> None:
    one, other = Database(stock_project.home.database), stock_project.database
    with pytest.raises(ProjectError, match="failed"), one.transaction():
        one.change("UPDATE app SET deprecated = 1")
        other.change("KILL %s", one.rows("SELECT CONNECTION_ID()")[0])
        one.change("UPDATE app SET min_version = 1")
    assert other.rows("SELECT deprecated, min_version FROM app") == [(0, 0)]
    assert one.rows("SELECT 1") == [(1,)]
    one.close()
