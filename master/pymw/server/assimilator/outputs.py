"""The output files of a canonical result: which they are, and copies of them that can be trusted.

The server says which file has which logical name; how large it is and what its MD5 is, a client has reported.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PIECE = 1 << 20  # bytes that are copied at a time
_NAME = re.compile(rb"\w[\w.\-]{0,254}")
_MD5 = re.compile(rb"[0-9a-f]{32}")
_NBYTES = re.compile(rb"(\d{1,15})(?:\.0*)?")
_FIELD = re.compile(rb"<(file_name|open_name|name|nbytes|md5_cksum)>([^<]*)</")
_NOT_THERE = (errno.ENOENT, errno.ELOOP, errno.ENOTDIR)


class LostOutput(Exception):
    """An output file is not on the server, or is not what its computer sent: it will not come any more."""


class UnreadableOutput(Exception):
    """An output file cannot be read now; the message says why."""


@dataclass(frozen=True)
class Output:
    """An output file.

    name: in the upload folder. nbytes, md5: as its computer says; -1 and "" if it does not.
    """

    name: str
    nbytes: int = -1
    md5: str = ""


def find(expected: bytes, reported: bytes) -> dict[str, Output]:
    """The output files by logical name. expected, reported: a result's xml_doc_in and xml_doc_out."""
    about: dict[bytes, dict[bytes, bytes]] = {}
    for fields in _elements(reported, b"file_info"):
        about.setdefault(fields.get(b"name", b""), fields)
    found = {}
    for fields in _elements(expected, b"file_ref"):
        name, logical = fields.get(b"file_name", b""), fields.get(b"open_name", b"")
        if _NAME.fullmatch(name) and _NAME.fullmatch(logical):
            found[logical.decode()] = _output(name, about.get(name, {}))
    return found


def copy(output: Output, source: Path, target: Path, sync: bool) -> None:
    """Copy an output file to a new one. sync: return when its bytes are on the disk.

    Raises LostOutput and UnreadableOutput for the one, OSError for the other.
    """
    try:
        # Whatever stands there: no link is followed, and nothing is waited for.
        reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in _NOT_THERE:
            raise LostOutput("its output file is not on the server") from error
        raise _unreadable(source, error) from error
    try:
        there = os.fstat(reading)
        if not stat.S_ISREG(there.st_mode):
            raise LostOutput("its output file is no file")
        if output.nbytes not in (-1, there.st_size):
            raise LostOutput(
                f"its output file has {there.st_size} bytes, its computer has sent {output.nbytes}"
            )
        if _copy(reading, source, target, sync) != output.md5 and output.md5:
            raise LostOutput("its output file is not the one that its computer has sent")
    finally:
        os.close(reading)


def _copy(reading: int, source: Path, target: Path, sync: bool) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        while piece := _read(reading, source):
            digest.update(piece)
            while piece:
                piece = piece[os.write(writing, piece) :]
        if sync:
            os.fsync(writing)
    finally:
        os.close(writing)
    return digest.hexdigest()


def _read(reading: int, source: Path) -> bytes:
    try:
        return os.read(reading, _PIECE)
    except OSError as error:
        raise _unreadable(source, error) from error


def _unreadable(source: Path, error: OSError) -> UnreadableOutput:
    return UnreadableOutput(f"{source} cannot be read: {error.strerror}")


def _elements(document: bytes, name: bytes) -> Iterator[dict[bytes, bytes]]:
    """What stands in the elements of this name. A client's need not be XML, so no parser would take all."""
    for element in document.split(b"<%s>" % name)[1:]:
        fields: dict[bytes, bytes] = {}
        for field, value in _FIELD.findall(element.partition(b"</%s>" % name)[0]):
            fields.setdefault(field, value.strip())
        yield fields


def _output(name: bytes, about: dict[bytes, bytes]) -> Output:
    nbytes = _NBYTES.fullmatch(about.get(b"nbytes", b""))
    md5 = _MD5.fullmatch(about.get(b"md5_cksum", b"").lower())
    return Output(name.decode(), int(nbytes[1]) if nbytes else -1, md5[0].decode() if md5 else "")
