"""The one envelope of all files that travel. docs/formats.md describes it.

It is read line by line, because Python 2.5 has no json and its zipfile raises whatever it likes on damage.
Every size is checked before a byte is taken, and whatever is wrong with a file is one FormatError with one
sentence.
"""

import sys

from pymw_worker import digests, durable, manifest, text
from pymw_worker.errors import FormatError

_CHUNK = 1 << 16


class Container(object):
    """A container whose head has been checked. Members are read, and checked, when they are asked for.

    facts: dictionary, text to text. members: dictionary of Member by name. digest: SHA-256 of the manifest,
    which names every byte of the file. signatures: list of lines, unchecked.
    """

    def __init__(self, source, label, head):
        self.facts = head.facts
        self.members = dict([(member.name, member) for member in head.members])
        self.digest = head.digest
        self.signatures = head.signatures
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
        digest = digests.sha256(member.size)
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
            start = stream.read(manifest.MAX_HEAD)
            stream.seek(0, 2)
            size = stream.tell()
        except (IOError, OSError):
            raise FormatError("%s cannot be read: %s" % (label, text.reason(sys.exc_info()[1])))
    finally:
        stream.close()
    head = manifest.parse(start, kind, label)
    _check_size(head, size, limit, label)
    return Container(source, label, head)


def pack(kind, facts, members, compress=False):
    """The bytes of a container.

    facts: dictionary of text by name. members: dictionary of bytes by name. compress: whether members are
    compressed where that makes them smaller. Raises FormatError for names that cannot travel.
    """
    named = sorted([(text.to_bytes(name), data) for name, data in members.items()])
    bodies = [_encode(text.to_text(name), data, compress) for name, data in named]
    head = manifest.pack(kind, facts, [member for member, _ in bodies])
    return "".encode("ascii").join([head] + [body for _, body in bodies])


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


def _check_size(head, size, limit, label):
    """Give each member its place, and raise FormatError unless they fill a file of this size."""
    offset = head.size
    for member in head.members:
        member.offset = offset
        offset += member.stored
    if offset > size:
        raise FormatError("%s is truncated: %d of its %d bytes are there" % (label, size, offset))
    if offset < size:
        raise FormatError("%s has %d bytes too many" % (label, size - offset))
    total = sum([member.size for member in head.members])
    if limit is not None and total > limit:
        raise FormatError("%s is too large: %d bytes, at most %d are allowed" % (label, total, limit))


def _encode(name, data, compress):
    """(Member, stored bytes) of one member."""
    body, encoding = data, "none"
    packed = compress and _compressed(data) or data
    if len(packed) < len(data):
        body, encoding = packed, "zlib"
    return manifest.Member(digests.sha256_of(data), len(data), len(body), encoding, name), body


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
