"""The steps of a setup. Each can be done again without harm, and counts as done when its effect is seen."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pymw_packager import app_version
from pymw_packager.app_version import Recipe
from pymw_packager.client_process import dies_with_us
from pymw_packager.errors import PackagerError
from pymw_packager.names import APP, launcher_name, version_num
from pymw_packager.progress import Progress
from pymw_platforms import Platform
from rich.filesize import decimal

from pymw.errors import ProjectError
from pymw.server.database import Database
from pymw.server.facts import Facts, read
from pymw.server.home import ASSIMILATOR, ServerHome
from pymw.server.setup import daemons, project_xml, rewriting, tools
from pymw.server.setup.preflight import MODULE
from pymw.server.setup.state import State, look
from pymw.server.setup.wanted import Wanted
from pymw.server.setup.xml_text import XmlText
from pymw.server.task_folder import TaskFolder

_PATIENCE = 60  # seconds for an assimilator to say its --help


@dataclass(frozen=True)
class Step:
    """what: will be done, in words. do: does it, sees that it is done, and says what was seen."""

    what: str
    do: Callable[[], str]


class Setup:
    """All that one call does. The XML files are changed in memory at first: so their faults show early."""

    def __init__(
        self, home: ServerHome, database: Database, state: State, wanted: Wanted, progress: Progress
    ) -> None:
        """Raises ProjectError if config.xml or project.xml cannot be changed."""
        self._home, self._database, self._wanted, self._progress = home, database, wanted, progress
        self._state = state
        self._config = _read(home.folder / "config.xml")
        self.project = _read(home.folder / "project.xml")
        self._new_daemons = daemons.give(self._config, wanted.task_dir, wanted.quorum)
        unknown = [platform for platform in wanted.platforms if platform.name not in state.platforms]
        self._new_entries = project_xml.give(self.project, unknown) if wanted.mode != "folder" else []
        self._built: list[Platform] = []

    def steps(self) -> Iterator[Step]:
        """What is to be done, in order."""
        wanted = self._wanted
        yield Step(f"the task folder {wanted.task_dir}", self._make_task_dir)
        yield Step(f"bin/{ASSIMILATOR}", self._put_assimilator)
        yield Step(_change("config.xml", self._new_daemons), self._write_config)
        if wanted.mode != "folder":
            yield Step(_change("project.xml", self._new_entries), self._write_project)
            yield Step(f"the folder apps/{APP}/{wanted.version}", self._make_version)
            for platform in wanted.platforms:
                yield Step(
                    f"the application for {platform.title} ({platform.name})",
                    lambda platform=platform: self._build(platform),  # type: ignore[misc]
                )
            yield Step("bin/xadd, which puts the application into the database", self._add_application)
            yield Step("bin/update_versions, which gives it to volunteers", self._add_versions)
        if wanted.mode != "folder" or wanted.quorum is not None:
            yield Step("html/user/pymw.json, which tells programs about it", self._write_facts)

    def _make_task_dir(self) -> str:
        folder = TaskFolder(self._wanted.task_dir)
        was_there = folder.path.is_dir()
        folder.make()
        folder.check()
        return "is there" if was_there else "made"

    def _put_assimilator(self) -> str:
        path = self._home.folder / "bin" / ASSIMILATOR
        # bin/start puts bin/ first into PATH and starts daemons by their name; PyMW is installed elsewhere.
        text = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m {MODULE} "$@"\n'
        new = rewriting.put_program(path, text)
        check_assimilator(path)
        return f"{'written' if new else 'is there'}; it runs {sys.executable}"

    def _write_config(self) -> str:
        said = self._write(self._config, self._new_daemons, "config.xml")
        found = ServerHome.open(self._home.folder).task_dir
        if found != self._wanted.task_dir:
            raise ProjectError(f"config.xml gives the assimilator {found}")
        return said

    def _write_project(self) -> str:
        return self._write(self.project, self._new_entries, "project.xml")

    def _write(self, text: XmlText, changes: list[str], name: str) -> str:
        if not changes:
            return "is there"
        backup = rewriting.rewrite(self._home.folder / name, text.data)
        return f"written; the old one is {backup.name}"

    def _make_version(self) -> str:
        folder = self._home.folder / "apps" / APP / self._wanted.version
        there = folder.is_dir()
        folder.mkdir(parents=True, exist_ok=True)
        return "is there" if there else "made"

    def _build(self, platform: Platform) -> str:
        wanted = self._wanted
        recipe = Recipe(
            platform=platform,
            version=wanted.version,
            trust=wanted.trust,
            revoked=wanted.revoked,
            **wanted.python,
        )
        try:
            built = app_version.build(recipe, self._home.folder / "apps", self._progress)
        except PackagerError as error:
            if platform.name in wanted.optional:
                return f"left out, since it cannot be built here: {str(error).rstrip('.')}"
            raise
        self._built.append(platform)
        python = f"Python {built.python}" if built.python else "a Python of the volunteer's"
        return f"{'is there' if built.unchanged else 'built'}; {decimal(built.download)}, {python}"

    def _add_application(self) -> str:
        wanted = {APP} | {platform.name for platform in self._built}
        there = self._known()
        if wanted <= there:
            return "it is there"
        output = tools.run(self._home.folder, "xadd")
        missing = sorted(wanted - self._known())
        if missing:
            raise ProjectError(f"it has not added {missing[0]}, and said: {tools.said(output)}")
        return f"added {', '.join(sorted(wanted - there))}"

    def _known(self) -> set[str]:
        names = self._database.rows("SELECT name FROM app UNION SELECT name FROM platform")
        return {str(name) for (name,) in names}

    def _add_versions(self) -> str:
        number = version_num(self._wanted.version)
        before = look(self._home, self._database)
        output = tools.run(self._home.folder, "update_versions", "--noconfirm")
        after = look(self._home, self._database)
        claimed, seen = tools.added_versions(output), []
        for platform in self._built:
            row = after.row(number, platform.name)
            new = not before.row(number, platform.name)
            if row is None or (new and row.id not in claimed):
                raise ProjectError(f"it has not added {platform.name}, and said: {tools.said(output)}")
            if launcher_name(self._wanted.version, platform) not in row.files:
                raise ProjectError(f"in the database, this version for {platform.name} is another program")
            if not row.signed:
                raise ProjectError(f"it has added {platform.name} without signatures: {tools.said(output)}")
            seen.append(f"{platform.name} {'added' if new else 'is there'} with ID {row.id}")
        return ", ".join(seen)

    def _write_facts(self) -> str:
        wanted, path = self._wanted, self._home.facts
        old = self._state.facts
        keys = wanted.keys if wanted.mode != "folder" or old is None else old.task_keys
        facts = Facts(APP, keys, wanted.quorum or (old.min_quorum if old else 1))
        facts.write(path)
        if read(path) != facts:
            raise ProjectError(f"{path} does not hold what was written")
        keys_said = f"{len(keys)} task key{'s' * (len(keys) != 1)}" if keys else "unsigned tasks"
        return f"written; {keys_said}, quorum {facts.min_quorum}"


def check_assimilator(program: Path) -> None:
    """See that bin/pymw_assimilator starts. Raises ProjectError."""
    try:
        done = subprocess.run(
            [*dies_with_us(), program, "--help"],
            cwd=program.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except OSError as error:
        raise ProjectError(f"{program} cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ProjectError(f"{program} --help did not end within {_PATIENCE} s") from error
    if done.returncode != 0:
        raise ProjectError(f"{program} does not run: {tools.said(done.stdout)}")


def _read(path: Path) -> XmlText:
    try:
        return XmlText(path.read_bytes(), str(path))
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}") from error


def _change(name: str, changes: list[str]) -> str:
    return f"{name}, where {', '.join(changes)}" if changes else f"{name}, where nothing changes"
