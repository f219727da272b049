"""What of PyMW a project has already: in its database, in apps/, and in its files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pymw_packager.errors import PackagerError
from pymw_packager.names import APP, normal_version, version_num

from pymw.errors import ProjectError
from pymw.server.database import Database
from pymw.server.facts import Facts, read
from pymw.server.home import ServerHome

_NAME = re.compile(r"<file_name>\s*([^<\s]+)\s*</file_name>")
_SIGNATURE = re.compile(r"<file_signature>([^<]*)</file_signature>")


@dataclass(frozen=True)
class Row:
    """A row of app_version.

    created: unix time. files: physical names. signed: each has a signature, without which clients refuse it;
    update_versions adds it all the same. plain: of no plan class.
    """

    id: int
    version_num: int
    platform: str
    created: int
    deprecated: bool
    files: frozenset[str]
    signed: bool
    plain: bool


@dataclass(frozen=True)
class State:
    """What there is.

    Attributes:
        app: whether the database has the application.
        deprecated: whether volunteers get no tasks of it any more.
        rows: its versions in the database.
        folders: apps/pymw/VERSION/PLATFORM, as pairs of number and platform.
        platforms, apps: names that the database knows.
        facts: what the last setup that came to its end has installed; None: there was none.
        facts_time: when that was, unix time.
    """

    app: bool
    deprecated: bool
    rows: tuple[Row, ...]
    folders: frozenset[tuple[int, str]]
    platforms: frozenset[str]
    apps: frozenset[str]
    facts: Facts | None
    facts_time: float

    @property
    def installed(self) -> bool:
        """Whether a setup has come to its end."""
        return self.app and bool(self.rows) and self.facts is not None

    @property
    def newest(self) -> int:
        """The highest version that there is anywhere; 0: none."""
        numbers = {row.version_num for row in self.rows} | {number for number, _ in self.folders}
        return max(numbers, default=0)

    def row(self, number: int, platform: str) -> Row | None:
        """The row of this version."""
        found = (r for r in self.rows if (r.version_num, r.platform, r.plain) == (number, platform, True))
        return next(found, None)

    def current(self) -> dict[str, Row]:
        """What each platform's volunteers get: of its versions that are not deprecated the highest."""
        offered = (row for row in self.rows if not row.deprecated and row.plain)
        return {row.platform: row for row in sorted(offered, key=lambda row: row.version_num)}


def look(home: ServerHome, database: Database) -> State:
    """What there is now. Raises ProjectError."""
    apps = database.rows("SELECT name, id, deprecated FROM app")
    mine = next((row for row in apps if row[0] == APP), None)
    facts = read(home.facts) if home.facts.exists() else None
    return State(
        app=mine is not None,
        deprecated=bool(mine and mine[2]),
        rows=_rows(database, mine[1]) if mine else (),
        folders=frozenset(_folders(home.folder / "apps" / APP)),
        platforms=frozenset(name for (name,) in database.rows("SELECT name FROM platform")),
        apps=frozenset(str(row[0]) for row in apps),
        facts=facts,
        facts_time=home.facts.stat().st_mtime if facts else 0.0,
    )


def _rows(database: Database, app: int) -> tuple[Row, ...]:
    found = database.rows(
        "SELECT v.id, v.version_num, p.name, v.create_time, v.deprecated, v.xml_doc, v.plan_class "
        "FROM app_version v JOIN platform p ON p.id = v.platformid WHERE v.appid = %s",
        (app,),
    )
    rows = []
    for row_id, number, platform, created, deprecated, xml, plan_class in found:
        text = (xml or b"").decode("utf-8", "replace")
        files, signatures = frozenset(_NAME.findall(text)), [s for s in _SIGNATURE.findall(text) if s.strip()]
        signed = len(signatures) >= len(files) > 0
        rows.append(Row(row_id, number, platform, created, bool(deprecated), files, signed, not plan_class))
    return tuple(rows)


def _folders(app: Path) -> set[tuple[int, str]]:
    try:
        pairs = [(path.parent.name, path.name) for path in app.glob("[!.]*/[!.]*") if path.is_dir()]
    except OSError as error:
        raise ProjectError(f"{app} cannot be read: {error.strerror}") from error
    found = set()
    for version, platform in pairs:
        try:
            found.add((version_num(normal_version(version)), platform))
        except PackagerError:
            continue  # BOINC passes over it, too
    return found
