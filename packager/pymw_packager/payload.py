"""The payload: a runtime folder as a zstd-compressed tar archive, the same bytes for the same files.

Only the names, the bytes and the execute bit of the files count: the archive is sorted, without times,
owners or links. Windows programs are stored as `pe_filter` says. Compressed at level 22 with the largest
window that the launcher accepts (measured by benchmarks/payload_levels.py: a window as large as the runtime
saves less than one per cent more).
"""

import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import zstandard
from pymw_platforms import Platform

from pymw_packager import pe_filter
from pymw_packager.errors import FormatError, InterpreterError
from pymw_packager.files import reported
from pymw_packager.names import content_name
from pymw_packager.progress import Progress

LEVEL = 22
# 8 MiB: what Zig's std.compress.zstd accepts by default, and 32-bit machines can spare.
WINDOW_LOG = 23
# Compressed in parallel; the bytes depend on the size of a job, never on the number of threads.
JOB_SIZE = 8 << 20
# Level 22 takes some 200 MB of memory for each thread.
MOST_THREADS = 8


@dataclass(frozen=True)
class Payload:
    """A written payload.

    Attributes:
        path: the archive; its name carries its hash.
        sha256: of the archive.
        size: bytes of the files unpacked.
    """

    path: Path
    sha256: str
    size: int


@dataclass(frozen=True)
class Member:
    """A file or folder of a payload: its `/`-separated name, and what the archive says about it."""

    name: str
    size: int
    is_folder: bool
    executable: bool


def pack(
    runtime: Path,
    stem: str,
    folder: Path,
    platform: Platform,
    progress: Progress,
    *,
    threads: int = min(os.cpu_count() or 1, MOST_THREADS),
) -> Payload:
    """Write `folder/STEM_<hash16>.tar.zst` with everything in `runtime`.

    Raises:
        InterpreterError: the runtime holds a link, a device, or names that the platform cannot tell apart.
        StorageError: something cannot be read or written.
    """
    members = list(_members(runtime))
    _refuse_twins(members, platform)
    size = sum(member.size for member in members)
    unnamed = folder / f"{stem}.tmp"
    with reported(unnamed, "written"), unnamed.open("wb") as file:
        output = _HashingFile(file)
        with (
            progress.bar(f"compressing {stem}", size) as advance,
            _compressor(threads).stream_writer(output, closefd=False) as compressed,  # type: ignore[arg-type]
            tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
        ):
            for member in members:
                _add(archive, runtime, member, advance)
        file.flush()
        os.fsync(file.fileno())
    path = folder / content_name(stem, output.sha256.hexdigest(), ".tar.zst")
    with reported(path, "written"):
        unnamed.rename(path)
        path.chmod(0o644)
    return Payload(path, output.sha256.hexdigest(), size)


def read(path: Path) -> Iterator[tuple[Member, IO[bytes] | None]]:
    """Yield each member of a payload with its content (None for a folder), which must be read at once.

    Raises:
        FormatError: it is damaged, needs a larger window than the launcher has, or holds more than files.
        StorageError: it cannot be read.
    """
    decompressor = zstandard.ZstdDecompressor(max_window_size=1 << WINDOW_LOG)
    try:
        with (
            reported(path, "read"),
            path.open("rb") as file,
            decompressor.stream_reader(file) as plain,
            tarfile.open(fileobj=plain, mode="r|") as archive,
        ):
            for info in archive:
                if not (info.isreg() or info.isdir()):
                    raise FormatError(f"{path.name} holds {info.name}, which is neither file nor folder.")
                member = Member(info.name, info.size, info.isdir(), bool(info.mode & 0o100))
                content = archive.extractfile(info)
                yield member, content and io.BytesIO(pe_filter.restored(content.read()))
    except (tarfile.TarError, zstandard.ZstdError, EOFError) as error:
        raise FormatError(f"{path.name} is damaged: {error}.") from error


class _HashingFile(io.RawIOBase):
    """Passes what is written on to a file, and hashes it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.sha256 = hashlib.sha256()
        self._file = file

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        self.sha256.update(data)
        return self._file.write(data)


def _compressor(threads: int) -> zstandard.ZstdCompressor:
    """Return a compressor whose bytes do not depend on the number of threads, 1 or more."""
    parameters = zstandard.ZstdCompressionParameters.from_level(
        LEVEL, window_log=WINDOW_LOG, threads=threads, job_size=JOB_SIZE, overlap_log=9
    )
    return zstandard.ZstdCompressor(compression_params=parameters)


def _members(runtime: Path) -> Iterator[Member]:
    """Yield what the folder holds, sorted by name, folders before what is in them."""
    with reported(runtime, "read"):
        for path in sorted(runtime.rglob("*"), key=lambda path: path.relative_to(runtime).parts):
            status = path.lstat()
            is_folder = stat.S_ISDIR(status.st_mode)
            if not (is_folder or stat.S_ISREG(status.st_mode)):
                raise InterpreterError(f"{path} is neither a file nor a folder; a payload can hold no links.")
            name = path.relative_to(runtime).as_posix()
            executable = is_folder or bool(status.st_mode & 0o100)
            yield Member(name, 0 if is_folder else status.st_size, is_folder, executable)


def _refuse_twins(members: list[Member], platform: Platform) -> None:
    """Raise InterpreterError if two names are one to a file system that ignores case."""
    if platform.system == "linux":
        return
    seen: dict[str, str] = {}
    for member in members:
        twin = seen.setdefault(member.name.casefold(), member.name)
        if twin != member.name:
            raise InterpreterError(
                f"the runtime holds both {twin} and {member.name}, which are one file on {platform.title}."
            )


def _add(archive: tarfile.TarFile, runtime: Path, member: Member, advance: Callable[[int], None]) -> None:
    """Append one member, with no trace of when and where it was made."""
    info = tarfile.TarInfo(member.name)
    info.mode = 0o755 if member.executable else 0o644
    if member.is_folder:
        info.type = tarfile.DIRTYPE
        archive.addfile(info)
        return
    content = pe_filter.stored((runtime / member.name).read_bytes())
    info.size = len(content)
    archive.addfile(info, _Counted(io.BytesIO(content), advance))


class _Counted(io.RawIOBase):
    """Reads from a file and reports how much, so that a bar moves within a large file, too."""

    def __init__(self, file: IO[bytes], advance: Callable[[int], None]) -> None:
        self._file = file
        self._advance = advance

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self._advance(len(data))
        return data
