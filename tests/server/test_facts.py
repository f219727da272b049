"""html/user/pymw.json, written by one program and read by strangers' ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pymw.errors import ProjectError
from pymw.server import facts
from pymw.server.facts import Facts

GOOD = Facts("pymw", ("ab" * 32, "01" * 32), 2)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pymw.json"
    GOOD.write(path)
    assert facts.read(path) == GOOD
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["pymw.json"]


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"app": ""},
        {"app": "a b"},
        {"app": 3},
        {"task_keys": None},
        {"task_keys": "ab" * 32},
        {"task_keys": ["AB" * 32]},
        {"task_keys": ["ab"]},
        {"task_keys": [3]},
        {"min_quorum": 0},
        {"min_quorum": 101},
        {"min_quorum": True},
        {"min_quorum": "1"},
    ],
)
def test_what_is_wrong_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "pymw.json"
    GOOD.write(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ProjectError, match="run pymw_setup --upgrade again"):
        facts.read(path)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"\xff\xfe", b"null", b"[" * 100_000, b"<html>404</html>", b'{"format": NaN}']
)
def test_what_is_no_such_file_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        facts.parse(data)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"there is no .*: run pymw_setup in this project first"):
        facts.read(tmp_path / "pymw.json")
    with pytest.raises(ProjectError, match="cannot be written: "):
        GOOD.write(tmp_path / "missing" / "pymw.json")
