"""A project's folder as make_project leaves it, with a database and tools that behave as the real ones do."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from xml.sax.saxutils import escape

from pymw.server.database import Database
from pymw.server.home import DatabaseAccess, ServerHome

from tests.server import recorded_tools

# Volunteers' own Python: nothing is fetched or compressed.
QUICK = ("--interpreter", "none")
DATA = Path(__file__).parent / "data"


class MadeProject:
    """A fresh project.

    Attributes:
        folder: of the project. database: to look into.
    """

    def __init__(self, folder: Path, access: DatabaseAccess, port: int = 9) -> None:
        """port: of its web server; nobody listens at 9."""
        self.folder = folder
        for name in ("bin", "apps", "keys", "download", "upload", "html/user", "html/inc", "templates"):
            (folder / name).mkdir(parents=True)
        self.host = socket.gethostname().split(".")[0]
        config = (DATA / "config.xml").read_text(encoding="utf-8")
        facts = {"folder": folder, "host": self.host, "port": port, "name": access.name, "user": access.user}
        text = config.format(**facts, password=escape(access.password))
        (folder / "config.xml").write_text(text, encoding="utf-8")
        (folder / "project.xml").write_bytes((DATA / "project.xml").read_bytes())
        for name in ("code_sign_private", "code_sign_public", "upload_private", "upload_public"):
            (folder / "keys" / name).write_text("1024\nabcdef\n.\n", encoding="ascii")
        for name in recorded_tools.NAMES:
            self.replace_tool(name, f'exec {sys.executable} {recorded_tools.__file__} {name} "$@"')
        self.replace_tool("sign_executable", recorded_tools.SIGN_EXECUTABLE)
        # The real tools are started by these two; ours need neither.
        self._programs = folder.with_name("programs")
        self._programs.mkdir()
        for name in ("php", "python"):
            _write_script(self._programs / name, "exit 1")
        self.database = Database(access)

    @property
    def home(self) -> ServerHome:
        """What config.xml says now."""
        return ServerHome.open(self.folder)

    def replace_tool(self, name: str, script: str) -> None:
        """Let a program in bin/ do something else."""
        _write_script(self.folder / "bin" / name, script)

    def setup(self, *arguments: object, status: int | None = 0, cwd: Path | None = None) -> str:
        """Run pymw_setup in the project's folder; what it printed, or if it fails, its sentence.

        status: that it must end with; None for what --check has.
        """
        with self.start_setup(*arguments, cwd=cwd) as process:
            try:
                said, complaint = process.communicate(timeout=120)
            finally:
                process.kill()  # if it still runs
        ended = process.returncode
        assert ended == status or (status is None and ended < 2), f"{arguments}\n{said}{complaint}"
        assert "Traceback" not in complaint, complaint
        return complaint if status == 2 else said

    def start_setup(self, *arguments: object, cwd: Path | None = None) -> subprocess.Popen[str]:
        """Start pymw_setup in the project's folder."""
        return subprocess.Popen(
            [sys.executable, "-m", "pymw.server.setup.cli", *map(str, arguments)],
            cwd=cwd or self.folder,
            env={**os.environ, "PATH": f"{self._programs}{os.pathsep}{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def lacks(self, *arguments: object) -> list[str]:
        """What --check says is lacking."""
        said = self.setup("--check", *arguments, status=None)
        found = [line.removeprefix("  LACKS   ") for line in said.splitlines() if line.startswith("  LACKS")]
        assert len(found) + said.count("  stands") == len(re.findall("^  [sL]", said, re.MULTILINE))
        return found

    def versions(self) -> dict[tuple[int, str], int]:
        """The ids of the versions in the database, by number and platform."""
        found = self.database.rows(
            "SELECT v.version_num, p.name, v.id FROM app_version v JOIN platform p ON p.id = v.platformid"
        )
        return {(number, platform): row for number, platform, row in found}

    def fingerprint(self) -> dict[str, str]:
        """Everything in the folder, and its content: to see that nothing was changed."""
        return fingerprint(self.folder)

    def close(self) -> None:
        """Stop the daemons, and let go of the database."""
        subprocess.run([self.folder / "bin" / "stop"], cwd=self.folder, timeout=60, check=False)
        self.database.close()


def _write_script(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def fingerprint(folder: Path) -> dict[str, str]:
    """Every path in a folder, with its mode and the hash of its content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        facts = path.lstat()
        digest = hashlib.sha256(content).hexdigest()
        found[str(path.relative_to(folder))] = f"{facts.st_mode:o} {facts.st_uid} {digest}"
    return found
