"""The worker archive: a zip of `pymw_worker` and cloudpickle, from which any Python from 2.5 on imports.

The members are stored, not compressed: zlib and zlib-ng compress the same bytes differently, and the archive
shall be the same wherever it is built. So a Python without zlib can import from it, too.

For an embedded Python the modules come along compiled as well: a third of the time that the worker takes
would go into compiling them, at each start. Other Pythons pass over compiled files that are not theirs.
"""

import hashlib
import importlib.util
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

from pymw_packager.errors import FormatError, InterpreterError, MissingToolError
from pymw_packager.files import reported
from pymw_packager.interpreters import library
from pymw_packager.names import content_name

PACKAGES = ("pymw_worker", "cloudpickle")
# For `python ARCHIVE.zip`, which Python 2.6 and later can do.
MAIN = b"import pymw_worker.__main__ as m\n\nm.main()\n"
# `compact` needs it to run, and writes compiled files as of 3.7 (PEP 552).
OLDEST_COMPILED = (3, 8)
# The oldest time that a zip can hold.
EPOCH = (1980, 1, 1, 0, 0, 0)


def build(embedded: str | None = None) -> tuple[str, bytes]:
    """Return the name and the bytes of the worker archive; equal sources give equal bytes.

    Args:
        embedded: the minor version of an embedded Python, such as ``3.11``, to compile for.

    Raises:
        InterpreterError: there is no such Python here to compile with.
        MissingToolError: one of the packages is not installed as a folder of source files.
        StorageError: a source file cannot be read.
    """
    members = {"__main__.py": MAIN}
    for package in PACKAGES:
        members.update(_sources(package))
    if embedded:
        members.update(library.compiled(members, embedded, "pymw_worker.zip"))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, EPOCH)
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            archive.writestr(info, members[name])
    data = buffer.getvalue()
    return content_name("pymw_worker", hashlib.sha256(data).hexdigest(), ".zip"), data


def build_for(embedded: str, say: Callable[[str], None]) -> tuple[str, bytes]:
    """The same, with compiled modules if that Python can have them, and there is one here to compile with."""
    if tuple(map(int, embedded.split("."))) >= OLDEST_COMPILED:
        try:
            return build(embedded)
        except InterpreterError as error:
            say(f"leaving the worker uncompiled, which then starts more slowly: {error}")
    return build()


def verify(path: Path) -> None:
    """Raise FormatError unless the file is a whole worker archive."""
    wanted = {"__main__.py", *(f"{package}/__init__.py" for package in PACKAGES)}
    try:
        with reported(path, "read"), zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            missing = wanted - set(archive.namelist())
    except zipfile.BadZipFile as error:
        raise FormatError(f"{path.name} is not a zip: {error}.") from error
    if damaged or missing:
        raise FormatError(
            f"{path.name} holds a damaged {damaged}." if damaged else f"{path.name} lacks {min(missing)}."
        )


def _sources(package: str) -> dict[str, bytes]:
    """Return the package's source files by their names in the archive."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingToolError(f"the package {package} is not installed; install it with pip.")
    folder = Path(spec.submodule_search_locations[0])
    with reported(folder, "read"):
        found = {
            f"{package}/{path.relative_to(folder).as_posix()}": path.read_bytes().replace(b"\r\n", b"\n")
            for path in folder.rglob("*.py")
        }
    if f"{package}/__init__.py" not in found:
        raise MissingToolError(f"the package {package} in {folder} has no source files; install it with pip.")
    return found
