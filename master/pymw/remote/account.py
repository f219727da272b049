"""The account key: what a project knows the scientist by.

It is in the environment or in a file for its owner alone, never on a command line, where everybody on the
computer sees it.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import platformdirs

from pymw.errors import KeyFileError
from pymw.project import layout

VARIABLE = "PYMW_ACCOUNT_KEY"
_KEY = re.compile(r"[0-9a-f]{32}")
_LONGEST = 1000  # bytes of a file that may be one with a key


class AccountKey:
    """An account key. It does not show itself."""

    def __init__(self, text: str) -> None:
        """Raises KeyFileError, without the text."""
        self.text = text.strip()
        if not _KEY.fullmatch(self.text):
            raise KeyFileError(
                "that is no account key: it has 32 digits and letters a to f, and stands on the page of the "
                "account on the project's web site"
            )

    def __repr__(self) -> str:
        return "AccountKey(...)"


def path_of(url: str) -> Path:
    """Where the key of the account at the project of this URL is kept."""
    name = re.sub(r"[^A-Za-z0-9.-]+", "_", re.sub("^https?://", "", url)).strip("_.")
    return platformdirs.user_config_path("pymw") / "accounts" / f"{name}.key"


def find(url: str, named: Path | None) -> AccountKey:
    """The key for a project: that in the named file, else the environment's, else the one that is kept.

    Raises KeyFileError.
    """
    if named is not None:
        return read(named.expanduser())
    if given := os.environ.get(VARIABLE):
        return AccountKey(given)
    path = path_of(url)
    if not path.exists():
        raise KeyFileError(
            f"there is no account key for {url}: `pymw account add {url}` asks for it, or set {VARIABLE}"
        )
    return read(path)


def read(path: Path) -> AccountKey:
    """The key in a file. Raises KeyFileError, also if others may read it."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(_LONGEST).decode("ascii", "replace")
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise KeyFileError(f"{path} can be read by others: chmod 600 {path}")
    try:
        return AccountKey(text)
    except KeyFileError as error:
        raise KeyFileError(f"{path}: {error}") from error


def keep(url: str, key: AccountKey) -> Path:
    """Keep the key of an account, for its owner alone; returns its file. Raises KeyFileError."""
    path = path_of(url)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        layout.write(path, [f"{key.text}\n".encode()], layout.PRIVATE)
    except OSError as error:
        raise KeyFileError(f"{error.filename or path} cannot be written: {error.strerror}") from error
    return path
