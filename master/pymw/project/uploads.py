"""Files that clients upload: piece by piece to NAME.part, and under their name once they are whole and right.

A client may only upload what the scheduler signed a certificate for: a name, and how large it may be. What
came in before a connection broke is kept, and the client goes on from there.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from pymw.project import layout, messages, signing
from pymw.project.layout import Layout
from pymw.project.messages import Fields

_CHUNK = 1 << 20
_WRITE = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_REMEMBERED = 50_000  # digests of files that have just come in, and are about to be reported
OK, LATER, NEVER = 0, 1, -1  # a client tries again, or gives up
LONGEST_HEAD = 16_384


class Refused(Exception):
    """An upload is not taken. status: LATER or NEVER; the message is for the client."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Digest:
    """What a file is: size in bytes and hashes of its content."""

    nbytes: int
    md5: str
    sha256: bytes


@dataclass(frozen=True, slots=True)
class UploadHead:
    """What a client says before the bytes. It is allowed to upload this."""

    name: str
    nbytes: int
    md5: str
    offset: int


def size_query(head: bytes) -> str | None:
    """The name of the file whose size is asked for; None if this is no such request. Raises Refused."""
    if b"<get_file_size>" not in head:
        return None
    fields = Fields(head.decode("latin-1").replace("<data_server_request>", ""))
    if "get_file_size" not in fields:
        return None
    name = fields.name("get_file_size")
    if not name:
        raise Refused(NEVER, "Bad filename")
    return name


def read_head(head: bytes, secret: bytes) -> UploadHead:
    """What is said before `<data>`; checks the certificate. Raises Refused."""
    text = head.decode("latin-1")
    at = text.find("<file_upload>")
    if at < 0:
        raise Refused(LATER, "no command")
    fields = Fields(text[at + len("<file_upload>") :])
    about = Fields(fields.get("file_info", ""))
    name = about.name()
    if not name:
        raise Refused(NEVER, "Missing or bad file name")
    max_nbytes = about.integer("max_nbytes", -1, -1, 2**53)
    signature = about.get("xml_signature", "")
    if not signature.strip():
        raise Refused(NEVER, "missing signature")
    if not signing.is_certified(name, max_nbytes, signature, secret):
        raise Refused(NEVER, "invalid signature")
    nbytes = fields.integer("nbytes", -1, -1, 2**53)
    if nbytes < 0:
        raise Refused(NEVER, "nbytes missing or negative")
    if nbytes > max_nbytes:
        raise Refused(NEVER, f"file size ({nbytes} bytes) exceeds limit ({max_nbytes} bytes)")
    offset = fields.integer("offset", 0, -1, 2**53)
    if not 0 <= offset <= nbytes:
        raise Refused(NEVER, "offset out of range")
    return UploadHead(name, nbytes, fields.text("md5_cksum", 32).lower(), offset)


def reply(status: int, text: str = "", size: int | None = None) -> str:
    """The upload handler's answer."""
    parts = [messages.element("status", status)]
    if text:
        parts.append(messages.element("message", messages.escape(text)))
    if size is not None:
        parts.append(messages.element("file_size", size))
    return messages.block("data_server_reply", *parts)


class Uploads:
    """The uploaded files of a project."""

    def __init__(self, place: Layout) -> None:
        self._place = place
        self._open = set[str]()
        self._digests: OrderedDict[str, Digest] = OrderedDict()

    def size(self, name: str) -> int:
        """How many bytes of a file are here."""
        path = self._place.upload(name)
        for each in (path, _part(path)):
            if each.is_file():
                return each.stat().st_size
        return 0

    def begin(self, head: UploadHead) -> Upload | None:
        """Begin to take a file; None if it is here already, which is final. Raises Refused, OSError."""
        path = self._place.upload(head.name)
        if path.is_file():
            return None
        if head.name in self._open:
            raise Refused(LATER, "the file is being uploaded by another connection")
        if head.offset and (there := self.size(head.name)) < head.offset:
            raise Refused(LATER, f"length of file {head.name} {there} bytes < offset {head.offset} bytes")
        self._open.add(head.name)
        return Upload(self, path, head)

    def digest(self, name: str) -> Digest | None:
        """What a whole file is; None if it is not here. May read all of it."""
        if not layout.is_name(name):
            return None
        if known := self._digests.get(name):
            return known
        try:
            found = digest_of(self._place.upload(name))
        except OSError:
            return None
        self._remember(name, found)
        return found

    def forget(self, name: str) -> None:
        """Remove a file, whole or not."""
        self._digests.pop(name, None)
        path = self._place.upload(name)
        path.unlink(missing_ok=True)
        _part(path).unlink(missing_ok=True)

    def ended(self, name: str, digest: Digest | None) -> None:
        """An upload has ended; with the digest of the file if it is whole."""
        self._open.discard(name)
        if digest is not None:
            self._remember(name, digest)

    def _remember(self, name: str, digest: Digest) -> None:
        self._digests[name] = digest
        if len(self._digests) > _REMEMBERED:
            self._digests.popitem(last=False)


class Upload:
    """One file that is coming in. Whatever it does may wait for the disk."""

    def __init__(self, uploads: Uploads, path: Path, head: UploadHead) -> None:
        self._uploads = uploads
        self._path = path
        self._part = _part(path)
        self.head = head
        self.missing = head.nbytes - head.offset
        self._hashes = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        self._digest: Digest | None = None
        self._file = -1

    def write(self, data: bytes) -> None:
        """Take the next bytes; those beyond the announced size are passed over. Raises OSError."""
        self._open()
        piece = data[: self.missing]
        if piece:
            if os.write(self._file, piece) != len(piece):
                raise OSError(errno.ENOSPC, "the disk is full")
            self.missing -= len(piece)
            for each in self._hashes:
                each.update(piece)

    def finish(self, data: bytes) -> None:
        """Take the last bytes, and keep the file under its name, once it is on the disk.

        Raises Refused if it is not what was announced, OSError.
        """
        self.write(data)
        if self.missing:
            raise Refused(LATER, f"{self.missing} bytes are missing")
        md5, sha256 = self._hashes
        digest = Digest(self.head.nbytes, md5.hexdigest(), sha256.digest())
        if self.head.offset:  # what came before was not seen
            digest = digest_of(self._part)
        if (digest.nbytes, digest.md5) != (self.head.nbytes, self.head.md5):
            self._part.unlink()
            raise Refused(LATER, "the MD5 of the uploaded file is wrong")
        os.fsync(self._file)
        self._close()  # Windows renames no open file
        self._part.replace(self._path)
        self._digest = digest

    def end(self) -> None:
        """Let go of the file; what came in stays."""
        self._close()
        self._uploads.ended(self.head.name, self._digest)

    def _open(self) -> None:
        if self._file >= 0:
            return
        # With an offset of 0, nothing of what came before is worth anything.
        self._file = os.open(self._part, _WRITE | (0 if self.head.offset else os.O_TRUNC), 0o644)
        if self.head.offset:
            os.ftruncate(self._file, self.head.offset)
            os.lseek(self._file, self.head.offset, os.SEEK_SET)

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def digest_of(path: Path) -> Digest:
    """What a file is. Raises OSError."""
    md5, sha256, nbytes = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            md5.update(piece)
            sha256.update(piece)
            nbytes += len(piece)
    return Digest(nbytes, md5.hexdigest(), sha256.digest())


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")
