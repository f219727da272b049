"""Words on a line: any path can travel in one, with spaces, line ends and whatever else is in it."""

import os
import re

from pymw_worker import text

# What stands for itself. All else is %XX for each byte of UTF-8, or of what stands for the path on Unix.
_PLAIN = re.compile("[A-Za-z0-9/._=,:@+~-]")
_ESCAPED = re.compile("%([0-9A-Fa-f]{2})")


def escape(word):
    """Return a word as ASCII text without spaces or control characters; words of a line have one in between.

    word: str, or the bytes of a path.
    """
    if not isinstance(word, text.BYTES):
        word = _encoded(word)
    return "".join([_escaped(byte) for byte in word.decode("latin-1")])


def unescape(word):
    """Return the str that `escape` was given. Raises ValueError."""
    if "%" in _ESCAPED.sub("", word):
        raise ValueError("a percent sign without two hexadecimal digits")
    data = _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), word)
    if text.PYTHON_3:
        data = data.encode("latin-1")
    return _decoded(data)


def _escaped(byte):
    if _PLAIN.match(byte):
        return str(byte)
    return "%%%02X" % ord(byte)


def _encoded(word):
    if hasattr(os, "fsencode"):
        return os.fsencode(word)  # novm: Python 3.2
    return word.encode("utf-8")


def _decoded(data):
    if hasattr(os, "fsdecode"):
        return os.fsdecode(data)  # novm: Python 3.2
    if text.PYTHON_3:
        return data.decode("utf-8")
    if os.name == "nt":
        return data.decode("utf-8").encode("mbcs")
    return data
