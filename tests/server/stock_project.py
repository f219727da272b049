"""A folder and a database that look like a project of the stock BOINC server; no BOINC program is in it."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from pymw.server.database import Database
from pymw.server.home import DatabaseAccess, ServerHome
from pymw.server.task_folder import TaskFolder
from pymw_worker import names

CONFIG = """<boinc>
  <config>
    <host>host</host>
    <db_name>{name}</db_name>
    <db_user>{user}</db_user>
    <db_passwd>{password}</db_passwd>
    <db_host>{db_host}</db_host>
    <master_url>http://127.0.0.1/sandbox/</master_url>
    <download_url>http://127.0.0.1/sandbox/download</download_url>
    <download_dir>{folder}/download</download_dir>
    <upload_dir>{folder}/upload</upload_dir>
    <uldl_dir_fanout>1024</uldl_dir_fanout>
  </config>
  <daemons>
    <daemon>
      <cmd>pymw_assimilator -d 3 --app pymw --sleep_interval 1 -p {task_dir}</cmd>
    </daemon>
  </daemons>
</boinc>
"""

CREATE_WORK = """#!/bin/sh
exec '{python}' '{program}' "$@"
"""

FILE_REF = """    <file_ref>
        <file_name>{name}</file_name>
        <open_name>{logical}</open_name>
        <copy_file/>
    </file_ref>
"""
FILE_INFO = """<file_info>
    <name>{name}</name>
    <nbytes>{nbytes:f}</nbytes>
    <max_nbytes>67108864.000000</max_nbytes>
    <md5_cksum>{md5}</md5_cksum>
    <status>1</status>
</file_info>
"""


def install_create_work(home: ServerHome) -> None:
    """Put into the project's bin/ what plays BOINC's create_work."""
    path = home.folder / "bin" / "create_work"
    program = Path(__file__).with_name("played_create_work.py")
    path.write_text(CREATE_WORK.format(python=sys.executable, program=program))
    path.chmod(0o755)


@dataclass(frozen=True)
class Attempt:
    """A result that is over. files: what it uploaded, by logical name."""

    outcome: int = 1
    exit_status: int = 0
    stderr: bytes = b""
    host: int = 7
    files: dict[str, bytes] = field(default_factory=dict)
    validate_state: int = 1


class StockProject:
    """Rows of the database, and the files that belong to them.

    Attributes:
        home: the project's folder. task_dir, tasks: of the assimilator. database: to look into.
        app, app_version: ids of the application and of its only version, for windows_intelx86.
    """

    def __init__(self, folder: Path, access: DatabaseAccess) -> None:
        self.task_dir = folder / "tasks"
        self.tasks = TaskFolder(self.task_dir)
        self.tasks.make()
        project = folder / "project"
        for name in ("upload", "download", "templates", "tmp_host", "html/user", "bin"):
            (project / name).mkdir(parents=True)
        config = CONFIG.format(
            name=access.name,
            user=access.user,
            password=escape(access.password),
            db_host=access.host,
            folder=project,
            task_dir=self.task_dir,
        )
        (project / "config.xml").write_text(config, encoding="utf-8")
        self.home = ServerHome.open(project)
        self.database = Database(access)
        self.app = self.insert("app", name="pymw")
        platform = self.insert("platform", name="windows_intelx86")
        self.app_version = self.insert("app_version", appid=self.app, version_num=100, platformid=platform)

    def insert(self, table: str, **columns: Any) -> int:
        """Insert a row; returns its id."""
        return self.insert_all(table, [columns])[0]

    def insert_all(self, table: str, rows: Sequence[dict[str, Any]]) -> list[int]:
        """Insert rows with the same columns, all at once; returns their ids, one after the other."""
        first = self.database.rows(f"SELECT COALESCE(MAX(id), 0) + 1 FROM {table}")[0][0]
        ids = list(range(first, first + len(rows)))
        columns = ", ".join(f"`{column}`" for column in rows[0])
        places = ", ".join(f"(%s{', %s' * len(rows[0])})" for _ in rows)
        values = [value for number, row in zip(ids, rows, strict=True) for value in (number, *row.values())]
        self.database.change(f"INSERT INTO {table} (id, {columns}) VALUES {places}", values)
        return ids

    def finished(self, jobs: dict[str, Attempt], **columns: Any) -> list[int]:
        """Workunits that are ready to be assimilated, each with its canonical result; returns their ids."""
        return self._ready({name: [attempt] for name, attempt in jobs.items()}, 0, columns)

    def failed(self, name: str, mask: int, attempts: Sequence[Attempt] = (), **columns: Any) -> int:
        """A workunit that failed for good and is ready to be assimilated; returns its id."""
        return self._ready({name: attempts}, mask, columns)[0]

    def upload(self, job: str, output: int = 0, result: int = 0) -> Path:
        """Where an output file of one of a job's results is."""
        return self.home.in_upload(_output(f"{job}_{result}", output))

    def states(self) -> dict[str, int]:
        """assimilate_state of every workunit, by name."""
        return dict(self.database.rows("SELECT name, assimilate_state FROM workunit"))

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    def _ready(self, jobs: dict[str, Sequence[Attempt]], mask: int, columns: dict[str, Any]) -> list[int]:
        common = {"appid": self.app, "error_mask": mask, "transition_time": 2**31 - 1, **columns}
        state = common.pop("assimilate_state", 1)
        ids = self.insert_all("workunit", [{"name": name, **common} for name in jobs])
        results = [
            self.result(workunit, f"{name}_{number}", attempt)
            for workunit, (name, attempts) in zip(ids, jobs.items(), strict=True)
            for number, attempt in enumerate(attempts)
        ]
        made = self.insert_all("result", results) if results else []
        canonical = f"id + {made[0] - ids[0]}" if made and not mask else "0"
        # As the validator does: from one moment to the next. An assimilator may be looking.
        self.database.change(
            f"UPDATE workunit SET canonical_resultid = {canonical}, assimilate_state = %s"
            " WHERE id BETWEEN %s AND %s",
            (state, ids[0], ids[-1]),
        )
        return ids

    def result(self, workunit: int, name: str, attempt: Attempt) -> dict[str, Any]:
        """The row of a result, whose files are uploaded."""
        physical = {logical: _output(name, at) for at, logical in enumerate((names.RESULT, names.LOG))}
        reported = ""
        for logical, content in attempt.files.items():
            path = self.home.in_upload(physical[logical])
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            digest = hashlib.md5(content).hexdigest()
            reported += FILE_INFO.format(name=physical[logical], nbytes=len(content), md5=digest)
        expected = "".join(FILE_REF.format(name=of, logical=logical) for logical, of in physical.items())
        return {
            "name": name,
            "workunitid": workunit,
            "appid": self.app,
            "server_state": 5,
            "outcome": attempt.outcome,
            "validate_state": attempt.validate_state,
            "hostid": attempt.host,
            "exit_status": attempt.exit_status,
            "cpu_time": 1.5,
            "elapsed_time": 2.25,
            "app_version_id": self.app_version,
            "stderr_out": attempt.stderr,
            "xml_doc_in": f"<result>\n{expected}</result>\n",
            "xml_doc_out": reported,
        }


def _output(result: str, number: int) -> str:
    return f"{result}_r123_{number}"
