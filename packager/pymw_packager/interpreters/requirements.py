"""Puts packages for the tasks into a runtime: the target platform's wheels, unpacked by pip.

pip checks each wheel against the index's hash and keeps it in its own cache. It judges environment markers
by the machine that it runs on, so a package that another one needs on the target system alone has to be
named as well.
"""

import contextlib
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pymw_platforms import Platform

from pymw_packager.errors import FetchError, InterpreterError, MissingToolError
from pymw_packager.interpreters import command, library

# What an installer leaves behind for the next one: it names this machine, and lists files that do not travel.
INSTALLERS_NOTES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")

# Before PEP 600 the tags of the oldest C libraries had names of their own.
OLDEST_GLIBC = 5
NAMED_GLIBC = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


def install(
    platform: Platform,
    minor: str,
    wanted: Sequence[str],
    folder: Path,
    progress: Callable[[str], None],
    *,
    glibc: str | None = None,
) -> None:
    """Install packages and what they need into a folder of a runtime.

    Args:
        platform: that the wheels shall be for.
        minor: the version of Python that they shall be for, such as ``3.11``.
        wanted: pip's arguments, such as ``numpy>=2`` or ``-r FILE``; none: do nothing.
        folder: such as ``…/lib/python3.11/site-packages``.
        progress: told what is being done.
        glibc: the version of the C library that travels along, if one does.

    Raises:
        FetchError: there is no such package for this platform and version, or no network.
        MissingToolError: the running Python has no pip.
    """
    if not wanted:
        return
    named = " ".join(wanted)
    progress(f"fetching {named} for {platform.name}")
    _pip(
        ["install", "--target", str(folder), "--no-compile", *_target(platform, minor, glibc), *wanted],
        f"pip has no {named} for Python {minor} on {platform.name}",
    )
    finish(folder, minor)


def finish(folder: Path, minor: str) -> None:
    """Remove from installed packages what no task needs, and compile the rest.

    Raises:
        InterpreterError: there is no Python of this minor version here.
    """
    _slim(folder)
    python = library.compiler(minor)
    # A package may carry files for other versions of Python, which do not compile.
    with contextlib.suppress(InterpreterError):
        library.compile_tree(folder, python, "site-packages")


def download(pinned: Path, tag: str, minor: str, folder: Path) -> None:
    """Download the wheels that a file names, with their hashes, for one platform tag.

    Raises:
        FetchError: a wheel could not be found, fetched or verified.
        MissingToolError: the running Python has no pip.
    """
    arguments = ["--no-deps", "--require-hashes", "-r", str(pinned), "--dest", str(folder)]
    _pip(
        ["download", *arguments, *_options([tag], minor)],
        f"pip could not fetch the wheel of Python {minor} for {tag}",
    )


def _pip(arguments: Sequence[str], problem: str) -> None:
    pip = [sys.executable, "-m", "pip"]
    missing = f"fetching wheels takes pip, so run {sys.executable} -m ensurepip first"
    command.run([*pip, "--version"], MissingToolError, missing)
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--retries", "2"]
    command.run([*pip, *quiet, *arguments], FetchError, problem)


def _target(platform: Platform, minor: str, glibc: str | None) -> list[str]:
    """pip's options for the wheels that run on a platform."""
    tags: Sequence[str] = platform.wheel_tags
    if glibc is not None:
        architecture = re.sub(r"^manylinux_\d+_\d+_", "", tags[0])
        tags = _manylinux(architecture, int(glibc.split(".")[1]))
    return _options(tags, minor)


def _manylinux(architecture: str, newest: int) -> list[str]:
    """The tags of wheels for glibc 2.``newest`` and older, best first (PEP 600)."""
    tags = []
    for minor in range(newest, OLDEST_GLIBC - 1, -1):
        tags.append(f"manylinux_2_{minor}_{architecture}")
        if minor in NAMED_GLIBC:
            tags.append(f"{NAMED_GLIBC[minor]}_{architecture}")
    return tags


def _options(tags: Sequence[str], minor: str) -> list[str]:
    options = ["--only-binary", ":all:", "--implementation", "cp", "--python-version", minor]
    return options + [option for tag in tags for option in ("--platform", tag)]


def _slim(folder: Path) -> None:
    """Remove what no task needs: commands, packages' own tests, installers' notes."""
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for tests in [place for place in folder.rglob("tests") if next(place.glob("test_*.py"), None)]:
        shutil.rmtree(tests)
    for name in INSTALLERS_NOTES:
        for note in folder.glob(f"*.dist-info/{name}"):
            note.unlink()
