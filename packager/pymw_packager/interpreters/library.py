"""The standard library of a runtime: chosen, compiled, and put into one zip.

Compiled files only, of the `unchecked-hash` kind (PEP 552): they hold no time stamp, and Python asks for no
source. They name no folder of the machine that made them, and lack the columns in source lines (`-X
no_debug_ranges`): these are a quarter of the compressed size, and serve to underline source text that is
not there. docs/packaging.md has the figures.
"""

import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from pymw_packager.errors import InterpreterError
from pymw_packager.interpreters import command, runtime

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"

# What no task can use: tests, windows, help texts, means to install, a machine's own settings.
OMITTED = frozenset(
    [
        "__pycache__",
        "dist-packages",
        "ensurepip",
        "idlelib",
        "lib-dynload",
        "lib2to3",
        "pydoc_data",
        "site-packages",
        "sitecustomize.py",
        "test",
        "tests",
        "tkinter",
        "turtle.py",
        "turtledemo",
        "usercustomize.py",
    ]
)

# CPython's tests of itself, windows, terminals; and what alone would draw in Kerberos (nis) or a database
# (_dbm).
OMITTED_EXTENSIONS = frozenset(
    [
        "_ctypes_test",
        "_curses",
        "_curses_panel",
        "_dbm",
        "_gdbm",
        "_testbuffer",
        "_testcapi",
        "_testclinic",
        "_testclinic_limited",
        "_testexternalinspection",
        "_testimportmultiple",
        "_testinternalcapi",
        "_testlimitedcapi",
        "_testmultiphase",
        "_testsinglephase",
        "_tkinter",
        "_xxtestfuzz",
        "nis",
        "readline",
        "xxlimited",
        "xxlimited_35",
        "xxsubtype",
    ]
)


def is_wanted_extension(name: str) -> bool:
    """Whether the file ``_ssl.cpython-311-darwin.so`` or ``_ssl.pyd`` is an extension module that travels."""
    stem, _, suffix = name.partition(".")
    return suffix.endswith(("so", "pyd")) and stem not in OMITTED_EXTENSIONS


def sources(folder: Path, its_own_system: bool = False) -> dict[str, bytes]:
    """Return the modules of the standard library in ``folder`` that travel: path inside it -> source.

    Args:
        folder: such as ``/usr/lib/python3.11``.
        its_own_system: the library shall run on the system that the folder is of; else `_sysconfigdata…`,
            which describes that system, stays behind.
    """
    found = {}
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(n for n in folders if n not in OMITTED and not n.startswith("config-"))
        for name in sorted(set(files) - OMITTED):
            if name.endswith(".py") and (its_own_system or not name.startswith("_sysconfigdata")):
                file = Path(place, name)
                found[file.relative_to(folder).as_posix()] = file.read_bytes()
    return found


def running(its_own_system: bool = False) -> dict[str, bytes]:
    """Return the modules of the running Python's standard library that travel; see `sources`."""
    return sources(Path(os.__file__).parent, its_own_system)


def licence() -> bytes:
    """Return the running Python's licence, which must go with its library."""
    folder = Path(os.__file__).parent
    places = [folder / "LICENSE.txt", Path(sys.base_prefix, "LICENSE.txt")]
    debian = Path(f"/usr/share/doc/libpython{RUNNING}-minimal/copyright")
    found = next((place for place in [*places, debian] if place.is_file()), None)
    if found is None:
        raise InterpreterError(
            f"{folder} lacks LICENSE.txt, which must go with Python; install a whole Python."
        )
    return found.read_bytes()


def write(modules: Mapping[str, bytes], minor: str, archive: Path, progress: Callable[[str], None]) -> None:
    """Write the compiled modules as a zip.

    Args:
        modules: path inside the library -> source, with slashes.
        minor: the version of Python that shall load them.
        archive: the zip; where it lies in a runtime is for `runtime.layout` to say.
        progress: told what is being done.

    Raises:
        InterpreterError: there is no Python of this minor version here to compile them, or it cannot.
    """
    python = compiler(minor)
    progress(f"compiling the library of Python {minor}")
    with tempfile.TemporaryDirectory(prefix="pymw-library-") as work:
        for name, source in modules.items():
            runtime.write(Path(work, name), source)
        compile_tree(Path(work), python, f"python{minor}", keep_sources=False)
        _pack(Path(work), archive)


def compile_tree(folder: Path, python: str, prefix: str, *, keep_sources: bool) -> None:
    """Compile every module below a folder.

    Args:
        folder: of modules and packages.
        python: the compiler: a Python of the version that shall load them.
        prefix: stands for ``folder`` in tracebacks.
        keep_sources: put compiled files into `__pycache__`; else they take the place of their sources.

    Raises:
        InterpreterError: a module does not compile; the others are compiled.
    """
    options = ["-X", "no_debug_ranges", "-I", "-S", "-m", "compileall", "-q"]
    names = ["--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", prefix]
    # Sets are ordered by the hashes of their strings.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {
        "PYTHONHASHSEED": "0"
    }
    command.run(
        [python, *options, *([] if keep_sources else ["-b"]), *names, str(folder)],
        InterpreterError,
        "the Python library could not be compiled",
        environment=environment,
    )
    if not keep_sources:
        for source in folder.rglob("*.py"):
            source.unlink()


def compiler(minor: str) -> str:
    """Return a Python of this minor version on this machine: the running one, or one in PATH.

    Raises:
        InterpreterError: there is none.
    """
    python = sys.executable if minor == RUNNING else shutil.which(f"python{minor}")
    if not python:
        raise InterpreterError(
            f"compiling the library of Python {minor} takes a Python {minor}, but this is {RUNNING} and "
            f"PATH has no python{minor}; install it, or run pymw-package with it."
        )
    return python


def _pack(tree: Path, archive: Path) -> None:
    """Write the files below ``tree`` as a stored zip; compressed as a whole, the payload is smaller."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for path in sorted(tree.rglob("*.pyc")):
            member = zipfile.ZipInfo(path.relative_to(tree).as_posix())
            file.writestr(member, path.read_bytes())
