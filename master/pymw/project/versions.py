"""App versions: taken from the folders that pymw-package built, signed, and chosen for a client."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pymw_packager import check, launcher_config, names, version_xml
from pymw_packager.errors import PackagerError

from pymw.errors import ProjectConflict, ProjectError
from pymw.project import layout, signing
from pymw.project.keys import PrivateKey
from pymw.project.layout import Layout

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class AppFile:
    """A file of an app version; signature: of its bytes, with the project's key."""

    name: str
    nbytes: int
    sha256: str
    signature: str


@dataclass(frozen=True, slots=True)
class AppVersion:
    """An app version. files: the first is the main program."""

    id: int
    platform: str
    version_num: int
    api_version: str
    files: tuple[AppFile, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """An app version whose files are where clients get them, and which is not handed out yet."""

    platform: str
    version_num: int
    api_version: str
    files: tuple[AppFile, ...]


def prepare(place: Layout, folder: Path, key: PrivateKey) -> Prepared:
    """Check, copy and sign the files of the app version in `…/pymw/VERSION/PLATFORM`.

    Files whose signature lies beside them (NAME.sig, made elsewhere) keep it. Raises ProjectError.
    """
    try:
        version_num = names.version_num(names.normal_version(folder.parent.name))
        version = version_xml.read(folder / names.VERSION_XML)
        verdict = check.check(folder)
    except PackagerError as error:
        raise ProjectError(str(error).rstrip(".")) from error
    if verdict.faults:
        raise ProjectError(f"{folder} is no good app version: {verdict.faults[0].rstrip('.')}")
    files = tuple(_file(place, folder / name, key) for name in version.files)
    return Prepared(folder.name, version_num, version.api_version, files)


def require_trust(folder: Path) -> None:
    """Raise ProjectError if the app version in this folder would run tasks that nobody has signed."""
    try:
        found = [launcher_config.read(path) for path in sorted(folder.glob("*.conf"))]
    except PackagerError as error:
        raise ProjectError(str(error).rstrip(".")) from error
    if not any(config.trust for config in found):
        raise ProjectError(
            f"the app version in {folder} trusts no task key, so that whoever gets hold of the server could "
            "run anything on the volunteers' computers: build it with pymw-package --key "
            "PROJECT/keys/task.pub, or set unsigned = true in pymw_project.toml"
        )


def record(db: sqlite3.Connection, made: Prepared, now: float) -> bool:
    """Hand an app version out from now on; False if it is there already. Belongs into a transaction."""
    known = db.execute(
        "SELECT id FROM app_version WHERE platform = ? AND version_num = ?", (made.platform, made.version_num)
    ).fetchone()
    if known is not None:
        rows = db.execute("SELECT name, sha256 FROM app_file WHERE app_version = ?", (known["id"],))
        if {(row["name"], row["sha256"]) for row in rows} != {
            (each.name, each.sha256) for each in made.files
        }:
            raise ProjectConflict(
                f"the project has another app version {made.version_num} for {made.platform} already: build "
                "with a higher --app-version"
            )
        return False
    identity = db.execute(
        "INSERT INTO app_version (platform, version_num, api_version, created) VALUES (?, ?, ?, ?)",
        (made.platform, made.version_num, made.api_version, now),
    ).lastrowid
    db.executemany(
        "INSERT INTO app_file VALUES (?, ?, ?, ?, ?, ?)",
        [
            (identity, at, each.name, each.nbytes, each.sha256, each.signature)
            for at, each in enumerate(made.files)
        ],
    )
    return True


def all_versions(db: sqlite3.Connection) -> list[AppVersion]:
    """All app versions, the newest of a platform first."""
    files: dict[int, list[AppFile]] = {}
    for row in db.execute("SELECT * FROM app_file ORDER BY app_version, position"):
        file = AppFile(row["name"], row["nbytes"], row["sha256"], row["signature"])
        files.setdefault(row["app_version"], []).append(file)
    rows = db.execute("SELECT * FROM app_version ORDER BY version_num DESC")
    return [
        AppVersion(
            row["id"],
            row["platform"],
            row["version_num"],
            row["api_version"],
            tuple(files.get(row["id"], ())),
        )
        for row in rows
    ]


def choose(versions: Sequence[AppVersion], platforms: Sequence[str]) -> AppVersion | None:
    """The newest version for the first of a client's platforms that has one; None if there is none."""
    for platform in platforms:
        for version in versions:
            if version.platform == platform:
                return version
    return None


def _file(place: Layout, source: Path, key: PrivateKey) -> AppFile:
    """Copy a file to where clients get it, and sign it."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    target = place.download(source.name)
    try:
        with source.open("rb") as file:
            while piece := file.read(_CHUNK):
                md5.update(piece)
                sha256.update(piece)
                size += len(piece)
        if target.exists():
            if hashlib.sha256(target.read_bytes()).digest() != sha256.digest():
                raise ProjectConflict(
                    f"the project has another file {source.name} already, and BOINC never takes a second one "
                    "of the same name: build with a higher --app-version"
                )
        else:
            with source.open("rb") as file:
                layout.write(target, iter(lambda: file.read(_CHUNK), b""))
            shutil.copymode(source, target)
        beside = source.with_name(source.name + ".sig")
        made_elsewhere = beside.read_text("ascii") if beside.exists() else ""
        signature = made_elsewhere or signing.sign_digest(md5.hexdigest(), key)
    except (OSError, ValueError) as error:
        raise ProjectError(f"{source} cannot be added to the project: {error}") from error
    return AppFile(source.name, size, sha256.hexdigest(), signature.strip() + "\n")
