"""Makes runtimes for Linux on any architecture from the packages of Debian or Ubuntu, with their C library.

With a C library and a loader of its own the runtime asks nothing of the volunteer's system but a kernel. Only
libraries that something in it is linked to travel, each once, under the name that is asked for (the soname).
"""

import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from pymw_platforms import Platform

from pymw_packager import programs
from pymw_packager.errors import FetchError, InterpreterError
from pymw_packager.interpreters import apt, command, elf, library, requirements, runtime

# Loaded by the C library itself when a thread is cancelled or a stack is unwound; nothing is linked to it.
UNWINDER = "libgcc_s.so.1"

# Debian's Python looks here, not in site-packages.
DIST_PACKAGES = "lib/python{}/dist-packages"

# What wheels may be linked to beyond the C library (PEP 513, 571, 599), and Debian's packages of it.
PACKAGES_OF_LIBRARIES = {
    UNWINDER: "libgcc-s1",
    "libstdc++.so.6": "libstdc++6",
    "libz.so.1": "zlib1g",
    "libexpat.so.1": "libexpat1",
    "libatomic.so.1": "libatomic1",
    "libgomp.so.1": "libgomp1",
}


def assemble(
    platform: Platform,
    minor: str | None,
    wanted: Sequence[str],
    tree: Path,
    progress: Callable[[str], None],
    *,
    lean: bool = False,
) -> str:
    """Put a Python for Linux into a folder and return its version.

    Args:
        platform: with a Debian architecture.
        minor: the version wanted; None: the distribution's own.
        wanted: pip's arguments that name packages for the tasks.
        tree: an empty folder.
        progress: told what is being done.
        lean: without what `contents.NOT_LEAN` names.

    Raises:
        InterpreterError: the machine's package sources have no such Python.
        FetchError: something could not be fetched.
        MissingToolError: this is no Debian or Ubuntu.
    """
    assert platform.debian_architecture is not None, platform.name
    progress(f"fetching the package indexes for {platform.debian_architecture}")
    with (
        apt.opened(platform.debian_architecture) as source,
        tempfile.TemporaryDirectory(prefix="pymw-debian-") as work,
    ):
        minor = _choose(source, minor, platform)
        packages = _packages(source, minor)
        progress(f"fetching {len(packages)} packages for {platform.debian_architecture}")
        system = System(source, Path(work), tree)
        system.unpack([package.name for package in packages])
        loader = system.install_python(minor, lean)
        modules = library.sources(Path(work, f"usr/lib/python{minor}"), its_own_system=True)
        modules = library.lean(modules) if lean else modules
        library.write(modules, minor, tree / runtime.layout("linux", minor).library, progress)
        glibc = next(package.version.split("-")[0] for package in packages if package.name == "libc6")
        folder = tree / DIST_PACKAGES.format(minor)
        try:
            requirements.install(platform, minor, wanted, folder, progress, glibc=glibc)
        except FetchError:
            names = _debian_names(source, wanted, minor)
            if not names:
                raise
            progress(f"taking {' '.join(names)} from Debian: there are no wheels for {platform.name}")
            system.install_modules(names, folder)
            requirements.finish(folder, minor)
        system.install_libraries(loader)
        system.install_licences()
    runtime.install_host(programs.interpreter_host(platform.name), tree / platform.python)
    return next(re.split(r"[^\d.]", p.version)[0] for p in packages if p.name == f"python{minor}-minimal")


