"""The account key: kept for its owner alone, shown to nobody."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from pymw import cli
from pymw.errors import KeyFileError
from pymw.interfaces.boinc import BOINCInterface
from pymw.remote import account
from pymw.remote.account import VARIABLE, AccountKey

from tests.remote.conftest import Site

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def no_other_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(VARIABLE, raising=False)


def test_a_key_does_not_show_itself() -> None:
    assert KEY not in repr(AccountKey(KEY))
    with pytest.raises(KeyFileError) as caught:
        AccountKey("not " + KEY)
    assert KEY not in str(caught.value)


def test_the_command_keeps_a_key_that_is_right(
    idle: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(idle.key + "\n"))
    assert cli.main(["account", "add", idle.url]) == 0
    path = account.path_of(idle.url)
    assert path.read_text() == idle.key + "\n"
    assert os.name != "posix" or path.stat().st_mode & 0o777 == 0o600
    BOINCInterface(idle.url.rstrip("/")).close()
    assert cli.main(["account", "remove", idle.url]) == 0
    assert cli.main(["account", "remove", idle.url]) == 2
    said = capsys.readouterr()
    assert idle.key not in said.out + said.err


def test_the_command_does_not_keep_a_wrong_key(
    idle: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(KEY + "\n"))
    assert cli.main(["account", "add", idle.url]) == 2
    assert "does not know this account key" in capsys.readouterr().err
    assert not account.path_of(idle.url).exists()


def test_projects_of_one_server_have_keys_of_their_own() -> None:
    urls = (
        "https://a.example/x/",
        "https://a.example/y/",
        "https://a.example:8443/x/",
        "http://b.example/x/",
    )
    assert len({account.path_of(url) for url in urls}) == 4
    assert account.path_of(urls[0]).name == "a.example_x.key"


@pytest.mark.skipif(os.name != "posix", reason="files have no such modes")
def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY)
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        account.find("https://a.example/", path)
    path.chmod(0o600)
    assert account.find("https://a.example/", path).text == KEY
    path.write_text("nonsense")
    with pytest.raises(KeyFileError, match=f"{path}: that is no account key"):
        account.find("https://a.example/", path)
