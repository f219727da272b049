"""One wait for the disk instead of one for each file."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path


def sync(folder: Path) -> None:
    """Return when all that was written and renamed on this folder's file system survives a power failure.

    Raises OSError.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(handle) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Return when the names in this folder survive a power failure. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def has_something(folder: Path) -> bool:
    """Whether a folder is there and not empty, as the place of a file system that is not mounted is."""
    try:
        with os.scandir(folder) as found:
            return any(found)
    except OSError:
        return False
