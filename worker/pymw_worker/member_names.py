"""Names of members: relative paths that can be unpacked on any volunteer's file system."""

import re

from pymw_worker import text
from pymw_worker.errors import FormatError

MAX_NAME = 512  # bytes of UTF-8
MAX_PART = 120

# What Windows forbids in file names, the separator of Windows, and control characters.
_FORBIDDEN = re.compile('[\\x00-\\x1f\\x7f<>:"|?*\\\\]')
_DEVICE = re.compile("(con|prn|aux|nul|com[0-9]|lpt[0-9])(\\.|$)")


def check(names, label):
    """Raise FormatError unless all names can be unpacked side by side into one folder on any computer.

    names: list of text. label: the file they belong to, for the message.
    """
    files, folders = {}, {}
    for name in names:
        problem = _problem(name)
        if problem:
            raise FormatError("%s has a member named %s, which %s" % (label, _shown(name), problem))
        parts = _folded(name).split("/")
        path = "/".join(parts)
        if path in files or path in folders:
            raise FormatError("%s has two members named %s" % (label, _shown(name)))
        files[path] = True
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folder in files:
                raise FormatError("%s has %s as a file and as a folder" % (label, _shown(folder)))
            folders[folder] = True


def _problem(name):
    """Why this name cannot travel, or None."""
    if len(text.to_bytes(name)) > MAX_NAME:
        return "is too long"
    if _FORBIDDEN.search(name):
        return "holds a character that file names on Windows cannot have"
    for part in name.split("/"):
        if part in ("", ".", ".."):
            return "is not a plain relative path"
        if part[-1] in ". ":
            return "has a part that ends in a dot or a space, which Windows drops"
        if len(text.to_bytes(part)) > MAX_PART:
            return "has a part of more than %d bytes" % MAX_PART
        if _DEVICE.match(part.lower()):
            return "is a device on Windows"
    return None


def _folded(name):
    """The name as the most careless file system compares it: no case, one Unicode form."""
    try:
        name.encode("ascii")
    except UnicodeError:
        import unicodedata

        name = unicodedata.normalize("NFC", name)
    return name.lower()


def _shown(name):
    """A stranger's name, short and without control characters."""
    return _FORBIDDEN.sub("?", name[:80])
