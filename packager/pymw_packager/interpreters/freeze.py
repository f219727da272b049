"""Makes a runtime for this very host out of the running Python, by PyInstaller.

PyInstaller finds the shared libraries that the interpreter and its extension modules are linked to. The
standard library is put beside it as in the other runtimes, whole, since a task may import anything; and
packages lie there unpacked, as pip installs them.
"""

import importlib.util
import os
import platform as host
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from pymw_platforms import Platform

from pymw_packager.errors import InterpreterError, MissingToolError
from pymw_packager.interpreters import command, library, requirements

INSIDE = "_internal"  # where PyInstaller puts all but the program


def assemble(
    platform: Platform, minor: str | None, wanted: Sequence[str], tree: Path, progress: Callable[[str], None]
) -> str:
    """Put the running Python into the folder ``tree`` and return its version.

    Raises:
        InterpreterError: the platform is not this host's, the version is not the running Python's, or
            PyInstaller fails.
        MissingToolError: PyInstaller is not installed.
        FetchError: a package could not be fetched.
    """
    if not platform.is_this_host():
        raise InterpreterError(
            f"only this machine's own Python can be frozen, which is none of {platform.name}; "
            f"use --interpreter auto, or name an interpreter with --interpreter PATH."
        )
    if minor not in (None, library.RUNNING):
        raise InterpreterError(
            f"freezing takes the running Python, {library.RUNNING}, not {minor}; "
            f"run pymw-package with Python {minor}."
        )
    if importlib.util.find_spec("PyInstaller") is None:
        raise MissingToolError("freezing takes PyInstaller; run: pip install 'pymw-boinc[packaging]'.")
    progress(f"freezing Python {host.python_version()}")
    with tempfile.TemporaryDirectory(prefix="pymw-freeze-") as work:
        shutil.copytree(_freeze(Path(work), platform), tree, dirs_exist_ok=True)
    inside = tree / INSIDE
    # PyInstaller's zip of that name has no more than Python needs to start; it comes first in sys.path.
    library.write(
        library.running(its_own_system=True), library.RUNNING, inside / "base_library.zip", progress
    )
    requirements.install(platform, library.RUNNING, wanted, inside / "site-packages", progress)
    return host.python_version()


def _freeze(work: Path, platform: Platform) -> Path:
    """Let PyInstaller do its work in a folder, and return the folder that it made."""
    options = [
        "--onedir",
        "--name",
        "python",
        "--contents-directory",
        INSIDE,
        "--log-level",
        "ERROR",
        "--noconfirm",
    ]
    places = [f"--{name}path={work / name}" for name in ("dist", "work", "spec")]
    settings = ["--python-option", "hash_seed=0", "--noupx", "--log-level", "ERROR"]
    if platform.system == "linux" and shutil.which("strip"):
        settings.append("--strip")
    modules = [f"--hidden-import={name}" for name in extension_modules()]
    excluded = [f"--exclude-module={name}" for name in ("tkinter", "_tkinter")]
    main = Path(__file__).with_name("frozen_main.py")
    command.run(
        [sys.executable, "-m", "PyInstaller", *options, *places, *settings, *modules, *excluded, main],
        InterpreterError,
        "PyInstaller could not freeze the running Python",
    )
    return work / "dist" / "python"


def extension_modules() -> list[str]:
    """The names of the running Python's extension modules that travel."""
    folder = Path(os.__file__).parent / "lib-dynload"
    files = [*folder.glob("*.so"), *Path(sys.base_prefix, "DLLs").glob("*.pyd")]
    return sorted(file.name.partition(".")[0] for file in files if library.is_wanted_extension(file.name))
