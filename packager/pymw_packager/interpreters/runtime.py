"""What a runtime is: a folder tree with a Python that runs from wherever it is unpacked.

    windows   python.exe  python311.dll  VCRUNTIME140.dll  python311.zip  DLLs/  Lib/site-packages/
    linux     python  bin/python  lib/ld.so  lib/*.so.*  lib/python311.zip  lib/python3.11/
    macos     python  libpython3.11.dylib  lib/python311.zip  lib/python3.11/

`python` at the root is our host program; the rest lies where CPython's own path configuration looks for it
(Modules/getpath.py): the zip with the library is the landmark of `sys.prefix`. There is no `._pth` file:
with one, Python would not put a script's folder into `sys.path`. Regular files and folders only, so that
the launcher can unpack it onto any file system.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pymw_platforms.platform import System

from pymw_packager.errors import InterpreterError, StorageError


@dataclass(frozen=True)
class Runtime:
    """A finished runtime.

    Attributes:
        folder: the tree.
        executable: the interpreter's path inside it: ``python`` or ``python.exe``.
        version: of Python, such as ``3.11.9``.
    """

    folder: Path
    executable: str
    version: str

    @property
    def minor(self) -> str:
        """The minor version, such as ``3.11``."""
        return ".".join(self.version.split(".")[:2])


@dataclass(frozen=True)
class Layout:
    """Where the parts of a Python lie in a runtime; paths inside it, with slashes.

    Attributes:
        library: the zip with the standard library.
        extensions: the folder of the standard library's extension modules.
        packages: the folder of packages that are not the standard library's.
    """

    library: str
    extensions: str
    packages: str


def layout(system: System, minor: str) -> Layout:
    """Return the layout that CPython of this minor version expects on this system."""
    archive = f"python{minor.replace('.', '')}.zip"
    if system == "windows":
        return Layout(archive, "DLLs", "Lib/site-packages")
    folder = f"lib/python{minor}"
    return Layout(f"lib/{archive}", f"{folder}/lib-dynload", f"{folder}/site-packages")


@contextmanager
def staged(destination: Path) -> Iterator[Path]:
    """Yield a new folder beside ``destination`` that takes its name if all goes well, and vanishes if not.

    Raises:
        StorageError: ``destination`` exists already, or something cannot be written.
    """
    if os.path.lexists(destination):
        raise StorageError(f"{destination} exists already; name a folder that does not.")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=f".{destination.name}.", suffix=".tmp", dir=destination.parent, ignore_cleanup_errors=True
        ) as work:
            tree = Path(work, "runtime")
            tree.mkdir()
            yield tree
            tree.rename(destination)
    except OSError as error:
        place = error.filename or destination
        raise StorageError(f"cannot write {place}: {error.strerror or error}.") from error


def write(file: Path, content: bytes, executable: bool = False) -> None:
    """Write one file of a runtime, and the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    file.chmod(0o755 if executable else 0o644)


def install_host(program: Path, file: Path) -> None:
    """Put the native host program at the root of a runtime.

    Raises:
        InterpreterError: the program is not there.
    """
    if not program.is_file():
        raise InterpreterError(f"{program}, which starts Python, is missing; reinstall it.")
    shutil.copyfile(program, file)
    file.chmod(0o755)


def find_version(content: bytes, minor: str) -> str | None:
    """Return the full version that a CPython binary names, if it is of this minor version (`PY_VERSION`)."""
    found = re.search(rb"(?<![\d.])%s\.\d+(?![\d.])" % re.escape(minor.encode()), content)
    return found[0].decode() if found else None
