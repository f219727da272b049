"""Whose tasks an app version runs: given as files, written into its configuration, said in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pymw_packager import cli, task_keys
from pymw_packager.errors import UsageError
from pymw_packager.launcher_config import LauncherConfig, read

PUBLIC = ["3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "11" * 32]
PLATFORM = "i686-apple-darwin"  # its launcher is a script, and no Python comes along: built in a moment


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = [tmp_path / "one.pub", tmp_path / "two.pub"]
    for path, public in zip(paths, PUBLIC, strict=True):
        path.write_text(f"ed25519 {public} {path.stem} of mine\n")
    return [str(path) for path in paths]


def test_the_keys_stand_in_the_configuration(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [task_keys.id_of(public) for public in PUBLIC]
    options = ["--platform", PLATFORM, "--output", str(tmp_path / "apps"), "--json"]
    assert cli.main([*options, "--key", files[0], "--key", files[1], "--revoked", files[1]]) == 0
    (built,) = json.loads(capsys.readouterr().out)["app_versions"]
    assert (built["trust"], built["revoked"]) == (ids, [ids[1]])
    (conf,) = Path(built["folder"]).glob("*.conf")
    assert f"trust = {','.join(PUBLIC)}\nrevoked = {ids[1]}\n" in conf.read_text()
    assert read(conf).trust == tuple(PUBLIC)
    assert cli.main(["--check", str(tmp_path / "apps")]) == 0
    assert f"It runs tasks signed with {ids[0]}; revoked: {ids[1]}." in capsys.readouterr().out


def test_without_keys_it_is_said_what_that_means(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--platform", PLATFORM, "--output", str(tmp_path / "apps")]) == 0
    assert "It runs unsigned tasks" in capsys.readouterr().out


def test_keys_that_are_all_revoked_are_a_fault(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--platform", PLATFORM, "--output", str(tmp_path / "apps")]
    assert cli.main([*options, "--key", files[0], "--revoked", task_keys.id_of(PUBLIC[0])]) == 0
    assert cli.main(["--check", str(tmp_path / "apps")]) == 1
    assert "all revoked" in capsys.readouterr().err


def test_what_is_no_key_is_one_sentence(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "one.pem"
    secret.write_text("-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(UsageError, match=r"name the \.pub file"):
        task_keys.read_public(secret)
    with pytest.raises(UsageError, match="neither an id"):
        task_keys.key_id("12")
    assert cli.main(["--platform", PLATFORM, "--revoked", task_keys.id_of(PUBLIC[0])]) == 2
    assert "name the keys that are trusted" in capsys.readouterr().err


def test_the_file_is_as_the_launcher_wants_it() -> None:
    config = LauncherConfig(worker="a.zip", python_min="2.5", trust=tuple(PUBLIC), revoked=("0" * 16,))
    assert config.text().splitlines()[-2:] == [f"trust = {','.join(PUBLIC)}", "revoked = 0000000000000000"]
