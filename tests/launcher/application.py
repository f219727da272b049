"""An application as a client has it: launcher, configuration, worker archive in a project folder; a slot.

Its worker only writes down how it was started, and ends as it is told.
"""

import ast
import hashlib
import io
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard
from pymw_packager.launcher_config import LauncherConfig, PayloadEntry

# Runs in Python 2.5 and later.
WORKER = """
import os, sys
def main(doubt=None, launcher=None):
    if doubt and not os.environ.get("TEST_CRASH"):
        try:
            os.remove(doubt)
        except OSError:
            pass
    facts = {"argv": sys.argv, "path": sys.path[0], "executable": sys.executable, "folder": os.getcwd(),
             "version": tuple(sys.version_info[:2]), "environment": dict(os.environ), "pid": os.getpid()}
    try:
        text = ascii(facts)
    except NameError:
        text = repr(facts)
    out = open("started.txt", "w")
    out.write(text)
    out.close()
    status = int(os.environ.get("TEST_STATUS", "0"))
    if os.environ.get("TEST_WAIT"):
        import time
        time.sleep(float(os.environ["TEST_WAIT"]))
    if os.name == "nt" and status > 255:
        import ctypes
        ctypes.windll.kernel32.ExitProcess(status)
    sys.exit(status)
"""
# The same in a runtime: the launcher says first what is to be removed, and its own path.
EMBEDDED = """
import sys
from pymw_worker import __main__ as worker
def main():
    worker.main(sys.argv.pop(1), sys.argv.pop(1))
"""


@dataclass
class Application:
    """One application.

    Attributes:
        root: holds all of it, and what its processes may write.
        launcher: its name in the project folder.
        command: what to put before the launcher, such as a shell.
        settings: entries of the configuration, beyond those that every configuration has.
        path: the first folders of PATH; the usual ones follow.
        folder: the project folder's path below the root.
    """

    root: Path
    launcher: str
    command: Sequence[str] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    path: Sequence[Path | str] = ()
    folder: str = "project"

    def __post_init__(self) -> None:
        for folder in (self.project, self.slot, self.home, self.temporary):
            folder.mkdir(parents=True)
        with zipfile.ZipFile(self.project / "worker.zip", "w") as archive:
            archive.writestr("pymw_worker/__init__.py", "")
            archive.writestr("pymw_worker/__main__.py", WORKER)
            archive.writestr("pymw_worker/embedded.py", EMBEDDED)

    @property
    def project(self) -> Path:
        """The client's folder of the project."""
        return self.root / self.folder

    @property
    def slot(self) -> Path:
        """The current folder of the job."""
        return self.root / "slots" / "0"

    @property
    def home(self) -> Path:
        """The user's home."""
        return self.root / "home"

    @property
    def temporary(self) -> Path:
        """The folder for temporary files."""
        return self.root / "temporary"

    def install(self, program: Path) -> None:
        """Put the launcher into the project folder."""
        target = self.project / self.launcher
        target.write_bytes(program.read_bytes())
        target.chmod(0o755)

    def configure(self, text: str | None = None) -> None:
        """Write the configuration: the settings, or a text."""
        config = LauncherConfig(**{"worker": "worker.zip", "python_min": "2.5", **self.settings})
        name = self.launcher.removesuffix(".exe") + ".conf"
        (self.project / name).write_text(
            config.text() if text is None else text, encoding="utf-8", newline=""
        )

    def under_client(self) -> None:
        """Let the slot look as a client makes it."""
        (self.slot / "init_data.xml").write_text("<app_init_data>\n</app_init_data>\n")

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return all variables of a start."""
        return {
            "PATH": os.pathsep.join([*map(str, self.path), "/usr/bin", "/bin"]),
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            **(more or {}),
        }

    def argv(self, *arguments: str) -> list[str]:
        """Return what starts it, as a client does: by a relative path, in the slot."""
        return [*self.command, f"../../{self.folder}/{self.launcher}", *arguments]

    def run(
        self, *arguments: str, environment: Mapping[str, str] | None = None, before: Sequence[str] = ()
    ) -> "subprocess.CompletedProcess[str]":
        """Start it and wait for its end; `before` is put before the command."""
        (self.slot / "started.txt").unlink(missing_ok=True)
        return subprocess.run(
            [*before, *self.argv(*arguments)],
            cwd=self.slot,
            env=self.environment(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def started(self) -> dict[str, Any] | None:
        """Return what the worker wrote down, None if none was started."""
        path = self.slot / "started.txt"
        return ast.literal_eval(path.read_text(encoding="ascii")) if path.exists() else None

    def add_payload(self, files: Mapping[str, bytes], version: str = "3.11", python: str = "python") -> Path:
        """Make a payload of these files (the interpreter is executable) the application's."""
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                member.mode = 0o755 if name == python else 0o644
                archive.addfile(member, io.BytesIO(content))
        return self.add_archive(plain.getvalue(), sum(map(len, files.values())), version, python)

    def add_archive(self, plain: bytes, size: int, version: str = "3.11", python: str = "python") -> Path:
        """Make a payload of the bytes of a tar archive the application's."""
        data = zstandard.ZstdCompressor().compress(plain)
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.project / f"python_{sha256[:16]}.tar.zst"
        path.write_bytes(data)
        self.settings["payload"] = PayloadEntry(
            name=path.name, sha256=sha256, size=size, python=python, version=version
        )
        return path

    def runtime(self, place: Path | None = None) -> Path:
        """Return where the payload is unpacked, in the project folder or another."""
        return (place or self.project) / f"pymw_runtime_{self.settings['payload'].sha256[:16]}"
