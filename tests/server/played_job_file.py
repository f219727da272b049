"""What BOINC's job_file.php does to files and to the table job_file, statement by statement."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from pymw.boinc import remote_files
from pymw.server.database import Database

from tests.server.stock_project import StockProject

DAY = 86_400.0
PAST, LATER = time.time() - DAY, float(int(time.time() + 90 * DAY))


class JobFiles:
    """The input files of a project, as its web server sees them; on a connection of its own."""

    def __init__(self, project: StockProject) -> None:
        self._project = project
        self.database = Database(project.home.database)

    def upload(self, data: bytes, until: float, kind: str = "bundle") -> str:
        """Send a file that is not there; returns its name."""
        name = remote_files.name_of(kind, data)
        self.put(name, data, until)
        return name

    def put(self, name: str, data: bytes, until: float) -> None:
        """Send a file of this name."""
        path = self.path(name)
        path.parent.mkdir(exist_ok=True)
        self.md5(name).write_text(f"{hashlib.md5(data).hexdigest()} {len(data)}\n")
        path.write_bytes(data)
        self._insert(name, until)

    def query(self, name: str, until: float) -> bool:
        """Whether a file is present, which is then to stay until that time at least."""
        found = self.database.rows("SELECT id, delete_time FROM job_file WHERE name = %s", (name,))
        if found and found[0][1] < until:
            self.database.change("UPDATE job_file SET delete_time = %s WHERE id = %s", (until, found[0][0]))
        present = self.path(name).exists()
        if present and not found:
            self._insert(name, until)
        elif found and not present:
            self.database.change("DELETE FROM job_file WHERE id = %s", (found[0][0],))
        return present

    def path(self, name: str) -> Path:
        """Where a file is."""
        return self._project.home.in_download(name)

    def md5(self, name: str) -> Path:
        """Where its MD5 is noted."""
        path = self.path(name)
        return path.with_name(f"{path.name}.md5")

    def rows(self) -> dict[str, float]:
        """The files that the table names, and their times."""
        return dict(self.database.rows("SELECT name, delete_time FROM job_file"))

    def left(self) -> set[str]:
        """All that is in the download folder, the notes of MD5 included."""
        folder = self._project.home.download_dir
        return {path.name for path in folder.rglob("*") if not path.is_dir()}

    def whole(self, *names: str) -> bool:
        """Whether these files, with note and row, are all that there is."""
        files = {*names, *(f"{name}.md5" for name in names)}
        return self.left() == files and set(self.rows()) == set(names)

    def _insert(self, name: str, until: float) -> None:
        self.database.change(
            "INSERT INTO job_file (name, create_time, delete_time) VALUES (%s, %s, %s)",
            (name, time.time(), until),
        )
