"""Plays what a stock project has besides its database and create_work, and volunteers with the real worker.

One thread does what transitioner, scheduler, validator and file_deleter do to the database; as many computers
as it is told run what is sent to them. What they run, they take from the database and the download folder as
a client takes it from the scheduler's reply.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import shutil
import threading
from collections import deque
from pathlib import Path
from typing import Any

from pymw.project.messages import Fields, elements
from pymw.server.database import Database
from pymw.server.home import ServerHome

from tests.bench.slot import Slot
from tests.server.played_create_work import split
from tests.server.stock_project import FILE_INFO

_TURN = 0.02  # seconds
UNSENT, IN_PROGRESS, OVER = 2, 4, 5
SUCCESS, CLIENT_ERROR, DIDNT_NEED = 1, 3, 5
CANCELLED, TOO_MANY_ERRORS = 16, 2
READY, DONE = 1, 2  # to be assimilated
_INTERESTING = "id, name, xml_doc, result_template_file, target_nresults, max_error_results, error_mask"


def unescaped(text: str) -> str:
    """XML text as a client reads it: numbers of bytes, of which some may be one character."""
    raw = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), text)
    return raw.encode("latin-1").decode("utf-8")


def outputs(document: str) -> list[tuple[str, str]]:
    """The names of a result's output files, physical and logical, by its xml_doc_in."""
    result = elements(Fields(document)["result"])
    references = [Fields(content) for tag, content in result if tag == "file_ref"]
    return [(fields["file_name"], fields["open_name"]) for fields in references]


class Computer(Slot):
    """A volunteer's computer, which runs one task at a time."""

    def __init__(self, number: int, folder: Path, home: ServerHome) -> None:
        self.number = number
        self.result: tuple[Any, ...] | None = None  # id, workunit, name, xml_doc_in
        self.answers = deque[list[str]]()
        self._home = home
        super().__init__(folder, number, self.answers.append)

    def begin(self, result: tuple[Any, ...], xml_doc: str) -> None:
        """Fetch the input files of a workunit, and run its task."""
        self.result = result
        urls = {}
        for tag, content in elements(xml_doc):
            if tag == "file_info":
                fields = Fields(content)
                urls[fields["name"]] = fields["url"]
        unit = Fields(Fields(xml_doc)["workunit"])
        for tag, content in elements(Fields(xml_doc)["workunit"]):
            if tag == "file_ref":
                fields = Fields(content)
                place = urls[fields["file_name"]].removeprefix(self._home.download_url + "/")
                shutil.copy(self._home.download_dir / place, self.folder / fields["open_name"])
        self.run(split(unescaped(unit["command_line"].strip())))


