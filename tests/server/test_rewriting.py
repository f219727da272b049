"""Files of a project that are written anew: mode, owner and links stay, and a backup is kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from pymw.errors import ProjectError
from pymw.server.setup import rewriting


def test_mode_owner_and_links_stay(tmp_path: Path) -> None:
    real = tmp_path / "etc" / "config.xml"
    real.parent.mkdir()
    real.write_bytes(b"old")
    real.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(real, 12345, 54321)
    link = tmp_path / "config.xml"
    link.symlink_to(real)
    backup = rewriting.rewrite(link, b"new")
    assert link.is_symlink() and real.read_bytes() == b"new" and backup.read_bytes() == b"old"
    for path in (real, backup):
        facts = path.stat()
        assert stat.S_IMODE(facts.st_mode) == 0o640
        assert os.geteuid() != 0 or (facts.st_uid, facts.st_gid) == (12345, 54321)
    assert {path.name for path in real.parent.iterdir()} == {"config.xml", "config.xml.pymw-backup"}


def test_no_backup_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "config.xml"
    path.write_bytes(b"1")
    names = []
    for content in (b"2", b"3", b"1", b"4"):
        names.append(rewriting.rewrite(path, content).name)
    first = "config.xml.pymw-backup"
    assert names == [first, f"{first}-2", f"{first}-3", first]
    assert [(tmp_path / name).read_bytes() for name in names] == [b"1", b"2", b"3", b"1"]


def test_what_cannot_be_written_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.xml"
    path.write_bytes(b"old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ProjectError, match="No space left on device"):
        rewriting.rewrite(path, b"new")
    monkeypatch.undo()
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"old"]


def test_a_program_is_written_once_and_everybody_may_run_it(tmp_path: Path) -> None:
    path = tmp_path / "tool"
    assert rewriting.put_program(path, "#!/bin/sh\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    before = path.stat().st_mtime_ns
    assert not rewriting.put_program(path, "#!/bin/sh\n")
    assert path.stat().st_mtime_ns == before
    path.chmod(0o644)
    assert rewriting.put_program(path, "#!/bin/sh\n")
    assert os.access(path, os.X_OK)
