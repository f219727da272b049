"""Makes a runtime out of a folder or archive of a portable Python that the user names.

Made for python-build-standalone (`python/bin/python3`) and python.org's embeddable zip (`python.exe`). An
installed Python is mostly not portable: it is linked to libraries of its system.
"""

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import zstandard
from pymw_platforms import Platform

from pymw_packager import executables, programs
from pymw_packager.errors import FormatError, InterpreterError, UsageError
from pymw_packager.interpreters import contents, elf, library, requirements, runtime

INTERPRETER = re.compile(r"python(3(\.\d+)?)?(\.exe)?$", re.IGNORECASE)

# Left out of a library's own modules only.
TRAVELLING = frozenset(["lib-dynload", "site-packages"])

# Folders beside the interpreter that serve to build other programs or to read.
BUILDING = frozenset(["Doc", "Scripts", "Tools", "include", "libs", "pkgconfig", "share", "tcl"])


def assemble(
    source: Path,
    platform: Platform,
    minor: str | None,
    wanted: Sequence[str],
    tree: Path,
    progress: Callable[[str], None],
) -> str:
    """Put the Python of a folder or archive into the folder ``tree`` and return its version.

    Raises:
        UsageError: there is no such folder or archive.
        FormatError: the archive is damaged, or unsafe to unpack.
        InterpreterError: there is no interpreter in it, or one of another platform or version.
    """
    progress(f"taking Python for {platform.name} from {source}")
    with _opened(source) as folder:
        program = _find(folder, platform, source)
        prefix = program.parent.parent if program.parent.name == "bin" else program.parent
        found = _version(prefix, program, source)
        here = ".".join(found.split(".")[:2])
        if minor not in (None, here):
            raise InterpreterError(
                f"{source} holds Python {here}, not {minor}; take --python-version {here}."
            )
        _copy(prefix, program, tree)
        _install_program(tree / program.relative_to(os.path.realpath(prefix)), tree, platform, source)
    requirements.install(
        platform, here, wanted, tree / runtime.layout(platform.system, here).packages, progress
    )
    if platform.is_this_host():
        _try(tree / platform.python, source)
    return found


@contextmanager
def _opened(source: Path) -> Iterator[Path]:
    """Yield the folder, or a temporary one with the archive's content."""
    if source.is_dir():
        yield source
        return
    if not source.is_file():
        raise UsageError(f"--interpreter {source}: there is no such folder or archive.")
    with tempfile.TemporaryDirectory(prefix="pymw-archive-") as work:
        try:
            _unpack(source, work)
        except (
            tarfile.TarError,
            zipfile.BadZipFile,
            zstandard.ZstdError,
            EOFError,
            shutil.ReadError,
        ) as error:
            raise FormatError(
                f"{source} is no archive that can be unpacked ({error}); fetch it again."
            ) from error
        yield Path(work)


def _unpack(source: Path, work: str) -> None:
    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            archive.extractall(work)  # drops `..` and roots from names by itself
    elif source.name.endswith((".tar.zst", ".tzst")):
        with (
            source.open("rb") as packed,
            zstandard.ZstdDecompressor().stream_reader(packed) as stream,
            tarfile.open(fileobj=stream, mode="r|") as archive,
        ):
            archive.extractall(work, filter="data")
    else:
        with tarfile.open(source) as archive:
            archive.extractall(work, filter="data")


def _find(folder: Path, platform: Platform, source: Path) -> Path:
    """The interpreter: the one nearest to the top that is a native program of the platform."""
    candidates = []
    for place, folders, files in os.walk(folder):
        folders.sort()
        depth = len(Path(place).relative_to(folder).parts)
        candidates += [(depth, name, Path(place, name)) for name in files if INTERPRETER.match(name)]
    seen = []
    for _, _, path in sorted(candidates):
        machines = executables.machines(path) if path.is_file() else frozenset()
        if executables.fits(machines, platform):
            return Path(os.path.realpath(path))
        if machines:
            seen.append(executables.describe(machines))
    what = f"a Python that is {seen[0]}" if seen else "no Python"
    raise InterpreterError(f"{source} holds {what}, where one for {platform.title} is needed; name another.")


def _version(prefix: Path, program: Path, source: Path) -> str:
    """The full version, as the program or the library that it loads has it."""
    binaries = [
        *prefix.glob("python3*.dll"),
        *prefix.glob("libpython3*"),
        *prefix.glob("lib/libpython3*"),
        *prefix.glob("bin/python*"),
        program,
    ]
    names = [path.name for path in [*binaries, *prefix.glob("lib/python3.*")]]
    minors = {f"3.{match[1]}" for name in names if (match := re.search(r"python3\.?(\d+)", name))}
    for minor in sorted(minors, reverse=True):
        for binary in binaries:
            if found := runtime.find_version(binary.read_bytes(), minor):
                return found
    raise InterpreterError(
        f"{source} does not tell its Python's version; name a whole Python, with its library."
    )


def _copy(prefix: Path, program: Path, tree: Path) -> None:
    """Copy what a task can use; links become the files that they lead to.

    Raises:
        InterpreterError: a link leads out of the folder.
    """
    home = Path(os.path.realpath(prefix))
    for place, folders, files in os.walk(home, followlinks=False):
        here = Path(place).relative_to(home)
        linked = [name for name in folders if Path(place, name).is_symlink()]
        folders[:] = sorted(set(folders) - BUILDING - (contents.OMITTED - TRAVELLING) - set(linked))
        for name in sorted(set(files) - contents.OMITTED):
            file = Path(os.path.realpath(Path(place, name)))
            if not file.is_relative_to(home):
                raise InterpreterError(
                    f"{Path(place, name)} is a link out of {prefix}; name a Python that is whole."
                )
            if _is_wanted(file, name, here, program):
                (tree / here).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, tree / here / name)
                (tree / here / name).chmod(0o755 if os.access(file, os.X_OK) else 0o644)


def _is_wanted(file: Path, name: str, here: Path, program: Path) -> bool:
    """Whether a file travels."""
    if not file.is_file() or name.endswith((".a", ".lib", ".pdb", "._pth")):
        return False
    if here.name == "bin":
        return name == program.name
    return not name.endswith((".so", ".pyd")) or library.is_wanted_extension(name)


def _install_program(program: Path, tree: Path, platform: Platform, source: Path) -> None:
    """Put the interpreter at the root, or the host program and the library that it loads.

    Raises:
        InterpreterError: the interpreter works only where it lies.
    """
    root = tree / platform.python
    if program == root:
        return
    if platform.system == "macos":
        for dylib in tree.glob("lib/libpython3.*.dylib"):
            dylib.rename(tree / dylib.name)
        runtime.install_host(programs.interpreter_host(platform.name), root)
        program.unlink()
        return
    if platform.system == "linux":
        needed = elf.links(program.read_bytes(), program.name).needed
        if any(name.startswith("libpython") for name in needed):
            raise InterpreterError(
                f"{program.name} of {source} is linked to a libpython that does not travel with it; "
                f"name a Python that is one program, such as python-build-standalone's."
            )
    program.rename(root)


def _try(python: Path, source: Path) -> None:
    """Run it once."""
    try:
        done = subprocess.run(
            [python, "-E", "-c", "import zlib, ctypes, subprocess"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        problem = done.stderr.strip().splitlines()[-1:] if done.returncode else None
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = [str(error)]
    if problem is not None:
        raise InterpreterError(
            f"the Python of {source} does not run here: {''.join(problem)}; name a portable one."
        )
