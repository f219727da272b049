"""The one envelope of all files that travel. docs/formats.md describes it.

It is read line by line, because Python 2.5 has no json and its zipfile raises whatever it likes on damage.
Every size is checked before a byte is taken, and whatever is wrong with a file is one FormatError with one
sentence.
"""

import hashlib
import re
import sys

from pymw_worker import durable, member_names, text
from pymw_worker.errors import FormatError

VERSION = 1
MAX_HEAD = 1 << 20  # bytes of manifest and seals; some 8000 members

_CHUNK = 1 << 16
_MAGIC = re.compile("PYMW ([0-9]{1,9}) ([a-z]{1,20})\\Z")
_FACT = re.compile("([a-z][a-z0-9-]{0,63}): (.*)\\Z", re.DOTALL)
_NUMBER = re.compile("(0|[1-9][0-9]{0,17})\\Z")
_DIGEST = re.compile("[0-9a-f]{64}\\Z")
_CONTROL = re.compile("[\\x00-\\x1f\\x7f]")


class Member(object):
    """One member as the manifest declares it."""

    def __init__(self, digest, size, stored, encoding, name):
        self.digest = digest
        self.size = size
        self.stored = stored
        self.encoding = encoding
        self.name = name
        self.offset = None  # of the stored bytes in the file

    def line(self):
        return "*member %s %d %d %s %s\n" % (self.digest, self.size, self.stored, self.encoding, self.name)


class Container(object):
    """A container whose head has been checked. Members are read, and checked, when they are asked for.

    facts: dictionary, text to text. members: dictionary of Member by name. digest: SHA-256 of the manifest,
    which names every byte of the file. signatures: list of lines, unchecked.
    """

    def __init__(self, source, label, facts, members, digest, signatures):
        self.facts = facts
        self.members = members
        self.digest = digest
        self.signatures = signatures
        self._source = source
        self._label = label

    def read(self, name):
        """The bytes of a member. Raises FormatError if it is missing or damaged."""
        parts = []
        self.copy(name, parts.append)
        return "".encode("ascii").join(parts)

    def extract(self, name, path):
        """Write a member to a file, durably. Raises FormatError, OSError or IOError."""
        durable.write(path, lambda write: self.copy(name, write))

    def copy(self, name, write):
        """Call write(piece) for each piece of a member's bytes; only the end tells whether they are right.

        Raises FormatError if the member is missing or damaged.
        """
        member = self.members.get(name)
        if member is None:
            raise FormatError("%s has no member %s" % (self._label, name))
        digest = hashlib.sha256()
        size = 0
        stream = _open(self._source, self._label)
        try:
            stream.seek(member.offset)
            for piece in _decoded(stream, member, self._label):
                size += len(piece)
                digest.update(piece)
                write(piece)
        finally:
            stream.close()
        if size != member.size or digest.hexdigest() != member.digest:
            raise FormatError("%s is damaged: %s does not have its declared SHA-256" % (self._label, name))


def read(source, kind, limit=None):
    """Read a container's head and check it against the file's size; returns a Container.

    source: path, or the bytes themselves (Python 2 has one type for both, and takes it for a path). kind: the
    kind that it must be. limit: the most bytes that its members may have together, once decoded; None for no
    limit. Raises FormatError.
    """
    label = "the data"
    if not _is_data(source):
        label = text.to_text(str(source))
    stream = _open(source, label)
    try:
        try:
            head = stream.read(MAX_HEAD)
            stream.seek(0, 2)
            size = stream.tell()
        except (IOError, OSError):
            raise FormatError("%s cannot be read: %s" % (label, text.reason(sys.exc_info()[1])))
    finally:
        stream.close()
    return _parse(source, label, head, size, kind, limit)


