"""pymw_setup on a real project of the stock server: that of the environment variable PYMW_BOINC_PROJECT.

It may be fresh or have PyMW already. It gets new versions of the application, and its daemons are restarted.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pymw import key_files
from pymw.server import facts
from pymw.server.database import Database
from pymw.server.home import ServerHome
from pymw.server.setup.state import State, look
from pymw.server.setup.wanted import DEFAULT_PLATFORMS, text_of

from tests.server import real_server
from tests.server.made_project import QUICK, fingerprint
from tests.server.real_conformance import needs_server

pytestmark = needs_server


@dataclass(frozen=True)
class RealProject:
    """folder: of the project. key: a task key's public half. tasks: for results."""

    folder: Path
    key: Path
    tasks: Path

    def setup(self, *arguments: object, status: int = 0, cwd: Path | None = None) -> str:
        """Run pymw_setup; what it printed, or if it fails, its sentence."""
        command = [sys.executable, "-m", "pymw.server.setup.cli", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=cwd or self.folder, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done.stderr if status == 2 else done.stdout

    def tool(self, *command: str) -> str:
        """Run a program in bin/, as an administrator would."""
        path = [str(self.folder / "bin" / command[0]), *command[1:]]
        done = subprocess.run(path, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False)
        return done.stdout + done.stderr

    @property
    def home(self) -> ServerHome:
        """What config.xml says now."""
        return ServerHome.open(self.folder)

    def state(self) -> State:
        """What the database has now."""
        database = Database(self.home.database)
        try:
            return look(self.home, database)
        finally:
            database.close()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProject]:
    """The project; its config.xml is at the end what it was after the last setup."""
    given = real_server.wanted()
    assert given is not None
    folder = tmp_path_factory.mktemp("setup")
    key = key_files.create(folder / "alice.pem").path
    yield RealProject(given.resolve(), key, folder / "tasks")


def install(real: RealProject, *arguments: object) -> str:
    """Install the next version of the application, whatever there is; what was said."""
    return real.setup("-p", real.tasks, "--key", real.key, "--upgrade", *QUICK, *arguments)


def test_what_is_wrong_before_changes_nothing(real: RealProject, tmp_path: Path) -> None:
    arguments = ("-p", real.tasks, "--key", real.key, "--upgrade")
    before = fingerprint(real.folder / "apps"), fingerprint(real.folder / "bin")
    config = (real.folder / "config.xml").read_bytes()
    said = real.setup(*arguments, status=2, cwd=tmp_path)
    assert "is no project of the BOINC server, nor its bin/" in said
    # The same project, whose database's server does not run.
    stopped = tmp_path / "stopped"
    stopped.mkdir()
    for path in real.folder.iterdir():
        (stopped / path.name).symlink_to(path)
    (stopped / "config.xml").unlink()
    host = re.sub(rb"<db_host>[^<]*</db_host>", b"<db_host>127.0.0.2</db_host>", config)
    (stopped / "config.xml").write_bytes(host)
    said = real.setup(*arguments, status=2, cwd=stopped)
    assert "cannot be reached as" in said and said.count("\n") == 1
    key = real.folder / "keys" / "code_sign_private"
    good = key.read_bytes()
    key.write_bytes(b"damaged\n")
    try:
        said = real.setup(*arguments, status=2)
    finally:
        key.write_bytes(good)
    assert "bin/sign_executable does not sign with" in said and "parse key" in said
    assert "would do" in real.setup(*arguments, "--dry-run")
    assert (fingerprint(real.folder / "apps"), fingerprint(real.folder / "bin")) == before
    assert (real.folder / "config.xml").read_bytes() == config
    assert not real.tasks.exists()


def test_it_installs_and_the_real_tools_have_nothing_left_to_do(real: RealProject) -> None:
    before = real.state()
    said = install(real)
    version = text_of(max(before.newest + 1, 100))
    assert f"version {version} of the application" in said
    after = real.state()
    current = after.current()
    assert {text_of(current[platform].version_num) for platform in DEFAULT_PLATFORMS} == {version}
    assert all(row.signed for row in current.values())
    assert real.home.task_dir == real.tasks
    assert after.facts == facts.read(real.home.facts)
    assert after.facts and after.facts.task_keys == (key_files.read_public(real.key).public.hex(),)
    assert "app pymw already in DB" in real.tool("xadd")
    assert "added successfully" not in real.tool("update_versions", "--noconfirm")


def test_the_daemons_run_after_a_restart_and_nothing_lacks(real: RealProject) -> None:
    said = real.setup("-p", real.tasks, "--restart")
    assert "daemons run" in said
    listed = [line for line in real.tool("status", "-v").splitlines() if " pymw" in line]
    assert len(listed) == 2 and all(" running " in line and " locked " in line for line in listed)
    assert "LACKS" not in real.setup("--check", "-p", real.tasks)


def test_called_again_the_assimilator_gets_another_folder(real: RealProject, tmp_path: Path) -> None:
    rows = real.state().rows
    said = real.setup("-p", tmp_path / "other", cwd=real.folder / "bin")
    assert "only its daemons' settings change" in said and "with --restart" in said
    assert real.home.task_dir == tmp_path / "other"
    assert "the assimilator that runs does not know of" in real.setup("--check", status=1)
    real.setup("-p", real.tasks, "--restart", "--project-home", real.folder, cwd=tmp_path)
    assert "LACKS" not in real.setup("--check")
    assert real.state().rows == rows


def test_a_file_that_boinc_knows_otherwise_stops_update_versions_and_the_same_call_goes_on(
    real: RealProject,
) -> None:
    version = text_of(real.state().newest + 1)
    stray = real.home.download_dir / f"pymw_{version}_windows_intelx86.exe"
    stray.write_text("another program")
    try:
        said = real.setup("-p", real.tasks, "--key", real.key, "--upgrade", *QUICK, status=2)
    finally:
        stray.unlink()
    assert "it has not added" in said and "and said: Error: files" in said and stray.name in said
    assert "stand, and the same command goes on from there" in said
    assert f"version {version} of the application" in install(real, "--quorum", 2, "--restart")
    assert f"version {text_of(real.state().newest)} for windows_intelx86" in real.setup("--check")
    assert any(command.startswith("sample_bitwise_validator") for command in real.home.daemons)


def test_a_stopped_project_is_told_from_one_that_runs(real: RealProject) -> None:
    real.tool("stop")
    try:
        said = real.setup("--check", status=1)
    finally:
        install(real, "--quorum", 1, "--restart")
    for words in ("the project is stopped: the file stop_daemons", "the scheduler gives no tasks: "):
        assert words in said
    assert "LACKS" not in real.setup("--check")
