"""Fetches wheels with pip, which checks each one against the hash that the index or we say."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pymw_packager.errors import FetchError, MissingToolError
from pymw_packager.interpreters import command


def download(wanted: Sequence[str], tags: Sequence[str], minor: str, folder: Path) -> list[Path]:
    """Download wheels for a platform and version that need not be this one's.

    Args:
        wanted: pip's arguments that name what to fetch.
        tags: pip's ``--platform`` values, such as ``win32``.
        minor: the version of Python that they are for, such as ``3.11``.
        folder: where they are put.

    Returns:
        The wheels, sorted by name.

    Raises:
        MissingToolError: the running Python has no pip.
        FetchError: pip could not find, fetch or verify something.
    """
    pip = [sys.executable, "-m", "pip"]
    command.run([*pip, "--version"], MissingToolError, f"fetching wheels takes pip: run {sys.executable} -m ensurepip")
    target = ["--only-binary", ":all:", "--implementation", "cp", "--python-version", minor]
    for tag in tags:
        target += ["--platform", tag]
    command.run(
        [*pip, "download", "--quiet", "--no-input", "--disable-pip-version-check", "--retries", "2"]
        + [*target, "--dest", str(folder), *wanted],
        FetchError,
        f"pip could not fetch {_named(wanted)} for Python {minor} on {tags[0]}",
    )
    return sorted(folder.glob("*.whl"))


def _named(wanted: Sequence[str]) -> str:
    """What is fetched, for a message: the arguments without the options."""
    return ", ".join(argument for argument in wanted if not argument.startswith("-"))
