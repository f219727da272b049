"""Keeps what was fetched in the user's cache folder, under its name and hash.

Files come in by a temporary name and a rename, and are hashed again each time they are used: two builds at
once, a build that is killed and a damaged disk do no harm.
"""

import glob
import os
import shutil
import tempfile
from pathlib import Path

import platformdirs

from pymw_packager.errors import FetchError
from pymw_packager.files import sha256_of


def folder(kind: str) -> Path:
    """Return the cache's folder for one kind of file, and make it if need be."""
    path = Path(platformdirs.user_cache_dir("pymw", appauthor=False), kind)
    path.mkdir(parents=True, exist_ok=True)
    return path


def find(kind: str, name: str, sha256: str | None = None) -> Path | None:
    """Return the kept file ``name``, with this hash if one is given, or None; a damaged one is removed."""
    for file in sorted(folder(kind).glob(f"{sha256 or '*'}/{glob.escape(name)}")):
        if sha256_of(file) == file.parent.name:
            return file
        file.unlink(missing_ok=True)
    return None


def keep(file: Path, kind: str, sha256: str) -> Path:
    """Copy a file into the cache and return where it lies there.

    Raises:
        FetchError: it has another hash than it should.
    """
    found = sha256_of(file)
    if found != sha256:
        raise FetchError(f"{file.name} has SHA-256 {found} instead of {sha256}; try again.")
    place = folder(kind) / sha256 / file.name
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=place.parent)
    os.close(handle)
    try:
        shutil.copyfile(file, temporary)
        Path(temporary).replace(place)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return place
