"""Loads the definition files of the BOINC platforms: one NAME.toml beside this module for each.

The names are BOINC's own (the platforms that a stock project knows). Where the other facts come from:

* ELF classes and machine numbers: the System V ABI, `e_ident[EI_CLASS]` and `e_machine`.
* PE machine numbers: Microsoft's PE format, `IMAGE_FILE_MACHINE_*`.
* Mach-O CPU types: `<mach/machine.h>`, `CPU_TYPE_*`.
* Wheel tags: PEP 425, 513, 571, 599 and 600, spelled as pip's `--platform` wants them.
* Debian architectures: `dpkg-architecture -L`.
* Zig targets and CPU models: `zig targets` of the pinned ziglang.

    PlatformError
    ├── UnknownPlatformError    no platform has this name
    └── DefinitionError         a definition file is wrong: a fault of this package
"""

import dataclasses
import difflib
import platform as host
import sys
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args, get_origin, get_type_hints

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

System = Literal["linux", "windows", "macos"]
LauncherKind = Literal["native", "script"]
ExecutableFormat = Literal["ELF", "PE", "Mach-O"]
InterpreterSource = Literal["wheels", "debian", "none"]

SYSTEMS = {"Linux": "linux", "Windows": "windows", "Darwin": "macos"}


class PlatformError(Exception):
    """Something is wrong with a platform; the message is one sentence for the user."""


class UnknownPlatformError(PlatformError):
    """No platform has this name; the message lists the near matches."""


class DefinitionError(PlatformError):
    """A definition file has a missing, unknown or mistyped entry."""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """The facts about one BOINC platform; each field is an entry of the definition file.

    Attributes:
        name: BOINC's name of the platform, such as ``windows_intelx86``.
        title: what a person calls it.
        system: the operating system.
        bits: size of a pointer, 32 or 64.
        machines: what ``platform.machine()`` may say there, in lower case.
        accepted_by: which BOINC clients ask for app versions of this platform.
        launcher: ``native`` (compiled by Zig) or ``script`` (POSIX shell).
        zig_target: Zig's ``-target`` for the native launcher, else None.
        zig_cpu: Zig's ``-mcpu``: the oldest processor that it shall run on, else None.
        suffix: of executables: ``.exe`` or nothing.
        executable_format: of native programs.
        executable_machine: ELF ``e_machine``, PE ``Machine`` or Mach-O ``cputype``.
        interpreter: where ``--interpreter auto`` takes the embedded Python from.
        wheel_tags: pip's ``--platform`` values for packages, best first.
        debian_architecture: Debian's name of the architecture, None outside Linux.
        python_search: where the launcher looks for a Python, in words.
    """

    name: str
    title: str
    system: System
    bits: int
    machines: tuple[str, ...]
    accepted_by: str
    launcher: LauncherKind
    zig_target: str | None = None
    zig_cpu: str | None = None
    suffix: str = ""
    executable_format: ExecutableFormat
    executable_machine: int
    interpreter: InterpreterSource
    wheel_tags: tuple[str, ...]
    debian_architecture: str | None = None
    python_search: str

    @property
    def python(self) -> str:
        """Name of the interpreter at the root of a runtime: ``python.exe`` or ``python``."""
        return "python" + self.suffix

    def is_this_host(self) -> bool:
        """Whether the running Python is a program of this platform."""
        return (
            self.system == SYSTEMS.get(host.system())
            and host.machine().lower() in self.machines
            and self.bits == (64 if sys.maxsize > 2**32 else 32)
        )


def load(name: str) -> Platform:
    """Return the platform that BOINC calls ``name``.

    Raises:
        UnknownPlatformError: there is none; the message lists the near matches.
    """
    platforms = _by_name()
    if name in platforms:
        return platforms[name]
    near = difflib.get_close_matches(name, platforms, n=3, cutoff=0.4)
    remedy = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(platforms)}."
    raise UnknownPlatformError(f"unknown platform {name!r}; {remedy}")


def all_platforms() -> tuple[Platform, ...]:
    """Return every platform: the 32-bit ones first (most 64-bit clients accept those, too), then by name."""
    return tuple(_by_name().values())


def this_host() -> Platform | None:
    """Return the platform of the running Python, or None if BOINC has no name for it here."""
    return next((p for p in all_platforms() if p.is_this_host()), None)


def parse(name: str, text: str) -> Platform:
    """Return the platform that the definition file ``name``.toml with this text describes.

    Raises:
        DefinitionError: it is no TOML, or an entry is missing, unknown or of a wrong type.
    """
    try:
        entries = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"{name}.toml is not TOML: {error}.") from error
    types = get_type_hints(Platform)
    for entry in entries:
        if entry not in types:
            raise DefinitionError(f"{name}.toml has the unknown entry {entry!r}.")
    for field in dataclasses.fields(Platform):
        if field.name in entries:
            entries[field.name] = _checked(name, field.name, types[field.name], entries[field.name])
        elif field.default is dataclasses.MISSING:
            raise DefinitionError(f"{name}.toml lacks the entry {field.name!r}.")
    platform = Platform(**entries)
    _check_consistency(name, platform)
    return platform


def _checked(name: str, entry: str, expected: Any, value: Any) -> Any:
    """Return ``value`` as the type that the field of Platform has."""
    if get_origin(expected) is Literal:
        fits = value in get_args(expected)
    elif get_origin(expected) is tuple:
        fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
        value = tuple(value) if fits else value
    else:
        fits = isinstance(value, expected) and not isinstance(value, bool)
    if not fits:
        raise DefinitionError(f"{name}.toml: {entry} = {value!r} is not {expected}.")
    return value


def _check_consistency(name: str, platform: Platform) -> None:
    """Raise DefinitionError if entries contradict each other or the file's name."""
    if platform.name != name:
        raise DefinitionError(f"{name}.toml describes {platform.name!r}.")
    if platform.bits not in (32, 64):
        raise DefinitionError(f"{name}.toml: bits = {platform.bits} is neither 32 nor 64.")
    native = platform.launcher == "native"
    if native != (platform.zig_target is not None) or native != (platform.zig_cpu is not None):
        raise DefinitionError(
            f"{name}.toml: only a native launcher has zig_target and zig_cpu, and it has both."
        )
    if platform.interpreter == "debian" and platform.debian_architecture is None:
        raise DefinitionError(f"{name}.toml: interpreter = 'debian' needs debian_architecture.")


@cache
def _by_name() -> dict[str, Platform]:
    """Every platform by its name, in the order of `all_platforms`."""
    folder = resources.files("pymw_platforms")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    platforms = [parse(f.name.removesuffix(".toml"), f.read_text(encoding="utf-8")) for f in files]
    return {p.name: p for p in sorted(platforms, key=lambda p: p.bits)}
