"""Reading, writing and hashing files, with errors that name the file and the remedy."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from pymw_packager.errors import FormatError, StorageError

CHUNK = 1 << 20


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits.

    Raises:
        StorageError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with reported(path, "read"), path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def read_text(path: Path) -> str:
    """Return the text of a small file.

    Raises:
        StorageError: the file cannot be read.
        FormatError: it is not UTF-8.
    """
    with reported(path, "read"):
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise FormatError(f"{path} is not text: {error.reason} at byte {error.start}.") from error


def write_bytes(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file, to the disk, with these permissions.

    Raises:
        StorageError: it cannot be written.
    """
    with reported(path, "written"), path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        path.chmod(mode)


@contextlib.contextmanager
def reported(path: Path, done: str) -> Iterator[None]:
    """Turn an OSError into a StorageError that says that `path` cannot be `done`, and what would help."""
    try:
        yield
    except OSError as error:
        where = error.filename or path
        remedy = {
            errno.ENOSPC: "; free some space or give another --output",
            errno.EDQUOT: "; free some space or give another --output",
            errno.EACCES: "; change its permissions or give another folder",
            errno.EROFS: "; give another folder",
        }.get(error.errno or 0, "")
        raise StorageError(f"{where} cannot be {done}: {error.strerror or error}{remedy}.") from error
