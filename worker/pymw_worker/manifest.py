"""The head of a container: first line, facts, members, and the seals below. docs/formats.md describes it."""

import re

from pymw_worker import digests, member_names, text
from pymw_worker.errors import FormatError

VERSION = 1
MAX_HEAD = 1 << 20  # bytes of manifest and seals; some 8000 members

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


class Head(object):
    """What the head of a container says.

    facts: dictionary, text to text. members: list of Member. digest: SHA-256 of the manifest. signatures:
    list of lines, unchecked. size: bytes of the head itself.
    """

    def __init__(self, facts, members, digest, signatures, size):
        self.facts = facts
        self.members = members
        self.digest = digest
        self.signatures = signatures
        self.size = size


def pack(kind, facts, members):
    """The bytes of a head. Raises FormatError.

    facts: dictionary of text by name. members: list of Member in the order of their names' UTF-8.
    """
    lines = ["PYMW %d %s\n" % (VERSION, kind)]
    for name in sorted(facts):
        line = "%s: %s" % (name, _escape(text.to_text(facts[name])))
        if not _FACT.match(line):
            raise FormatError("%r cannot be the name of a fact" % (name,))
        lines.append(line + "\n")
    member_names.check([member.name for member in members], "the container")
    lines += [member.line() for member in members]
    manifest = "".encode("ascii").join([text.to_bytes(line) for line in lines + ["\n"]])
    head = manifest + text.to_bytes("sha256 %s\n\n" % digests.sha256_of(manifest))
    if len(head) > MAX_HEAD:
        raise FormatError("the manifest has %d bytes; at most %d are allowed" % (len(head), MAX_HEAD))
    return head


def sealed(data, seal):
    """The bytes of a container with one more line in its seals. Raises FormatError.

    seal: the line, without its end. It is put last: a signature covers the manifest, not the other seals.
    """
    end = _after_empty_line(data[:MAX_HEAD], _after_empty_line(data[:MAX_HEAD], 0, "the data"), "the data")
    added = text.to_bytes(seal + "\n")
    if end + len(added) > MAX_HEAD:
        raise FormatError("the manifest has no room for another signature")
    return data[: end - 1] + added + data[end - 1 :]


def parse(data, kind, label):
    """Read the head at the beginning of data, which are the first MAX_HEAD bytes of a container, or all.

    kind: the kind that it must be. label: what to call the file in messages. Returns a Head. Raises
    FormatError.
    """
    _check_first_line(data, kind, label)
    end = _after_empty_line(data, 0, label)
    size = _after_empty_line(data, end, label)
    seals = _decode(data[end:size], label).split("\n")[:-2]
    digest = digests.sha256_of(data[:end])
    if seals[0] != "sha256 " + digest:
        raise FormatError("%s is damaged: its manifest does not have its declared SHA-256" % label)
    facts, members = _parse_lines(_decode(data[:end], label).split("\n")[1:-2], label)
    return Head(facts, members, digest, seals[1:], size)


def _check_first_line(head, kind, label):
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
    if members != sorted(members, key=lambda member: text.to_bytes(member.name)):
        raise FormatError("%s is damaged: its members are not in order" % label)
    member_names.check([member.name for member in members], label)
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
