"""Does what BOINC's create_work does with --stdin, as it was measured on a real server, faults included.

python played_create_work.py --appname NAME --stdin, in the project's folder. It takes nothing from pymw: a
program that is started for each submission must start soon, and what it knows it knows by itself.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pymysql

BUFFER = 4096  # of which a line may fill all but two bytes
FLUSH = 1_000_000  # bytes of a statement
_WORDS = ("wu_name", "wu_template", "result_template", "command_line", "priority")
_PLAIN = (
    "rsc_fpops_est",
    "rsc_fpops_bound",
    "rsc_memory_bound",
    "rsc_disk_bound",
    "delay_bound",
    "min_quorum",
    "target_nresults",
    "max_error_results",
    "max_total_results",
    "max_success_results",
)


@dataclass
class Config:
    """A project's folder, and the entries of its config.xml."""

    project: Path
    entries: dict[str, str]

    @classmethod
    def read(cls, project: Path) -> Config:
        """The configuration of the project in this folder."""
        found = ET.parse(project / "config.xml").find("config")
        assert found is not None
        return cls(project, {each.tag: (each.text or "").strip() for each in found})


def split(line: str) -> list[str]:
    """Words of a line as BOINC splits it, on the server and in clients: quotes group, nothing escapes."""
    words, at = list[str](), 0
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        quote = line[at] if line[at] in "'\"" else ""
        start = at + len(quote)
        # The first character between quotes is not looked at: an empty word does not end.
        found = line.find(quote, start + 1) if quote else re.compile(r"\s|$").search(line, start).start()  # type: ignore[union-attr]
        end = len(line) if found < 0 else found
        words.append(line[start:end])
        at = end + 1
    return words


def main(arguments: list[str]) -> None:
    """Read jobs, one a line, and insert them."""
    if arguments[:1] != ["--appname"] or arguments[2:] != ["--stdin"]:
        fail(f"create_work: bad argument '{arguments[0] if arguments else ''}'")
    config = Config.read(Path(os.environ.get("BOINC_PROJECT_DIR", ".")))
    try:
        database = pymysql.connect(
            unix_socket=os.environ["MYSQL_UNIX_PORT"],
            user=config.entries["db_user"],
            password=config.entries["db_passwd"],
            database=config.entries["db_name"],
            autocommit=True,
        )
    except pymysql.Error:
        fail("create_work: error opening database: database error")
    with database, database.cursor() as cursor:
        cursor.execute("SELECT id FROM app WHERE name = %s", (arguments[1],))
        app = cursor.fetchone()
        if app is None:
            fail("create_work: app not found")
        rows = list[str]()
        for line in sys.stdin.buffer:
            if len(line) >= BUFFER - 1:
                fail("fgets() buffer was too small")
            rows += job(config, app[0], line.decode("latin-1"))
            if sum(map(len, rows)) > FLUSH:
                insert(cursor, rows)
        insert(cursor, rows)


def job(config: Config, app: int, line: str) -> list[str]:
    """The values of a row, in a list; an empty one if nothing is made, which is no error."""
    found, files = dict.fromkeys(_WORDS, ""), list[tuple[str, ...]]()
    words = iter(split(line))
    for word in words:
        name = word.lstrip("-")
        if word.startswith("-") and name in _WORDS:
            found[name] = next(words)
        elif word.startswith("-") and name == "remote_file":
            files.append((next(words), next(words), next(words)))
        elif word.startswith("-"):
            fail(f"create_work: bad stdin argument '{word}'")
        else:
            files.append((word,))
    try:
        template = Path(found["wu_template"]).read_text()
    except OSError:
        fail(f"Can't read WU template {found['wu_template']}")
    document = xml_doc(config, template, files, found["command_line"])
    if not (config.project / found["result_template"]).exists():
        print(f"create_work: result template file {found['result_template']} doesn't exist", file=sys.stderr)
        return []
    if len(found["result_template"]) > 63:
        fail("result template filename is too big")
    plain = ", ".join(re.search(f"<{name}>([0-9.e]+)<", template)[1] for name in _PLAIN)  # type: ignore[index]
    now = int(time.time())
    # As it does it: nothing is escaped.
    return [
        f"({now}, {app}, '{found['wu_name']}', '{document}', {now}, '{found['result_template']}',"
        f" {found['priority'] or 0}, {plain})"
    ]


def xml_doc(config: Config, template: str, files: list[tuple[str, ...]], command_line: str) -> str:
    """What is sent to clients of a workunit."""
    infos = re.findall(r"<file_info>\n(.*?)</file_info>", template, re.DOTALL)
    references = re.findall(r"<file_ref>\n(.*?)</file_ref>", template, re.DOTALL)
    if len(infos) != len(files) or len(references) != len(infos):
        fail(f"process_input_template: {len(files)} input files given, but template has {len(infos)}")
    text, names = "", list[str]()
    for info, file in zip(infos, files, strict=True):
        name, url, nbytes, md5 = _described(config, file)
        names.append(name)
        text += f"<file_info>\n{info}    <name>{name}</name>\n    <url>{url}</url>\n"
        text += f"    <md5_cksum>{md5}</md5_cksum>\n    <nbytes>{nbytes}</nbytes>\n</file_info>\n"
    text += f"<workunit>\n<command_line>\n{command_line}\n</command_line>\n"
    for name, reference in zip(names, references, strict=True):
        text += f"<file_ref>\n    <file_name>{name}</file_name>\n{reference}</file_ref>\n"
    return text + "</workunit>"


def insert(cursor: pymysql.cursors.Cursor, rows: list[str]) -> None:
    """One statement for all; they are gone from the list then."""
    if not rows:
        return
    columns = (
        "create_time",
        "appid",
        "name",
        "xml_doc",
        "transition_time",
        "result_template_file",
        "priority",
    )
    try:
        cursor.execute(f"INSERT INTO workunit ({', '.join(columns + _PLAIN)}) VALUES {','.join(rows)}")
    except pymysql.Error as error:
        fail(f"wu.insert_batch() failed: -1\nMySQL error: {error.args[-1]}")
    rows.clear()


def fail(words: str) -> NoReturn:
    """End as it does."""
    print(words, file=sys.stderr)
    sys.exit(1)


def _described(config: Config, file: tuple[str, ...]) -> tuple[str, str, str, str]:
    if len(file) == 3:
        return (f"jf_{file[2]}", *file)
    digits = hashlib.md5(file[0].encode()).hexdigest()[1:8]
    place = f"{int(digits, 16) % int(config.entries['uldl_dir_fanout']):x}/{file[0]}"
    path = Path(config.entries["download_dir"]) / place
    try:
        data = path.read_bytes()
    except OSError:
        fail(f"md5_file: can't open {path}\ncreate_work() failed: -108")
    return file[0], f"{config.entries['download_url']}/{place}", str(len(data)), hashlib.md5(data).hexdigest()


if __name__ == "__main__":
    main(sys.argv[1:])