class System:
    """Unpacked packages, from which files are taken into a runtime."""

    def __init__(self, source: apt.Apt, folder: Path, tree: Path) -> None:
        self._source = source
        self._folder = folder
        self._tree = tree
        self._libraries: dict[str, Path] = {}

    def unpack(self, names: Sequence[str]) -> None:
        """Fetch and unpack packages, and note the libraries that they bring."""
        for deb in self._source.fetch(names):
            command.run(
                ["dpkg-deb", "-x", deb, self._folder], InterpreterError, f"{deb.name} could not be unpacked"
            )
        for file in sorted(self._folder.rglob("lib*/**/*.so*")):
            self._libraries.setdefault(file.name, file)

    def install_python(self, minor: str, lean: bool) -> str:
        """Take program, extension modules and loader; return the name that the loader is known by."""
        program = self._folder / f"usr/bin/python{minor}"
        loader = PurePosixPath(elf.links(program.read_bytes(), program.name).loader).name
        runtime.write(self._tree / "bin/python", program.read_bytes(), executable=True)
        runtime.write(self._tree / "lib/ld.so", self._library(loader).read_bytes(), executable=True)
        extensions = runtime.layout("linux", minor).extensions
        for file in sorted((self._folder / f"usr/lib/python{minor}/lib-dynload").glob("*.so")):
            if library.is_wanted_extension(file.name, lean=lean):
                runtime.write(self._tree / extensions / file.name, file.read_bytes())
        return loader

    def install_licences(self) -> None:
        """Take the licences of all packages, as these demand."""
        for file in sorted(self._folder.glob("usr/share/doc/*/copyright")):
            if file.is_file() and not file.is_symlink():
                runtime.write(self._tree / "licenses" / file.parent.name, file.read_bytes())

    def install_modules(self, names: Sequence[str], folder: Path) -> None:
        """Take the Python modules of packages, and of what these need; their libraries can be taken next."""
        self.unpack([package.name for package in self._source.closure(names)])
        modules = self._folder / "usr/lib/python3/dist-packages"
        shutil.copytree(modules, folder, ignore=_absolute_links, dirs_exist_ok=True)

    def install_libraries(self, loader: str) -> None:
        """Take every library that something in the runtime is linked to, and theirs in turn."""
        files = [file for file in self._tree.rglob("*") if file.is_file()]
        settled = {loader, *(file.name for file in files)}
        asked = [UNWINDER, *(name for file in files for name in _needed(file))]
        while asked:
            name = asked.pop()
            if name in settled:
                continue
            settled.add(name)
            if name not in self._libraries and name in PACKAGES_OF_LIBRARIES:
                self.unpack([PACKAGES_OF_LIBRARIES[name]])
            # What Debian's packages do not bring, a wheel expects of the volunteer's system.
            if name in self._libraries:
                file = self._library(name)
                runtime.write(self._tree / "lib" / name, file.read_bytes())
                asked += _needed(file)

    def _library(self, name: str) -> Path:
        """The regular file behind the name of a library; links lead to a file of another name nearby."""
        file = self._libraries[name]
        while file.is_symlink():
            file = self._libraries[file.readlink().name]
        return file


def _choose(source: apt.Apt, minor: str | None, platform: Platform) -> str:
    """The minor version to take: the one wanted, if there is such a package, or the distribution's own."""
    found = _default(source)
    if minor in (None, found) or source.has(f"python{minor}-minimal"):
        return minor or found
    raise InterpreterError(
        f"this machine's package sources have Python {found} for {platform.name}, not {minor}; "
        f"take --python-version {found}, or name an interpreter with --interpreter PATH."
    )


def _absolute_links(folder: str, names: Sequence[str]) -> list[str]:
    """Which of the names are links that lead to this machine's files instead of the packages'."""
    links = [Path(folder, name) for name in names if Path(folder, name).is_symlink()]
    return [link.name for link in links if link.readlink().is_absolute()]


def _default(source: apt.Apt) -> str:
    """The minor version of the distribution's own Python, which its packages of modules are for."""
    (package,) = source.show(["python3-minimal"])
    return next(m[1] for name in package.depends if (m := re.fullmatch(r"python(3\.\d+)-minimal", name)))


def _debian_names(source: apt.Apt, wanted: Sequence[str], minor: str) -> list[str]:
    """Debian's names of packages; none, unless all are asked for by name alone and Debian has all."""
    names = [f"python3-{name.lower()}" for name in wanted if re.fullmatch(r"[\w.-]*\w", name)]
    complete = len(names) == len(wanted) and minor == _default(source) and all(map(source.has, names))
    return names if complete else []


def _packages(source: apt.Apt, minor: str) -> list[apt.Package]:
    """Python's packages, and the libraries that they depend on directly."""
    parts = [f"python{minor}-minimal", f"libpython{minor}-minimal", f"libpython{minor}-stdlib"]
    # Kept apart up to Python 3.11, the last that has it.
    parts += [name for name in ["python3-distutils"] if source.has(name)]
    python = source.show(parts)
    names = {"libc6", *(name for package in python for name in package.depends)}
    rest = source.show(sorted(names - {package.name for package in python}))
    return python + [package for package in rest if package.is_library]


def _needed(file: Path) -> tuple[str, ...]:
    """What a file is linked to; nothing if it is no ELF file."""
    with file.open("rb") as stream:
        if stream.read(4) != elf.MAGIC:
            return ()
        stream.seek(0)
        return elf.links(stream.read(), file.name).needed
