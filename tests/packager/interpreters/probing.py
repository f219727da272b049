"""Runs the probe in a runtime and says what every runtime must be able to do."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pymw_packager.interpreters import Runtime

PROBE = Path(__file__).with_name("probe.py")

# Modules that the library has on every system and that work on another one only, or need a terminal.
ELSEWHERE = {
    "linux": r"asyncio\.windows_.*|encodings\.(mbcs|oem)|multiprocessing\.popen_spawn_win32|ctypes\.wintypes"
    r"|distutils\.(_msvccompiler|msvc9compiler)|msilib.*|_osx_support|_pyrepl\.windows.*",
    "windows": r"asyncio\.unix_events|crypt|multiprocessing\.popen_(fork|forkserver|spawn_posix)|pty|tty"
    r"|_pyrepl.*",
}
OMITTED = r"curses(\..*)?|dbm\.(gnu|ndbm)"

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


def copy(runtime: Runtime, folder: Path) -> Path:
    """Copy a runtime and the probe into a new folder, whose name has a space, and return where it lies."""
    shutil.copytree(runtime.folder, folder / "a runtime")
    shutil.copy(PROBE, folder / "probe.py")
    return folder / "a runtime"


def check(run: Run, python: str, probe: str, runtime: Runtime, *, system: str, bits: int) -> dict[str, Any]:
    """Run the probe with arguments and check what holds for every runtime.

    Args:
        run: runs a command line.
        python: the interpreter, and...
        probe: ... the probe, as the command sees them.
        runtime: that the interpreter is of.
        system: ``linux`` or ``windows``.
        bits: 32 or 64.

    Returns:
        What the probe found.
    """
    done = run([python, "-E", probe, "an argument", "grün"])
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    assert facts["version"] == runtime.version
    assert facts["executable"] == python
    assert facts["arguments"] == ["an argument", "grün"]
    assert facts["bits"] == bits
    assert facts["encoding"] == "utf-8"
    assert facts["squares"] == [[1, python], [4, python], [9, python]]
    assert facts["child"] == [python, facts["prefix"], ["two words", 'a "quote"']]
    assert facts["sqlite"] == 42
    assert facts["ssl"].startswith("OpenSSL 3")
    assert facts["sha256"].startswith("e3b0c442")
    unexpected = [n for n in facts["unimportable"] if not re.fullmatch(f"{ELSEWHERE[system]}|{OMITTED}", n)]
    assert unexpected == [], facts["unimportable"]
    return facts


def relative(path: str, root: str) -> str:
    """Return a path of the runtime relative to its root, with slashes."""
    assert path.startswith(root), path
    return path[len(root) :].replace("\\", "/").strip("/")
