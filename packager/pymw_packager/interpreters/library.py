"""The standard library of a runtime: chosen, made small (`compact`), and put into one zip.

No file holds a time, or names a folder of the machine that made it. Compiled files lack the columns in source
lines (`-X no_debug_ranges`): these are a quarter of the compressed size, and serve to underline source text
that is not there. docs/packaging.md has the figures.
"""

import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pymw_packager.errors import InterpreterError
from pymw_packager.interpreters import command, compact, contents, runtime

# What a lean library has in the place of a module.
MISSING = (
    'raise ModuleNotFoundError("the lean Python of this app version has no {0}; '
    'build it without --lean, for a whole one.", name="{0}")\n'
)

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def is_wanted_extension(name: str, *, lean: bool = False) -> bool:
    """Whether the file ``_ssl.cpython-311-darwin.so`` or ``_ssl.pyd`` is an extension module that travels."""
    stem, _, suffix = name.partition(".")
    left_out = contents.OMITTED_EXTENSIONS | (contents.NOT_LEAN_EXTENSIONS if lean else frozenset())
    return suffix.endswith(("so", "pyd")) and stem not in left_out


def sources(folder: Path, its_own_system: bool = False) -> dict[str, bytes]:
    """Return the modules of the standard library in ``folder`` that travel: path inside it -> source.

    Args:
        folder: such as ``/usr/lib/python3.11``.
        its_own_system: the library shall run on the system that the folder is of; else `_sysconfigdata…`,
            which describes that system, stays behind.
    """
    found = {}
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(n for n in folders if n not in contents.OMITTED and not n.startswith("config-"))
        for name in sorted(set(files) - contents.OMITTED):
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


def lean(modules: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return a library without `NOT_LEAN`: a task that imports such a module reads why it is not there."""
    left_out = [path for path in modules if contents.is_among(path, contents.NOT_LEAN)]
    kept = {path: source for path, source in modules.items() if path not in left_out}
    for name in sorted(contents.NOT_LEAN):
        if f"{name}.py" in left_out or f"{name}/__init__.py" in left_out:
            kept[f"{name}.py"] = MISSING.format(name.replace("/", ".")).encode()
    return kept


def write(modules: Mapping[str, bytes], minor: str, archive: Path, progress: Callable[[str], None]) -> None:
    """Write the modules, made small, as a zip.

    Args:
        modules: path inside the library -> source, with slashes.
        minor: the version of Python that shall load them.
        archive: the zip; where it lies in a runtime is for `runtime.layout` to say.
        progress: told what is being done.

    Raises:
        InterpreterError: there is no Python of this minor version here to compile them, or it cannot.
    """
    progress(f"compiling the library of Python {minor}")
    seldom = [name for name in modules if contents.is_among(name, contents.SELDOM)]
    with _made_small(modules, minor, f"python{minor}", seldom) as tree:
        _pack(tree, archive)


def compiled(modules: Mapping[str, bytes], minor: str, prefix: str) -> dict[str, bytes]:
    """Return the compiled file of each module, by its name with ``.pyc``.

    Args:
        modules: path -> source, with slashes.
        minor: the version of Python that shall load them.
        prefix: stands before the path in tracebacks.

    Raises:
        InterpreterError: there is no Python of this minor version here to compile them, or it cannot.
    """
    with _made_small(modules, minor, prefix, ()) as tree:
        return {path.relative_to(tree).as_posix(): path.read_bytes() for path in tree.rglob("*.pyc")}


@contextmanager
def _made_small(
    modules: Mapping[str, bytes], minor: str, prefix: str, kept_sources: Iterable[str]
) -> Iterator[Path]:
    """Yield a folder with what `compact` makes of the modules; it goes away."""
    python = compiler(minor)
    with tempfile.TemporaryDirectory(prefix="pymw-library-") as work:
        tree, list_of_sources = Path(work, "library"), Path(work, "sources")
        for name, source in modules.items():
            runtime.write(tree / name, source)
        list_of_sources.write_text("\n".join(kept_sources), encoding="utf-8")
        _run(python, compact.__file__, str(tree), prefix, str(list_of_sources))
        yield tree


def compile_tree(folder: Path, python: str, prefix: str) -> None:
    """Compile every module below a folder into the `__pycache__` beside it.

    Args:
        folder: of modules and packages.
        python: the compiler: a Python of the version that shall load them.
        prefix: stands for ``folder`` in tracebacks.

    Raises:
        InterpreterError: a module does not compile; the others are compiled.
    """
    names = ["--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", prefix]
    _run(python, "-m", "compileall", "-q", *names, str(folder))


def _run(python: str, *arguments: str) -> None:
    """Run a compiler whose result depends on nothing but its input."""
    # Sets are ordered by the hashes of their strings.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {
        "PYTHONHASHSEED": "0"
    }
    command.run(
        [python, "-X", "no_debug_ranges", "-I", "-S", *arguments],
        InterpreterError,
        "the Python library could not be compiled",
        environment=environment,
    )


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
        for path in sorted(path for path in tree.rglob("*") if path.is_file()):
            member = zipfile.ZipInfo(path.relative_to(tree).as_posix())
            member.create_system = 3  # Unix, wherever it is made
            file.writestr(member, path.read_bytes())