class PlayedServer:
    """It runs from when it is made until it is closed."""

    def __init__(self, home: ServerHome, folder: Path, computers: int) -> None:
        self.home = home
        self._folder = folder
        self._numbers = itertools.count(1)
        self._computers = [Computer(number, folder, home) for number in range(1, computers + 1)]
        self._database = Database(home.database)
        self.active = computers  # of them take part
        self.paused = False
        self.error: BaseException | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._play, name="played server")
        self._thread.start()

    def close(self) -> None:
        """End it. Raises what went wrong in it."""
        self._closing.set()
        self._thread.join()
        for computer in self._computers:
            computer.close()
        self._database.close()
        if self.error is not None:
            raise self.error

    def _play(self) -> None:
        try:
            while not self._closing.wait(_TURN):
                self._transition()
                self._delete_files()
                for computer in self._computers:
                    self._serve(computer)
        except BaseException as error:
            self.error = error

    def _transition(self) -> None:
        """Make results for new workunits, and let failed ones be assimilated."""
        fresh = self._database.rows(
            f"SELECT {_INTERESTING} FROM workunit w WHERE assimilate_state = 0 AND error_mask = 0 AND NOT"
            " EXISTS (SELECT 1 FROM result WHERE workunitid = w.id) ORDER BY id LIMIT 1000"
        )
        for row in fresh:
            for _ in range(row[4]):
                self._make_result(row)
        cancelled = self._database.rows(
            "SELECT id FROM workunit WHERE assimilate_state = 0 AND error_mask <> 0"
        )
        for (workunit,) in cancelled:
            self._database.change(
                f"UPDATE result SET server_state = {OVER}, outcome = {DIDNT_NEED}"
                f" WHERE workunitid = %s AND server_state = {UNSENT}",
                (workunit,),
            )
            self._change("workunit", workunit, assimilate_state=READY)
            for computer in self._computers:
                if computer.result is not None and computer.result[1] == workunit:
                    computer.cancel()

    def _make_result(self, row: tuple[Any, ...]) -> None:
        number = next(self._numbers)
        name = f"{row[1]}_{number}"
        template = (self.home.folder / row[3]).read_text()
        document = re.sub(r"<OUTFILE_(\d)/>", rf"{name}_r{number}_\1", template)
        document = document.removeprefix("<output_template>\n").removesuffix("</output_template>\n")
        self._database.change(
            "INSERT INTO result (name, workunitid, server_state, appid, xml_doc_in)"
            " SELECT %s, id, %s, appid, %s FROM workunit WHERE id = %s",
            (name, UNSENT, document, row[0]),
        )

    def _delete_files(self) -> None:
        """Remove the inputs and outputs of workunits that are assimilated, but for those to be kept."""
        rows = self._database.rows(
            f"SELECT id, xml_doc FROM workunit WHERE assimilate_state = {DONE} AND file_delete_state = 0"
        )
        for workunit, document in rows:
            files = [Fields(content) for tag, content in elements(document.decode()) if tag == "file_info"]
            for fields in files:
                if "no_delete" not in fields:
                    self.home.in_download(fields["name"]).unlink()
            for (expected,) in self._database.rows(
                "SELECT xml_doc_in FROM result WHERE workunitid = %s", (workunit,)
            ):
                for name, _ in outputs(expected.decode()):
                    self.home.in_upload(name).unlink(missing_ok=True)
            self._change("workunit", workunit, file_delete_state=DONE)

    def _serve(self, computer: Computer) -> None:
        """Take what a computer has done, and give it something to do."""
        if computer.answers:
            self._report(computer, computer.answers.popleft())
        if computer.result is not None or computer.number > self.active or self.paused:
            return
        rows = self._database.rows(
            "SELECT r.id, r.workunitid, r.name, r.xml_doc_in, w.xml_doc FROM result r"
            " JOIN workunit w ON w.id = r.workunitid WHERE r.server_state = %s ORDER BY r.id LIMIT 1",
            (UNSENT,),
        )
        for row in rows:
            self._change("result", row[0], server_state=IN_PROGRESS, hostid=computer.number)
            computer.begin(row[:4], row[4].decode())

    def _report(self, computer: Computer, answer: list[str]) -> None:
        assert computer.result is not None and answer[0] in ("done", "cancelled"), answer
        (result, workunit, _, document), computer.result = computer.result, None
        if answer[0] == "cancelled":
            self._change("result", result, server_state=OVER, outcome=CLIENT_ERROR, exit_status=202)
        elif answer[1] == "0":
            self._succeed(result, workunit, document.decode(), computer.files())
        else:
            self._fail(result, workunit, int(answer[1]), computer.stderr())

    def _succeed(self, result: int, workunit: int, document: str, files: dict[str, bytes]) -> None:
        """Take the uploads; the first success is the canonical result."""
        reported = ""
        for name, logical in outputs(document):
            path = self.home.in_upload(name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(files[logical])
            digest = hashlib.md5(files[logical]).hexdigest()
            reported += FILE_INFO.format(name=name, nbytes=len(files[logical]), md5=digest)
        self._change(
            "result", result, server_state=OVER, outcome=SUCCESS, validate_state=1, xml_doc_out=reported
        )
        self._database.change(
            "UPDATE workunit SET canonical_resultid = %s, assimilate_state = %s"
            " WHERE id = %s AND error_mask = 0 AND canonical_resultid = 0",
            (result, READY, workunit),
        )

    def _fail(self, result: int, workunit: int, status: int, stderr: str) -> None:
        """Let another computer try it, or give it up."""
        self._change(
            "result", result, server_state=OVER, outcome=CLIENT_ERROR, exit_status=status, stderr_out=stderr
        )
        rows = self._database.rows(
            f"SELECT {_INTERESTING}, (SELECT COUNT(*) FROM result WHERE workunitid = w.id AND outcome = %s)"
            " FROM workunit w WHERE id = %s",
            (CLIENT_ERROR, workunit),
        )
        row = rows[0]
        if row[6]:
            return
        if row[7] > row[5]:
            self._change("workunit", workunit, error_mask=TOO_MANY_ERRORS)
        else:
            self._make_result(row)

    def _change(self, table: str, row: int, **columns: Any) -> None:
        places = ", ".join(f"{name} = %s" for name in columns)
        self._database.change(f"UPDATE {table} SET {places} WHERE id = %s", (*columns.values(), row))
