"""An application and Pythons on a Windows of the test bench."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymw_packager import programs

from tests.bench.wine import Wine
from tests.launcher.application import Application

PLATFORM = "windows_intelx86"


@dataclass(kw_only=True)
class WindowsApplication(Application):
    """An application whose launcher runs under Wine.

    Attributes:
        wine: the Windows; the application's root is on one of its drives.
    """

    wine: Wine

    def program(self) -> str:
        """Return the launcher's path as Windows sees it."""
        return self.wine.path(self.project / self.launcher)

    def variables(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the variables of a start; PATH is that of Windows."""
        return {"WINEPATH": ";".join(map(str, self.path)), **(more or {})}

    def run(
        self, *arguments: str, environment: Mapping[str, str] | None = None, before: Sequence[str] = ()
    ) -> "subprocess.CompletedProcess[str]":
        """Start it and wait for its end; `before` is put before the command."""
        (self.slot / "started.txt").unlink(missing_ok=True)
        argv = [*before, self.program(), *arguments]
        return self.wine.run(argv, self.slot, self.variables(environment), timeout=120)

    def drive(self, python: Path, code: str, *arguments: str) -> dict[str, Any]:
        """Run code in a Windows Python, in the slot, and return what it puts into `result`.

        The code finds the launcher's command in `command`.
        """
        script = self.root / "drive.py"
        begin = "import ctypes, os, subprocess, sys, time\ncommand, result = sys.argv[1:], {}\n"
        end = "\nopen('driven.txt', 'w', encoding='utf-8').write(ascii(result))\n"
        script.write_text(begin + code + end, encoding="utf-8")
        argv = [self.wine.path(python / "python.exe"), self.wine.path(script), self.program(), *arguments]
        done = self.wine.run(argv, self.slot, self.variables(), timeout=120)
        assert done.returncode == 0, done.stderr
        found = eval((self.slot / "driven.txt").read_text(encoding="utf-8"), {"__builtins__": {}})
        assert isinstance(found, dict)
        return found


def application_in(wine: Wine, root: Path, folder: str = "project") -> WindowsApplication:
    """An application in a folder of a Windows."""
    made = WindowsApplication(root, f"pymw_1.00_{PLATFORM}.exe", folder=folder, wine=wine)
    made.install(programs.launcher(PLATFORM))
    made.settings = {"modules": ("zlib", "ctypes")}
    made.configure()
    return made


def embed(windows: WindowsApplication, runtime: Path, more: Mapping[str, bytes] | None = None) -> None:
    """Make the runtime, with more files, the application's payload, under a client."""
    files = {p.relative_to(runtime).as_posix(): p.read_bytes() for p in runtime.rglob("*") if p.is_file()}
    version = "{}.{}".format(*sys.version_info[:2])
    windows.add_payload({**files, **(more or {})}, version, "python.exe")
    windows.configure()
    windows.under_client()


def install_python(runtime: Path, target: Path) -> Path:
    """Put a Python into a folder, with a program of its own; the rest is shared with the runtime."""
    shutil.copytree(runtime, target, copy_function=os.link)
    program = target / "python.exe"
    program.unlink()
    shutil.copy2(runtime / "python.exe", program)
    return target
