"""The project's folder: which file is where. Nothing of a project is outside.

    pymw_project.toml      settings, which may be edited
    project.sqlite         everything else that is known (with -wal and -shm while it is open)
    server.lock            held by the one server
    keys/                  code_sign_private, upload_secret, task.pem (mode 0600), code_sign_public, task.pub
    apps/                  app versions, as `pymw-package --output DIR/apps` builds them
    download/XX/NAME       input files and files of app versions; immutable
    upload/XX/NAME         what clients uploaded; NAME.part while it is coming in

XX are two digits of the name's MD5, so that no folder grows too large.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pymw.errors import ProjectError

# Names of workunits, results and files: what every client and file system takes, and no path.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}")
PRIVATE = 0o600


@dataclass(frozen=True)
class Layout:
    """The folder of a project."""

    folder: Path

    @property
    def settings(self) -> Path:
        """The file that makes a folder a project."""
        return self.folder / "pymw_project.toml"

    @property
    def database(self) -> Path:
        """Everything that changes."""
        return self.folder / "project.sqlite"

    @property
    def lock(self) -> Path:
        """Held by the server."""
        return self.folder / "server.lock"

    @property
    def apps(self) -> Path:
        """App versions, as pymw-package builds them."""
        return self.folder / "apps"

    def key(self, name: str) -> Path:
        """A key: `code_sign_private`, `code_sign_public` or `upload_secret`."""
        return self.folder / "keys" / name

    @property
    def task_key(self) -> Path:
        """The key that signs tasks; it may be elsewhere, and its public half alone (task.pub) here."""
        return self.folder / "keys" / "task.pem"

    def download(self, name: str) -> Path:
        """A file for clients."""
        return self._file("download", name)

    def upload(self, name: str) -> Path:
        """A file from a client."""
        return self._file("upload", name)

    def make(self) -> None:
        """Make the folders. Raises OSError."""
        self.apps.mkdir(parents=True, exist_ok=True)
        (self.folder / "keys").mkdir(mode=0o700, exist_ok=True)
        for kind in ("download", "upload"):
            for number in range(256):
                (self.folder / kind / f"{number:02x}").mkdir(parents=True, exist_ok=True)

    def _file(self, kind: str, name: str) -> Path:
        if not is_name(name):
            raise ProjectError(f"{name!r} is no name of a file")
        return Path(f"{self.folder}/{kind}/{_bucket(name)}/{name}")


def is_name(name: str) -> bool:
    """Whether this may be the name of a workunit, a result or a file."""
    return NAME.fullmatch(name) is not None and ".." not in name and not name.endswith(".")


def _bucket(name: str) -> str:
    return hashlib.md5(name.encode("latin-1"), usedforsecurity=False).hexdigest()[:2]


def write(path: Path, pieces: Iterable[bytes], mode: int = 0o644) -> None:
    """Write a file, durably, to a temporary name, and rename it. Raises OSError."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        # From its first moment on, a secret can be read by nobody else.
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_text(path: Path) -> str:
    """The text of a small file, such as a key. Raises ProjectError."""
    try:
        return path.read_text("ascii")
    except (OSError, ValueError) as error:
        raise ProjectError(f"{path} cannot be read: {error}") from error
