"""How the standard library of a runtime had best lie there: the reason for the stored zip of library.py.

python benchmarks/library_layout.py      (Linux; makes a runtime for this host and rearranges its library)
"""

import io
import os
import subprocess
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pymw_platforms
import zstandard
from pymw_packager import interpreters
from pymw_packager.interpreters import library, runtime
from pymw_packager.payload import LEVEL, WINDOW_LOG
from rich.console import Console
from rich.table import Table

STARTS = 15
# What a worker imports, more or less.
PROGRAM = "import ctypes, json, logging, pickle, sqlite3, ssl, subprocess, tempfile, threading, zipfile"


def stored_zip(folder: Path, archive: Path) -> None:
    """Leave the library as it is."""


def deflated_zip(folder: Path, archive: Path) -> None:
    """Compress each member of the zip."""
    with zipfile.ZipFile(archive) as old:
        contents = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in contents.items():
            new.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def loose_files(folder: Path, archive: Path) -> None:
    """Put each compiled module into a file of its own."""
    with zipfile.ZipFile(archive) as old:
        old.extractall(folder)
    archive.unlink()


def sources_and_compiled(folder: Path, archive: Path) -> None:
    """Ship the sources, and beside them what was compiled with columns, as an installed Python has it."""
    for name, source in library.running(its_own_system=True).items():
        runtime.write(folder / name, source)
    mode = ["--invalidation-mode", "unchecked-hash"]
    subprocess.run([library.compiler(library.RUNNING), "-m", "compileall", "-q", *mode, folder], check=True)
    archive.unlink()


LAYOUTS: dict[str, Callable[[Path, Path], None]] = {
    "stored zip": stored_zip,
    "deflated zip": deflated_zip,
    "loose compiled files": loose_files,
    "sources and compiled files": sources_and_compiled,
}


def archived(tree: Path) -> bytes:
    """Return a runtime as an uncompressed archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in sorted(tree.rglob("*")):
            tar.add(path, path.relative_to(tree).as_posix(), recursive=False)
    return buffer.getvalue()


def start(tree: Path) -> float:
    """Run the program once and return the seconds."""
    began = time.perf_counter()
    subprocess.run([tree / "python", "-E", "-c", PROGRAM], check=True)
    return time.perf_counter() - began


def forget(tree: Path) -> None:
    """Have the kernel drop a runtime's files from memory."""
    os.sync()
    for path in tree.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(tree: Path, work: Path) -> tuple[int, int, float, float, float]:
    """Return files, compressed bytes, and the seconds to unpack, to start cold and to start warm."""
    plain = archived(tree)
    settings = zstandard.ZstdCompressionParameters.from_level(LEVEL, window_log=WINDOW_LOG)
    packed = zstandard.ZstdCompressor(compression_params=settings).compress(plain)
    unpacking, cold = [], []
    for turn in range(3):
        copy = work / f"{tree.name}-{turn}"
        began = time.perf_counter()
        with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
            tar.extractall(copy, filter="data")
        unpacking.append(time.perf_counter() - began)
        forget(copy)
        cold.append(start(copy))
    warm = min(start(tree) for _ in range(STARTS))
    files = sum(path.is_file() for path in tree.rglob("*"))
    return files, len(packed), min(unpacking), min(cold), warm


def main() -> None:
    """Print the table."""
    platform = pymw_platforms.this_host()
    assert platform is not None, "BOINC has no name for this host"
    table = Table(box=None, header_style="bold")
    for column in ("library", "files", "payload", "unpack", "start, cold", "start, warm"):
        table.add_column(column, justify="left" if column == "library" else "right")
    with tempfile.TemporaryDirectory() as name:
        for title, rearrange in LAYOUTS.items():
            tree = Path(name, title.replace(" ", "-"))
            made = interpreters.build(platform, "auto", None, [], tree, lambda step: None)
            parts = runtime.layout(platform.system, made.minor)
            rearrange(tree / Path(parts.extensions).parent, tree / parts.library)
            files, size, unpacking, cold, warm = measure(tree, Path(name))
            table.add_row(
                title,
                str(files),
                f"{size:,}",
                *(f"{1000 * seconds:.0f} ms" for seconds in (unpacking, cold, warm)),
            )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
