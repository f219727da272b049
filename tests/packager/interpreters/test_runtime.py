"""Runtimes appear whole or not at all."""

from pathlib import Path

import pytest
from pymw_packager.errors import InterpreterError, StorageError
from pymw_packager.interpreters import Runtime, runtime


def test_a_runtime_appears_when_it_is_complete(tmp_path: Path) -> None:
    with runtime.staged(tmp_path / "new" / "runtime") as tree:
        runtime.write(tree / "bin/python", b"program", executable=True)
        assert not (tmp_path / "new" / "runtime").exists()
    assert (tmp_path / "new" / "runtime" / "bin" / "python").read_bytes() == b"program"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["runtime"]


@pytest.mark.parametrize("error", [InterpreterError("no"), KeyboardInterrupt()])
def test_nothing_is_left_of_a_runtime_that_failed(error: BaseException, tmp_path: Path) -> None:
    with pytest.raises(type(error)), runtime.staged(tmp_path / "runtime") as tree:
        runtime.write(tree / "python", b"")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    under_a_file = runtime.staged(tmp_path / "file" / "runtime")
    with pytest.raises(StorageError, match=r"^cannot write .*file: File exists\.$"), under_a_file:
        pass
    with pytest.raises(StorageError, match="exists already"), runtime.staged(tmp_path / "file"):
        pass
    with pytest.raises(StorageError, match="cannot write"), runtime.staged(tmp_path / "runtime") as tree:
        (tree / "python").write_bytes(b"")
        runtime.write(tree / "python" / "below", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_minor_version_is_that_of_the_version() -> None:
    assert Runtime(Path("somewhere"), "python", "3.11.9").minor == "3.11"


@pytest.mark.parametrize(
    ("content", "version"),
    [
        (b"\0Python\x003.11.9\0v3.11.9:abc", "3.11.9"),
        (b"usage: 13.11.2 or 3.11.2.1\x003.11.12\0", "3.11.12"),
        (b"3.12.1", None),
        (b"", None),
    ],
)
def test_a_binary_names_its_version(content: bytes, version: str | None) -> None:
    assert runtime.find_version(content, "3.11") == version
