"""What was measured of create_work --stdin and is relied on, for the real one and the one that is played."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Sequence

from pymw.boinc.backend import Demand, Job
from pymw.boinc.workunits import workunit
from pymw.server import create_work, templates
from pymw.server.database import Database
from pymw.server.home import ServerHome
from pymw.server.jobs_table import JobsTable


class Facts:
    """A project in which create_work is tried, and a batch for what it makes."""

    def __init__(self, home: ServerHome, database: Database) -> None:
        self.home = home
        self.database = database
        self.batch = f"pymw_{uuid.uuid4().hex[:12]}"
        self.file = f"{self.batch}_arguments"
        path = home.in_download(self.file)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"given")
        unit = workunit(Job(self.batch, "bundle", b"", "", Demand()), self.file, self.batch)
        self.templates = templates.written(home.folder, unit)

    def line(self, number: int, command_line: str = "x", files: Sequence[str] = (), more: str = "") -> bytes:
        """A line for a job: with an input elsewhere and a staged one, or with these."""
        elsewhere = create_work.elsewhere(self.home.url_of("bundle"), 7, "0" * 32)
        words = ["--wu_name", f"{self.batch}_{number}", "--wu_template", self.templates[0]]
        words += ["--result_template", self.templates[1], "--command_line", f'"{command_line}"', more]
        return (" ".join([*words, *(files or (elsewhere, self.file))]) + "\n").encode()

    def run(self, *lines: bytes) -> tuple[int, str]:
        """Its exit status and what it says."""
        done = subprocess.run(
            [self.home.folder / "bin" / "create_work", "--appname", "pymw", "--stdin"],
            cwd=self.home.folder,
            env={**os.environ, "BOINC_PROJECT_DIR": str(self.home.folder)},
            input=b"".join(lines),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout.decode()

    def numbers(self) -> list[int]:
        """The jobs that there are."""
        rows = self.database.rows("SELECT name FROM workunit WHERE name LIKE %s", (f"{self.batch}%",))
        return sorted(int(name.rpartition("_")[2]) for (name,) in rows)


def check(home: ServerHome, database: Database) -> None:
    """Raises AssertionError if create_work does something else."""
    facts = Facts(home, database)
    try:
        _check(facts)
    finally:
        table = JobsTable(home.database)
        table.cancel_batch(facts.batch)
        table.close()


def _check(facts: Facts) -> None:
    line = facts.line
    assert facts.run(line(1), line(2, create_work.escaped("it's \\ <&>"))) == (0, "")
    assert facts.numbers() == [1, 2]
    (row,) = facts.database.rows("SELECT xml_doc FROM workunit WHERE name = %s", (f"{facts.batch}_2",))
    assert b"<command_line>\nit&#39;s &#92; &#60;&#38;>\n</command_line>" in row[0]
    assert b"<name>jf_00000000000000000000000000000000</name>" in row[0]
    missing = (create_work.elsewhere("http://x/y", 7, "0" * 32), "pymw_is_not_there")
    refused = {
        "a name that is taken": (line(1), "insert_batch"),
        "a quote": (line(4, "it's"), "insert_batch"),
        "an input that is not there": (line(4, files=missing), "md5_file"),
        "too few inputs": (line(4, files=(facts.file,)), "input"),
        "what only its own command line may have": (line(4, more="--batch 3"), "bad stdin argument"),
        "a line that fills its buffer": (line(4, "x" * (4095 - len(line(4, "")))), "buffer was too small"),
    }
    for what, (bad, words) in refused.items():
        status, said = facts.run(line(3), bad)
        assert status == 1 and words in said, (what, said)
        assert facts.numbers() == [1, 2], f"{what}: nothing of it is made"
    assert facts.run(line(5, "x" * (4094 - len(line(5, ""))))) == (0, "")
    facts.templates = (facts.templates[0], "templates/pymw_is_not_there")
    status, said = facts.run(line(6))
    assert status == 0 and "doesn't exist" in said
    assert facts.numbers() == [1, 2, 5]
