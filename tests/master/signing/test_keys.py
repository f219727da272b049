"""The scientist's keys: made for their owner alone, asked for a passphrase, never written over."""

from __future__ import annotations

import argparse
import os
import stat
from pathlib import Path

import pytest

pytest.importorskip("cryptography")
from pymw import functions, key_files, keys_command
from pymw.errors import KeyFileError
from pymw.key_files import TaskKey
from pymw.signing import sign
from pymw_worker import arguments, bundle, container, signatures


def add(a: int, b: int) -> int:
    return a + b


def command(*words: str) -> int:
    parser = argparse.ArgumentParser()
    keys_command.add_to(parser.add_subparsers())
    options = parser.parse_args(["keys", *words])
    status: int = options.command(options)
    return status


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(key_files, "folder", lambda: tmp_path / "keys")
    monkeypatch.delenv(key_files.PASSPHRASE, raising=False)
    return tmp_path / "keys"


def test_a_key_is_made_shown_and_listed(own_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("create") == 0
    made = key_files.read_public(key_files.path_of())
    assert made.id in capsys.readouterr().out
    assert command("show") == command("list") == 0
    shown = capsys.readouterr().out
    assert made.line in shown
    assert str(own_folder / "task.pub") in shown
    assert key_files.load().id == made.id
    if os.name == "posix":
        assert stat.S_IMODE((own_folder / "task.pem").stat().st_mode) == 0o600
        assert stat.S_IMODE(own_folder.stat().st_mode) & 0o077 == 0


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "my.pem"
    assert command("create", "--file", str(path)) == 0
    before = path.read_bytes()
    with pytest.raises(KeyFileError, match="already"):
        command("create", "--file", str(path))
    assert path.read_bytes() == before


def test_a_passphrase_is_needed_if_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "my.pem"
    monkeypatch.setenv(key_files.PASSPHRASE, "secret")
    assert command("create", "--file", str(path), "--passphrase") == 0
    assert b"ENCRYPTED" in path.read_bytes()
    assert key_files.load(path, keys_command.passphrase_for(path)).id == key_files.read_public(path).id
    with pytest.raises(KeyFileError, match="needs its passphrase"):
        key_files.load(path)
    with pytest.raises(KeyFileError, match="another one"):
        key_files.load(path, "wrong")


@pytest.mark.skipif(os.name != "posix", reason="needs file modes")
def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "my.pem"
    key_files.create(path)
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="others may read"):
        key_files.load(path)


def test_what_is_no_key_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="pymw keys create"):
        key_files.load()
    path = tmp_path / "my.pem"
    path.write_text("no key")
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="damaged"):
        key_files.load(path)
    path.with_suffix(".pub").write_text("no key")
    with pytest.raises(KeyFileError, match="no public key"):
        key_files.read_public(path)


def test_bundles_and_arguments_are_signed_without_a_change_of_what_they_say(tmp_path: Path) -> None:
    key_files.create(tmp_path / "my.pem")
    key: TaskKey = key_files.load(tmp_path / "my.pem")
    code = functions.pickled(add)
    signed = code.signed(key)
    assert (signed.digest, signed.key, signed.entry) == (code.digest, code.key, code.entry)
    assert signed.signed(key).data == signed.data, "once is enough"
    box = container.read(signed.data, bundle.KIND)
    assert signatures.signers(box, bundle.KIND, {key.id: key.public}) == [key.id]
    given = sign(signed.arguments_file("task", signed.pack((1, 2)).pickle, "run"), key)
    read = arguments.read(given)
    assert (read.bundle, read.task, read.run) == (code.digest, "task", "run")
    with pytest.raises(KeyFileError, match="neither"):
        sign(b"PYMW 1 result\n", key)
