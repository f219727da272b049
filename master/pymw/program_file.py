"""The files of a task for interfaces that users wrote for the original PyMW: program, input and output.

They stand in the folder `tasks` of the current folder, as the original's did. The program is a zip that any
Python runs (pymw_worker/program.py).
"""

from __future__ import annotations

import contextlib
import io
import re
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path

from pymw_packager import worker_archive
from pymw_worker import durable, names, program

from pymw.functions import CodeBundle

FOLDER = "tasks"
_MAIN = "from pymw_worker import program\n\nprogram.main()\n"

_lock = threading.Lock()


@dataclass(frozen=True)
class Files:
    """Absolute paths of a task's program, input and output."""

    program: Path
    input: Path
    output: Path

    def remove(self) -> None:
        """Remove those that are there; the folder too, when it is empty."""
        for path in (self.program, self.input, self.output, log_of(self.output)):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # other files, of this program or another, may still be in it
            self.input.parent.rmdir()


def log_of(output: Path) -> Path:
    """The log file that the program leaves beside its output."""
    return output.with_name(output.name + program.LOG_SUFFIX)


def write(bundle: CodeBundle, arguments: bytes, name: str) -> Files:
    """Write program and input of a task; equal bundles share their program. Raises OSError."""
    folder = Path(FOLDER).absolute()
    folder.mkdir(exist_ok=True)
    tidy = re.sub(r"[^\w.-]", "_", name)
    files = Files(
        folder / f"{bundle.entry.strip('<>')}_{bundle.digest[:16]}.py",
        folder / f"in_{tidy}.dat",
        folder / f"out_{tidy}.dat",
    )
    files.output.unlink(missing_ok=True)
    with _lock:
        if not files.program.exists():
            durable.write_bytes(str(files.program), _program(bundle))
    durable.write_bytes(str(files.input), arguments)
    return files


def _program(bundle: CodeBundle) -> bytes:
    """The worker archive with a bundle and another main program in it."""
    _, archive = worker_archive.build()
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as source,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target,
    ):
        for member in source.infolist():
            if member.filename != "__main__.py":
                target.writestr(member, source.read(member))
        target.writestr(zipfile.ZipInfo("__main__.py"), _MAIN)
        target.writestr(zipfile.ZipInfo(names.BUNDLE), bundle.data)
    return buffer.getvalue()
