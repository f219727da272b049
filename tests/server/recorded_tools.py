"""What programs in a stock project's bin/ do, as it was measured on BOINC 8.3: words, effects, exit statuses.

MadeProject puts a script for each into bin/. They exit 0 on nearly every failure, as the real ones do.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import socket
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from pymw.errors import ProjectError
from pymw.server.database import Database
from pymw.server.home import ServerHome

NAMES = ("xadd", "update_versions", "start", "stop")
# Prints a signature; to say that it cannot, it uses stderr and exit status 1.
SIGN_EXECUTABLE = """
if [ "$(head -c 4 "$2")" != 1024 ]; then
    echo "can't parse key" >&2
    exit 1
fi
digest=$(sha256sum "$1" | cut -c 1-64)
printf '%s\\n' "$digest" "$digest" "$digest" "$digest" .
"""
# What a daemon is here: it waits in its folder until it is told to end, for a minute at most.
_DAEMON = "import signal, time; signal.signal(signal.SIGHUP, lambda *_: exit()); time.sleep(60)"


def _die(words: str) -> NoReturn:
    """PHP's die: the words, and exit status 0."""
    print(words)
    sys.exit(0)


def _database() -> Database:
    try:
        return Database(ServerHome.open(Path.cwd()).database)
    except ProjectError:
        print("BoincDb::get_aux(): Couldn't connect to DB 0\n")
        print("PHP Fatal error:  Uncaught Error: Call to undefined function error_page() in boinc_db.inc:126")
        sys.exit(255)


def xadd(_arguments: list[str]) -> None:
    """Puts the platforms and applications of project.xml into the database."""
    database = _database()
    root = ET.parse("project.xml").getroot()
    for table in ("platform", "app"):
        for element in root.findall(table):
            name, friendly = element.findtext("name", ""), element.findtext("user_friendly_name", "")
            if database.rows(f"SELECT id FROM {table} WHERE name = %s", (name,)):
                print(f"{table} {name} already in DB")
                continue
            columns = "(create_time, name, user_friendly_name)"
            database.change(
                f"INSERT INTO {table} {columns} VALUES (UNIX_TIMESTAMP(), %s, %s)",
                (name, friendly),
            )
            print(f"added {table}: {columns} values (1795582048, '{name}', '{friendly}')")
    database.close()


def update_versions(arguments: list[str]) -> None:
    """Puts apps/NAME/VERSION/PLATFORM into the database."""
    database = _database()
    for argument in arguments:
        if argument != "--noconfirm":
            _die(f"unknown arg {argument}")
    for app in sorted(Path("apps").iterdir()):
        found = database.rows("SELECT id FROM app WHERE name = %s", (app.name,))
        if not found:
            _die(f"app not found: {app.name}")
        for version in sorted(app.glob("[!.]*")):
            major, dot, minor = version.name.partition(".")
            if not (dot and major.isdigit() and minor.isdigit()):
                print(f"{version.name} is not a version number; skipping")
                continue
            for folder in sorted(version.glob("[!.]*")):
                _add_version(database, found[0][0], 100 * int(major) + int(minor), folder)
    database.close()
    Path("reread_db").touch()


def _add_version(database: Database, app: int, number: int, folder: Path) -> None:
    platform = database.rows("SELECT id FROM platform WHERE name = %s", (folder.name,))
    if not platform:
        print(f"         no such platform: {folder.name}")
        return
    key = (app, number, platform[0][0])
    same = "SELECT id FROM app_version WHERE appid = %s AND version_num = %s AND platformid = %s"
    if database.rows(same, key):
        return
    infos, refs = [], []
    names = [name.text or "" for name in ET.parse(folder / "version.xml").iter("physical_name")]
    for name in names:
        infos.append(f"<file_info>\n<name>{name}</name>\n{_signature(folder, name)}</file_info>\n")
        refs.append(f"<file_ref>\n    <file_name>{name}</file_name>\n</file_ref>\n")
        _stage(folder / name)
    document = "".join([*infos, "<app_version>\n", *refs, "</app_version>\n"])
    database.change(
        "INSERT INTO app_version (create_time, appid, version_num, platformid, xml_doc, plan_class) "
        "VALUES (UNIX_TIMESTAMP(), %s, %s, %s, %s, '')",
        (*key, document),
    )
    print(f"    App version added successfully; ID={database.rows(same, key)[0][0]}")


def _signature(folder: Path, name: str) -> str:
    """Taken from FILE.sig, or made; a key that cannot be read makes an empty one, and that is all."""
    beside, key = folder / f"{name}.sig", Path("keys/code_sign_private")
    if beside.exists():
        signature = beside.read_text(encoding="ascii")
    elif key.exists():
        command = ["bin/sign_executable", str(folder / name), str(key)]
        signature = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout
    else:
        _die(f"   Error: no .sig file for {name}, and no code signing private key")
    return f"<file_signature>\n{signature}</file_signature>\n"


def _stage(path: Path) -> None:
    there = Path("download", path.name)
    if not there.exists():
        shutil.copy(path, there)
    elif hashlib.md5(there.read_bytes()).digest() != hashlib.md5(path.read_bytes()).digest():
        _die(f"Error: files {path} and {there} differ.\nBOINC files are immutable.\nGive it a new name.")


def start(_arguments: list[str]) -> None:
    """Starts the daemons whose host this is; else it says so, and exits 0."""
    name = socket.gethostname().split(".")[0]
    root = ET.parse("config.xml").getroot()
    if root.findtext("config/host", "").strip() != name:
        _die("No daemons for this host found - check host name in config.xml")
    for folder in ("pid", "tmp", "log"):
        Path(f"{folder}_{name}").mkdir(exist_ok=True)
    for daemon in root.findall("daemons/daemon"):
        words = shlex.split(daemon.findtext("cmd", ""))
        process = subprocess.Popen(
            [sys.executable, "-c", _DAEMON, *words],
            cwd=f"tmp_{name}",
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        file = daemon.findtext("pid_file") or f"{words[0]}.pid"
        Path(f"pid_{name}", file).write_text(f"{process.pid}\n", encoding="ascii")
    for mark in ("stop_daemons", "stop_sched"):
        Path(mark).unlink(missing_ok=True)


def stop(_arguments: list[str]) -> None:
    """Tells the daemons to end, and does not wait for it."""
    for mark in ("stop_daemons", "stop_sched"):
        Path(mark).write_text("<stop/>\n", encoding="ascii")
    for path in Path.cwd().glob("pid_*/*.pid"):
        try:
            os.kill(int(path.read_text(encoding="ascii")), 1)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    tools: dict[str, Callable[[list[str]], None]] = {
        each.__name__: each for each in (xadd, update_versions, start, stop)
    }
    tools[sys.argv[1]](sys.argv[2:])