def pack(kind, facts, members, compress=False):
    """The bytes of a container.

    facts: dictionary of text by name. members: dictionary of bytes by name. compress: whether members are
    compressed where that makes them smaller. Raises FormatError for names that cannot travel.
    """
    lines = ["PYMW %d %s\n" % (VERSION, kind)]
    for name in sorted(facts):
        line = "%s: %s" % (name, _escape(text.to_text(facts[name])))
        if not _FACT.match(line):
            raise FormatError("%r cannot be the name of a fact" % (name,))
        lines.append(line + "\n")
    bodies = []
    named = sorted([(text.to_bytes(name), name) for name in members])
    for _, name in named:
        body, member = _encode(text.to_text(name), members[name], compress)
        bodies.append(body)
        lines.append(member.line())
    member_names.check([text.to_text(name) for _, name in named], "the container")
    manifest = text.to_bytes(text.to_text("").join([text.to_text(line) for line in lines]) + "\n")
    seal = "sha256 %s\n\n" % hashlib.sha256(manifest).hexdigest()
    head = manifest + seal.encode("ascii")
    if len(head) > MAX_HEAD:
        raise FormatError(
            "the container's manifest has %d bytes; at most %d are allowed" % (len(head), MAX_HEAD)
        )
    return "".encode("ascii").join([head] + bodies)


def write(path, kind, facts, members, compress=False):
    """Write a container durably; see pack for the arguments. Raises FormatError, OSError or IOError."""
    durable.write_bytes(path, pack(kind, facts, members, compress))


def _is_data(source):
    return text.PYTHON_3 and isinstance(source, text.BYTES)


def _open(source, label):
    if _is_data(source):
        return text.BytesIO(source)
    try:
        return open(source, "rb")
    except (IOError, OSError):
        raise FormatError("%s cannot be read: %s" % (label, text.reason(sys.exc_info()[1])))


def _parse(source, label, head, size, kind, limit):
    end = _find_end(head, label, kind)
    manifest = head[:end]
    seals, start = _seals(head, end, label)
    digest = hashlib.sha256(manifest).hexdigest()
    if seals[0] != "sha256 " + digest:
        raise FormatError("%s is damaged: its manifest does not have its declared SHA-256" % label)
    facts, members = _parse_lines(_decode(manifest, label).split("\n")[1:-2], label)
    offset = start
    for member in members:
        member.offset = offset
        offset += member.stored
    if offset > size:
        raise FormatError("%s is truncated: %d of its %d bytes are there" % (label, size, offset))
    if offset < size:
        raise FormatError("%s has %d bytes too many" % (label, size - offset))
    total = sum([member.size for member in members])
    if limit is not None and total > limit:
        raise FormatError("%s is too large: %d bytes, at most %d are allowed" % (label, total, limit))
    return Container(source, label, facts, dict([(m.name, m) for m in members]), digest, seals[1:])


def _find_end(head, label, kind):
    """Where the manifest ends, after a look at the first line."""
    newline = "\n".encode("ascii")
    magic = "PYMW ".encode("ascii")
    if not head.startswith(magic):
        if magic.startswith(head):
            raise FormatError("%s is truncated: only %d bytes are there" % (label, len(head)))
        raise FormatError("%s is not a PyMW file" % label)
    first = head[:64].split(newline)[0]
    found = _MAGIC.match(first.decode("latin-1"))
    if not found or newline not in head[:64]:
        raise FormatError("%s is truncated or damaged: its first line is not complete" % label)
    if int(found.group(1)) != VERSION:
        raise FormatError(
            "%s has format version %s, this PyMW reads version %d: install the PyMW that wrote it"
            % (label, found.group(1), VERSION)
        )
    if found.group(2) != kind:
        raise FormatError("%s is of the kind %s, not %s" % (label, found.group(2), kind))
    return _after_empty_line(head, 0, label)


def _seals(head, start, label):
    """The lines of the second paragraph, and where the members start."""
    end = _after_empty_line(head, start, label)
    return _decode(head[start:end], label).split("\n")[:-2], end


