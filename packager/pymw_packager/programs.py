"""The native programs: the launcher of each platform, and the host that makes a `python` of an interpreter.

An installed wheel carries them all in `pymw_platforms/programs/`. In a checkout each is built when it is
first asked for, by the ziglang wheel, and kept in the user's cache by the hash of all that it is made of.
"""

import hashlib
import importlib.metadata
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path

import platformdirs
from pymw_platforms import Platform, all_platforms, load

from pymw_packager.errors import InterpreterError, MissingToolError, PackagerError
from pymw_packager.files import reported

SOURCES = Path(__file__).parents[2] / "platforms" / "launcher"
SCRIPT = "posix.sh"

# Without anything that could differ from one build to the next.
FLAGS = ("-fstrip", "-fno-unwind-tables")
# The module of the launcher, a folder, that is built to be fast; all else is built to be small.
FAST_MODULE = "fast"
SYSTEM_FLAGS = {
    # musl falls back to older system calls on older kernels; macOS has no interface below its libc.
    "linux": ("-lc", "-static"),
    "macos": ("-lc",),
    "windows": ("--subsystem", "console"),
}
# A cold cache has to compile the C library, too; on a busy machine that takes minutes.
BUILD_SECONDS = 1800


def launcher(platform_name: str) -> Path:
    """Return the launcher of a BOINC platform: a native program, or the script for 32-bit macOS.

    Raises:
        MissingToolError: it must be built and ziglang is not installed.
        PackagerError: it could not be built or stored.
    """
    platform = load(platform_name)
    if platform.launcher == "script":
        return _packed(_name("launcher", platform)) or SOURCES / SCRIPT
    return _program("launcher", "launcher.zig", platform)


def interpreter_host(platform_name: str) -> Path:
    """Return the program that stands as `python` (`python.exe`) at the root of a runtime.

    On Windows and macOS it loads the Python library beside it; on Linux it starts `bin/python` with the
    loader and the libraries in `lib`.

    Raises:
        InterpreterError: the platform has none.
        MissingToolError: it must be built and ziglang is not installed.
        PackagerError: it could not be built or stored.
    """
    platform = load(platform_name)
    if platform.launcher == "script":
        raise InterpreterError(
            f"{platform_name} has no embedded interpreters: no compiler makes programs for it."
        )
    source = "python_loader.zig" if platform.system == "linux" else "python_dll.zig"
    return _program("python", source, platform)


def build_all() -> dict[str, Path]:
    """Return every program by the name that it has in a wheel, built as far as that is needed."""
    programs = {}
    for platform in all_platforms():
        programs[_name("launcher", platform)] = launcher(platform.name)
        if platform.launcher == "native":
            programs[_name("python", platform)] = interpreter_host(platform.name)
    return programs


def _name(kind: str, platform: Platform) -> str:
    return f"{kind}-{platform.name}{platform.suffix}"


def _packed(name: str) -> Path | None:
    """The program of an installed wheel, if this is one."""
    path = Path(str(resources.files("pymw_platforms"))) / "programs" / name
    return path if path.is_file() else None


def _program(kind: str, source: str, platform: Platform) -> Path:
    name = _name(kind, platform)
    if packed := _packed(name):
        return packed
    command = ["build-exe", *SYSTEM_FLAGS[platform.system], *_modules(source, platform)]
    kept = platformdirs.user_cache_path("pymw") / "programs" / _fingerprint(command) / name
    if not kept.is_file():
        with reported(kept, "written"):
            kept.parent.mkdir(parents=True, exist_ok=True)
            _build(command, kept)
    return kept


def _modules(source: str, platform: Platform) -> list[str]:
    """What zig is told about a program's modules, of which each is for the platform."""
    assert platform.zig_target is not None and platform.zig_cpu is not None, platform.name
    flags = ["-target", platform.zig_target, "-mcpu", platform.zig_cpu, *FLAGS]
    root = [*flags, "-O", "small", "--dep", FAST_MODULE, f"-Mroot={source}"]
    return [*root, *flags, "-O", "fast", f"-M{FAST_MODULE}={FAST_MODULE}/{FAST_MODULE}.zig"]


def _fingerprint(command: list[str]) -> str:
    """The hash of all that a program is made of: sources, compiler, arguments."""
    digest = hashlib.sha256(" ".join([_zig_version(), *command]).encode())
    for path in sorted(SOURCES.rglob("*.zig")):
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(SOURCES).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def _zig_version() -> str:
    try:
        return importlib.metadata.version("ziglang")
    except importlib.metadata.PackageNotFoundError as error:
        raise MissingToolError(
            "the launcher must be built and ziglang is not installed; run: pip install 'pymw-boinc[dev]'."
        ) from error


def _build(command: list[str], result: Path) -> None:
    """Build one program into a file of that name, which appears whole or not at all."""
    with tempfile.TemporaryDirectory(dir=result.parent) as work:
        built = Path(work) / result.name
        caches = ["--cache-dir", str(Path(work) / "cache"), "--global-cache-dir", str(_zig_cache())]
        zig = [sys.executable, "-m", "ziglang", *command, f"-femit-bin={built}", *caches]
        try:
            done = subprocess.run(
                zig, cwd=SOURCES, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise PackagerError(
                f"{result.name} could not be built in {BUILD_SECONDS} s; try again."
            ) from error
        if done.returncode != 0:
            raise PackagerError(
                f"{result.name} could not be built from {SOURCES}: zig says: {done.stderr.strip()}"
            )
        built.chmod(0o755)
        built.replace(result)


def _zig_cache() -> Path:
    """Zig keeps the C libraries that it compiles here: seconds saved for each further program."""
    return platformdirs.user_cache_path("pymw") / "zig"
