"""Verifies built app versions: every byte that a volunteer downloads, and what the files say of each other.

Nothing is run, so that an app version can be checked on any machine.
"""

import io
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pymw_platforms import Platform, PlatformError, load

from pymw_packager import executables, launcher_config, payload, task_keys, version_xml, worker_archive
from pymw_packager.errors import PackagerError, StorageError
from pymw_packager.files import reported, sha256_of
from pymw_packager.launcher_config import MODULES, PYTHON_MIN, LauncherConfig
from pymw_packager.names import APP, VERSION_XML, config_name, hash_in, launcher_name, normal_version
from pymw_packager.version_xml import API_VERSION, VersionXml

# An interpreter and the native code that it loads; other programs in a runtime may be of any machine.
INTERPRETER = re.compile(r"(bin/)?python[\d.]*(\.exe)?")
LIBRARY = re.compile(r".*\.(dll|pyd|dylib|so(\.\d+)*)", re.IGNORECASE)


HEAD = 4096


@dataclass(frozen=True)
class CheckedFile:
    """A file that was looked at: its name, size in bytes and hash."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Verdict:
    """What was found in an app version.

    Attributes:
        folder: the app version.
        files: all of its files.
        faults: one sentence for each fault; empty: it is good.
        trust, revoked: as in LauncherConfig.
    """

    folder: Path
    files: tuple[CheckedFile, ...]
    faults: tuple[str, ...]
    trust: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Subject:
    """What the single checks need to know."""

    folder: Path
    platform: Platform
    launcher: str
    listed: VersionXml
    config: LauncherConfig


def app_versions(folder: Path) -> list[Path]:
    """Return the app version folders in an output folder, or the folder itself if it is no such.

    Raises:
        StorageError: there is none.
    """
    if not folder.is_dir():
        raise StorageError(f"{folder} is no folder; name the --output of a build, or one app version.")
    if (folder / VERSION_XML).exists():
        return [folder.resolve()]
    found = sorted(path.resolve() for path in folder.glob(f"{APP}/[!.]*/[!.]*") if path.is_dir())
    if not found:
        raise StorageError(f"{folder} holds no {APP}/VERSION/PLATFORM; name the --output of a build.")
    return found


def check(folder: Path) -> Verdict:
    """Return what is to be said about one app version folder."""
    with reported(folder, "read"):
        paths = sorted(path for path in folder.iterdir() if path.is_file())
        files = tuple(CheckedFile(path.name, path.stat().st_size, sha256_of(path)) for path in paths)
    config = _config(folder)
    trust, revoked = (config.trust, config.revoked) if config else ((), ())
    return Verdict(folder, files, tuple(_faults(folder, files)), trust, revoked)


def _config(folder: Path) -> LauncherConfig | None:
    """Return the configuration if it can be read; if not, that is one of the faults."""
    try:
        launcher = launcher_name(normal_version(folder.parent.name), load(folder.name))
        return launcher_config.read(folder / config_name(launcher))
    except (PackagerError, PlatformError):
        return None


def _faults(folder: Path, files: tuple[CheckedFile, ...]) -> Iterator[str]:
    """Yield every fault; the first that hides the others ends it."""
    try:
        platform = load(folder.name)
        launcher = launcher_name(normal_version(folder.parent.name), platform)
        listed = version_xml.read(folder / VERSION_XML)
        config = launcher_config.read(folder / config_name(launcher))
    except (PackagerError, PlatformError) as error:
        yield str(error)
        return
    yield from _name_faults(files, listed)
    subject = _Subject(folder, platform, launcher, listed, config)
    checks: list[Callable[[_Subject], Iterator[str]]] = [
        _version_xml_faults,
        _launcher_faults,
        _config_faults,
        _worker_faults,
        _payload_faults,
    ]
    for single in checks:
        try:
            yield from single(subject)
        except PackagerError as error:
            yield str(error)


def _name_faults(files: tuple[CheckedFile, ...], listed: VersionXml) -> Iterator[str]:
    """Files and version.xml name each other, and names carry the right hash."""
    present = {file.name for file in files if not file.name.endswith(".sig")} - {VERSION_XML}
    for name in sorted(set(listed.files) - present):
        yield f"{name} is listed in version.xml and missing."
    for name in sorted(present - set(listed.files)):
        yield f"{name} is not listed in version.xml, so that no volunteer would get it."
    for file in files:
        if not file.sha256.startswith(hash_in(file.name) or ""):
            yield f"{file.name} is damaged: its SHA-256 is {file.sha256}."


def _version_xml_faults(subject: _Subject) -> Iterator[str]:
    if len(set(subject.listed.files)) != len(subject.listed.files):
        yield "version.xml lists a file twice."
    if subject.listed.api_version != API_VERSION:
        yield f"version.xml has api_version {subject.listed.api_version!r} instead of {API_VERSION}."
    if subject.listed.main_program != subject.launcher:
        yield f"version.xml starts {subject.listed.main_program} instead of {subject.launcher}."
    wanted = {subject.launcher, config_name(subject.launcher), subject.config.worker}
    if subject.config.payload:
        wanted.add(subject.config.payload.name)
    for name in sorted(wanted - set(subject.listed.files)):
        yield f"version.xml does not list {name}, which the launcher needs."


def _launcher_faults(subject: _Subject) -> Iterator[str]:
    path = subject.folder / subject.launcher
    with reported(path, "read"):
        content = path.read_bytes()
        executable = os.name == "nt" or path.stat().st_mode & 0o100
    if not executable:
        yield f"{path.name} has no execute permission."
    if subject.platform.launcher == "script":
        if not content.startswith(b"#!/bin/sh"):
            yield f"{path.name} is not a script of /bin/sh."
        return
    found = executables.machines(path)
    if not executables.fits(found, subject.platform):
        yield f"{path.name} is {executables.describe(found)}, not for {subject.platform.title}."
    if f"API_VERSION_{API_VERSION}".encode() not in content:
        yield f"{path.name} does not hold the text API_VERSION_{API_VERSION}."


def _config_faults(subject: _Subject) -> Iterator[str]:
    config, name = subject.config, config_name(subject.launcher)
    if config.python_min != PYTHON_MIN:
        yield f"{name} has python_min {config.python_min} instead of {PYTHON_MIN}."
    for module in set(MODULES[subject.platform.system]) - set(config.modules):
        yield f"{name} does not ask for the module {module}, which the worker needs."
    if config.trust and not {task_keys.id_of(key) for key in config.trust} - set(config.revoked):
        yield f"{name} trusts keys that are all revoked, so that no task would run."


def _worker_faults(subject: _Subject) -> Iterator[str]:
    worker_archive.verify(subject.folder / subject.config.worker)
    yield from ()


def _payload_faults(subject: _Subject) -> Iterator[str]:
    """The payload is what the configuration says, and holds a Python of the platform."""
    entry = subject.config.payload
    if entry is None:
        return
    path = subject.folder / entry.name
    if (sha256 := sha256_of(path)) != entry.sha256:
        yield f"{path.name} has the SHA-256 {sha256}, where the configuration says {entry.sha256}."
    size, python = 0, None
    for member, content in payload.read(path):
        size += member.size
        if member.name.startswith("/") or ".." in PurePosixPath(member.name).parts:
            yield f"{path.name} holds the unsafe name {member.name}."
        if member.name == entry.python:
            python = member
        if content and (INTERPRETER.fullmatch(member.name) or LIBRARY.fullmatch(member.name)):
            yield from _machine_faults(subject.platform, f"{path.name}: {member.name}", content.read(HEAD))
    if size != entry.size:
        yield f"{path.name} unpacks to {size} bytes, where the configuration says {entry.size}."
    if python is None or python.is_folder:
        yield f"{path.name} lacks the interpreter {entry.python}."
    elif subject.platform.system != "windows" and not python.executable:
        yield f"{path.name}: {python.name} has no execute permission."


def _machine_faults(platform: Platform, name: str, head: bytes) -> Iterator[str]:
    """A native program is of the platform; where the system starts scripts, `python` may be one."""
    if platform.system != "windows" and head.startswith(b"#!/bin/sh\n"):
        return
    found = executables.machines_of(io.BytesIO(head))
    if not executables.fits(found, platform):
        yield f"{name} is {executables.describe(found)}, not for {platform.title}."