def _after_empty_line(head, start, label):
    found = head.find("\n\n".encode("ascii"), start)
    if found >= 0:
        return found + 2
    if len(head) < MAX_HEAD:
        raise FormatError("%s is truncated: its manifest has no end" % label)
    raise FormatError("%s is damaged: its manifest is longer than %d bytes" % (label, MAX_HEAD))


def _decode(data, label):
    try:
        return data.decode("utf-8")
    except UnicodeError:
        raise FormatError("%s is damaged: its manifest is not UTF-8" % label)


def _parse_lines(lines, label):
    facts, members = {}, []
    previous = ""
    for line in lines:
        if line.startswith("*member "):
            members.append(_parse_member(line, label))
            continue
        found = _FACT.match(line)
        if members or not found or found.group(1) <= previous:
            raise FormatError("%s is damaged: its manifest holds the line %r" % (label, line[:80]))
        previous = str(found.group(1))
        facts[previous] = _unescape(found.group(2), label)
    names = [member.name for member in members]
    if names != sorted(names, key=text.to_bytes):
        raise FormatError("%s is damaged: its members are not in order" % label)
    member_names.check(names, label)
    return facts, members


def _parse_member(line, label):
    fields = line.split(" ", 5)[1:]
    if len(fields) == 5:
        digest, size, stored, encoding, name = fields
        if _DIGEST.match(digest) and _NUMBER.match(size) and _NUMBER.match(stored):
            if encoding == "zlib" or (encoding == "none" and size == stored):
                return Member(str(digest), int(size), int(stored), str(encoding), name)
    raise FormatError("%s is damaged: a member is not declared as it should be" % label)


def _escape(value):
    """One line from any text: backslashes and control characters become \\xNN."""
    value = value.replace("\\", "\\x5c")
    return _CONTROL.sub(lambda found: "\\x%02x" % ord(found.group()), value)


def _unescape(value, label):
    parts = value.split("\\x")
    try:
        plain = parts[0] + "".join([chr(int(part[:2], 16)) + part[2:] for part in parts[1:]])
    except (ValueError, UnicodeError):
        plain = None
    if plain is None or _escape(plain) != value:
        raise FormatError("%s is damaged: its manifest holds a wrong character" % label)
    return plain


def _encode(name, data, compress):
    """(stored bytes, Member) of one member."""
    body, encoding = data, "none"
    if compress:
        packed = _compressed(data)
        if packed is not None and len(packed) < len(data):
            body, encoding = packed, "zlib"
    return body, Member(hashlib.sha256(data).hexdigest(), len(data), len(body), encoding, name)


def _compressed(data):
    try:
        import zlib
    except ImportError:  # some builds of Python lack it
        return None
    return zlib.compress(data, 9)


def _decoded(stream, member, label):
    """The decoded bytes of a member, in pieces; never more than it declares."""
    if member.encoding == "none":
        return _stored_pieces(stream, member.stored)
    return _inflated_pieces(stream, member, label)


def _stored_pieces(stream, size):
    while size > 0:
        piece = stream.read(min(size, _CHUNK))
        if not piece:
            return
        size -= len(piece)
        yield piece


def _inflated_pieces(stream, member, label):
    try:
        import zlib
    except ImportError:
        raise FormatError("%s is compressed, and this Python has no zlib" % label)
    inflater = zlib.decompressobj()
    left = member.size
    try:
        for packed in _stored_pieces(stream, member.stored):
            while packed:
                piece = inflater.decompress(packed, min(left + 1, _CHUNK))
                packed = inflater.unconsumed_tail
                left -= len(piece)
                if left < 0:
                    raise FormatError("%s is damaged: %s is larger than declared" % (label, member.name))
                if piece:
                    yield piece
            if inflater.unused_data:
                raise FormatError("%s is damaged: %s has bytes too many" % (label, member.name))
    except zlib.error:
        raise FormatError("%s is damaged: %s cannot be decompressed" % (label, member.name))
