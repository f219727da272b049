"""What keeps pymw_setup from its work is one sentence; what was done stands, and the same call goes on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pymw.server import facts
from pymw.server.setup.wanted import DEFAULT_PLATFORMS
from pymw_packager.cli import main as package

from tests.bench.mariadb import MariaDB
from tests.server.made_project import QUICK, MadeProject

Spoil = Callable[[MadeProject], None]


def _config(old: str, new: str) -> Spoil:
    def change(project: MadeProject) -> None:
        path = project.folder / "config.xml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return change


def _give_away(project: MadeProject) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to make a file that is another user's")
    os.chown(project.folder / "project.xml", 12345, -1)


def _foreign_application(project: MadeProject) -> None:
    (project.folder / "apps" / "other").mkdir()


def _damaged_key(project: MadeProject) -> None:
    (project.folder / "keys" / "code_sign_private").write_text("garbage")


def _broken_project(project: MadeProject) -> None:
    (project.folder / "project.xml").write_text("<boinc>", encoding="utf-8")


SPOILT: dict[str, tuple[Spoil, str]] = {
    "no configuration": (lambda p: (p.folder / "config.xml").unlink(), "is no project of the BOINC server"),
    "something else": (_config("db_name", "name"), "it is not the configuration of a BOINC project"),
    "no XML": (_config("</boinc>", ""), "config.xml is no XML"),
    "no tools": (lambda p: (p.folder / "bin/xadd").unlink(), "lacks bin/xadd"),
    "no web pages": (lambda p: (p.folder / "html/user").rmdir(), "lacks html/user"),
    "no download folder": (lambda p: (p.folder / "download").rmdir(), "lacks download"),
    "no URL": (_config("download_url", "other_url"), "config.xml has no <download_url>"),
    "another's": (_give_away, "belongs to #12345: run this as that user"),
    "a foreign application": (_foreign_application, "apps/other is no application that the database knows"),
    "a damaged key": (_damaged_key, "does not sign with"),
    "no key": (lambda p: (p.folder / "keys/code_sign_private").unlink(), "has no code_sign_private"),
    "broken project.xml": (_broken_project, "project.xml is no XML"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_what_is_wrong_before_is_one_sentence_and_nothing_is_changed(
    what: str,
    made_project: MadeProject,
    key: Path,
    tmp_path: Path,
) -> None:
    spoil, words = SPOILT[what]
    spoil(made_project)
    before = made_project.fingerprint()
    said = made_project.setup("-p", tmp_path / "tasks", "--key", key, *QUICK, status=2)
    assert words in said and said.count("\n") == 1
    assert made_project.fingerprint() == before
    assert not (tmp_path / "tasks").exists()
    assert made_project.database.rows("SELECT id FROM app UNION SELECT id FROM platform") == []


def test_a_stopped_database_and_a_folder_that_is_no_project(
    made_project: MadeProject,
    mariadb: MariaDB,
    key: Path,
    tmp_path: Path,
) -> None:
    arguments = ("-p", tmp_path / "tasks", "--key", key)
    before = made_project.fingerprint()
    mariadb.stop()
    try:
        assert "cannot be reached as boincadm" in made_project.setup(*arguments, status=2)
    finally:
        mariadb.start()
    assert "nor its bin/: there is no config.xml" in made_project.setup(*arguments, status=2, cwd=tmp_path)
    assert "name a folder for results with -p" in made_project.setup("--key", key, status=2)
    assert "--quorum 0: it must be from 1 to 100" in made_project.setup(*arguments, "--quorum", 0, status=2)
    assert "unknown platform" in made_project.setup(*arguments, "--platform", "windows_intel", status=2)
    assert "is no version that BOINC takes" in made_project.setup(*arguments, "--app-version", "x", status=2)
    assert "which is BOINC's own" in made_project.setup("-p", made_project.folder / "html/user/x", status=2)
    assert "is no folder" in made_project.setup("-p", key, status=2)
    assert made_project.fingerprint() == before


def _differing_file(project: MadeProject) -> None:
    (project.folder / "download/pymw_1.00_windows_intelx86.exe").write_text("another program")


def _repair_file(project: MadeProject) -> None:
    (project.folder / "download/pymw_1.00_windows_intelx86.exe").unlink()


def _tool(name: str, script: str) -> tuple[Spoil, Spoil]:
    """Let a tool do something else; and give it back."""

    def spoil(project: MadeProject) -> None:
        (project.folder / "bin" / name).rename(project.folder / f"{name}.real")
        project.replace_tool(name, script)

    def repair(project: MadeProject) -> None:
        (project.folder / f"{name}.real").rename(project.folder / "bin" / name)

    return spoil, repair


PHP_ERROR = "echo \"PHP Fatal error:  Uncaught Error: Class 'mysqli' not found in boinc_db.inc:45\""
# What goes wrong: how, what the sentence says, and how it is repaired. Exit statuses are the real ones.
FAULTS: dict[str, tuple[tuple[Spoil, Spoil], str]] = {
    "xadd without PHP's MySQL": (_tool("xadd", f"{PHP_ERROR}; exit 255"), "Class 'mysqli' not found"),
    "xadd that does nothing": (_tool("xadd", "exit 0"), "bin/xadd, which puts"),
    "an unknown argument": (_tool("update_versions", "echo 'unknown arg --noconfirm'"), "unknown arg"),
    "a file of the same name": ((_differing_file, _repair_file), "differ"),
    "versions that only seem added": (
        _tool("update_versions", "echo '    App version added successfully; ID=1'"),
        "it has not added x86_64-pc-linux-gnu",
    ),
    "an assimilator that does not start": (
        (
            lambda p: (p.folder / "bin/pymw_assimilator").mkdir(),
            lambda p: (p.folder / "bin/pymw_assimilator").rmdir(),
        ),
        "bin/pymw_assimilator cannot be written",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_tool_that_fails_with_status_0_is_seen_through_and_the_same_call_goes_on(
    fault: str,
    made_project: MadeProject,
    key: Path,
    tmp_path: Path,
) -> None:
    (spoil, repair), words = FAULTS[fault]
    spoil(made_project)
    arguments = ("-p", tmp_path / "tasks", "--key", key, *QUICK)
    said = made_project.setup(*arguments, status=2)
    assert words in said and said.count("\n") == 1
    assert "stand, and the same command goes on from there" in said
    assert not made_project.home.facts.exists()
    repair(made_project)
    assert "version 1.00" in made_project.setup(*arguments)
    assert made_project.versions().keys() == {(100, platform) for platform in DEFAULT_PLATFORMS}
    assert facts.read(made_project.home.facts).app == "pymw"


def test_versions_without_signatures_are_seen_and_replaced(
    made_project: MadeProject,
    key: Path,
    tmp_path: Path,
) -> None:
    # It signs the trial, then nothing more: update_versions says "added successfully" all the same.
    tool = made_project.folder / "bin/sign_executable"
    real = tool.rename(made_project.folder / "sign.real")
    made_project.replace_tool("sign_executable", f'case $1 in *project.xml) exec {real} "$@";; esac; exit 1')
    arguments = ("-p", tmp_path / "tasks", "--key", key, *QUICK)
    assert "without signatures" in made_project.setup(*arguments, status=2)
    real.rename(tool)
    assert "version 1.01" in made_project.setup(*arguments)


@pytest.mark.parametrize("tool", ["xadd", "update_versions"])
def test_killed_in_the_middle_the_same_call_goes_on(
    tool: str,
    made_project: MadeProject,
    key: Path,
    tmp_path: Path,
) -> None:
    spoil, repair = _tool(tool, "kill -9 $PPID")
    spoil(made_project)
    arguments = ("-p", tmp_path / "tasks", "--key", key, *QUICK)
    made_project.setup(*arguments, status=-signal.SIGKILL)
    repair(made_project)
    said = made_project.setup(*arguments)
    assert "version 1.00" in said and said.count("is there; ") == 1 + 3
    assert made_project.versions().keys() == {(100, platform) for platform in DEFAULT_PLATFORMS}


def test_what_is_interrupted_says_what_stands_and_leaves_no_process(
    made_project: MadeProject, key: Path, tmp_path: Path
) -> None:
    begun = made_project.folder / "begun"
    made_project.replace_tool("xadd", f"echo $$ > {begun}.new; mv {begun}.new {begun}; exec sleep 60")
    with made_project.start_setup("-p", tmp_path / "tasks", "--key", key, *QUICK) as setup:
        try:
            deadline = time.monotonic() + 60
            while not begun.exists():
                assert setup.poll() is None and time.monotonic() < deadline
                time.sleep(0.02)
            setup.terminate()
            said, complaint = setup.communicate(timeout=30)
        finally:
            setup.kill()  # if it still runs
    assert setup.returncode == 130
    assert "interrupted; steps 1 to 8 of 11 stand, and the same command goes on from there" in said
    assert complaint.count("Traceback") == 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text()), 0)


def test_an_upgrade_killed_in_the_middle_goes_on(
    made_project: MadeProject, key: Path, tmp_path: Path
) -> None:
    made_project.setup("-p", tmp_path / "tasks", "--key", key, *QUICK)
    spoil, repair = _tool("update_versions", "kill -9 $PPID")
    spoil(made_project)
    made_project.setup("--upgrade", *QUICK, status=-signal.SIGKILL)
    repair(made_project)
    assert "version 1.01" in made_project.setup("--upgrade", *QUICK)
    assert "version 1.02" in made_project.setup("--upgrade", *QUICK)


def test_what_was_signed_elsewhere_needs_no_key_here(
    made_project: MadeProject,
    key: Path,
    tmp_path: Path,
) -> None:
    (made_project.folder / "keys/code_sign_private").rename(tmp_path / "offline")
    where = ["--output", str(made_project.folder / "apps"), "--key", str(key)]
    platforms = [word for platform in DEFAULT_PLATFORMS for word in ("--platform", platform)]
    assert package([*where, *platforms, *QUICK]) == 0
    arguments = ("-p", tmp_path / "tasks", "--key", key, *QUICK)
    assert "sign each file with bin/sign_executable" in made_project.setup(*arguments, status=2)
    for path in made_project.folder.glob("apps/pymw/1.00/*/pymw_*"):
        path.with_name(path.name + ".sig").write_text(f"{'ab' * 128}\n.\n", encoding="ascii")
    assert "windows_intelx86 added with ID" in made_project.setup(*arguments)
