"""What a call of pymw_setup is to bring about, from its options and what the project has already."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pymw_packager import python_options, task_keys
from pymw_packager.errors import PackagerError
from pymw_packager.names import normal_version, version_num
from pymw_platforms import Platform, all_platforms, load

from pymw import key_files
from pymw.errors import ProjectError
from pymw.server.home import ServerHome
from pymw.server.setup.state import State

DEFAULT_PLATFORMS = ("x86_64-pc-linux-gnu", "i686-pc-linux-gnu", "windows_intelx86")
MAX_QUORUM = 100
FIRST_VERSION = 100  # 1.00
Mode = Literal["install", "upgrade", "folder"]

# Options that say how an application version is made, and what each is when it is not given.
_OF_A_VERSION = {
    "platform": [],
    "all": False,
    "key": [],
    "unsigned": False,
    "revoked": [],
    "app_version": None,
    "interpreter": "auto",
    "python_version": None,
    "requirement": [],
    "package": [],
    "prefer": None,
}


@dataclass(frozen=True)
class Wanted:
    """What is to be brought about.

    Attributes:
        mode: folder changes what the assimilator and the validator do, and makes no application version.
        task_dir: of the assimilator, absolute.
        quorum: equal results that a task needs; None leaves it as it is.
        version: of the application, such as 1.04; "" with mode folder.
        platforms: for which it is built. optional: those that are left out if they cannot be built here.
        trust, revoked: as in the packager's Recipe.
        python: other fields of the Recipe.
    """

    mode: Mode
    task_dir: Path
    quorum: int | None
    version: str = ""
    platforms: tuple[Platform, ...] = ()
    optional: frozenset[str] = frozenset()
    trust: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()
    python: dict[str, Any] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        """The public keys whose tasks volunteers will run."""
        return tuple(key for key in self.trust if task_keys.id_of(key) not in self.revoked)


def settle(options: argparse.Namespace, home: ServerHome, state: State) -> Wanted:
    """What these options ask of this project. Raises ProjectError, PackagerError or PlatformError."""
    if options.quorum is not None and not 1 <= options.quorum <= MAX_QUORUM:
        raise ProjectError(f"--quorum {options.quorum}: it must be from 1 to {MAX_QUORUM}")
    task_dir = _task_dir(options.pymw, home)
    if state.installed and not options.upgrade:
        _refuse_version_options(options)
        return Wanted("folder", task_dir, options.quorum)
    platforms, optional = _platforms(options, state)
    trust, revoked = _trust(options, state)
    previous = state.facts.min_quorum if state.facts else 1
    return Wanted(
        mode="upgrade" if state.installed else "install",
        task_dir=task_dir,
        quorum=options.quorum or previous,
        version=_version(options.app_version, state, {platform.name for platform in platforms}),
        platforms=platforms,
        optional=optional,
        trust=trust,
        revoked=revoked,
        python=python_options.read(options),
    )


def _task_dir(given: Path | None, home: ServerHome) -> Path:
    """The folder, absolute and without links, so that it means the same to a daemon that runs elsewhere."""
    task_dir = given.expanduser().resolve() if given else home.task_dir
    if not str(task_dir).isprintable():
        raise ProjectError(f"the name {str(task_dir)!r} has characters that config.xml cannot hold")
    if task_dir.exists() and not task_dir.is_dir():
        raise ProjectError(f"{task_dir} is no folder: name one that is, or none that is there yet")
    inside = [home.folder / name for name in ("apps", "html", "bin")] + [home.download_dir, home.upload_dir]
    for folder in inside:
        if task_dir.is_relative_to(folder.resolve()):
            raise ProjectError(f"{task_dir} is in {folder}, which is BOINC's own: name a folder elsewhere")
    return task_dir


def _refuse_version_options(options: argparse.Namespace) -> None:
    given = [name for name, without in _OF_A_VERSION.items() if getattr(options, name) != without]
    if given:
        raise ProjectError(
            f"the project has the application already, and --{given[0].replace('_', '-')} is for a new "
            "version of it: add --upgrade"
        )


def _platforms(options: argparse.Namespace, state: State) -> tuple[tuple[Platform, ...], frozenset[str]]:
    known = {platform.name for platform in all_platforms()}
    names = [*DEFAULT_PLATFORMS, *options.platform]
    names += [name for name in state.current() if name in known]  # else those would stay behind
    optional = known - set(names) if options.all else set()
    names += sorted(optional)
    return tuple(load(name) for name in dict.fromkeys(names)), frozenset(optional)


def _trust(options: argparse.Namespace, state: State) -> tuple[tuple[str, ...], tuple[str, ...]]:
    revoked = tuple(dict.fromkeys(task_keys.key_id(given) for given in options.revoked))
    if options.unsigned:
        if revoked:
            raise ProjectError("--revoked and --unsigned exclude each other: nobody's key is asked for")
        return (), ()
    if options.key:
        trust = tuple(dict.fromkeys(task_keys.read_public(path) for path in options.key))
    elif state.facts and state.facts.task_keys:
        trust = state.facts.task_keys
    else:
        trust = (_default_key(),)
    if not {task_keys.id_of(key) for key in trust} - set(revoked):
        raise ProjectError("all keys are revoked, so that no task would run: name another with --key")
    return trust, revoked


def _default_key() -> str:
    path = key_files.path_of().with_suffix(".pub")
    if not path.exists():
        raise ProjectError(
            f"there is no task key {path}: make one with `pymw keys create` where your programs run, and "
            "name its public half with --key FILE.pub (--unsigned lets volunteers run what nobody has signed)"
        )
    return key_files.read_public(path).public.hex()


def _version(given: str | None, state: State, platforms: set[str]) -> str:
    """The version to be made: the one that was asked for, one that a killed setup has left, or the next."""
    begun = _is_begun(state, platforms)
    if given is None:
        return text_of(state.newest if begun else max(state.newest + 1, FIRST_VERSION))
    try:
        version = normal_version(given)
    except PackagerError as error:
        raise ProjectError(f"--app-version {error}") from error
    there = max((row.version_num for row in state.rows), default=0)
    if version_num(version) < there or (version_num(version) == there and not begun):
        raise ProjectError(
            f"the project has version {text_of(there)}, and volunteers get the highest one: "
            f"give --app-version {text_of(state.newest + 1)} or leave it out"
        )
    return version


def _is_begun(state: State, platforms: set[str]) -> bool:
    """Whether the newest version is one that a setup has not come to the end of."""
    number = state.newest
    folders = {platform for version, platform in state.folders if version == number} & platforms
    rows = {platform: state.row(number, platform) for platform in platforms}
    added = {platform: row for platform, row in rows.items() if row}
    if not folders or added.keys() - folders or not all(row.signed for row in added.values()):
        return False
    # The facts are written last.
    finished = state.facts and all(state.facts_time >= row.created for row in added.values())
    return bool(folders - added.keys()) or not finished


def text_of(number: int) -> str:
    """The version of this number, such as 1.04 of 104."""
    return f"{number // 100}.{number % 100:02d}"
