"""Bytes and text under every Python from 2.5 to 3.14, which share neither their names nor their literals."""

import sys

PYTHON_3 = sys.version_info[0] >= 3
BYTES = type("".encode("ascii"))
TEXT = type("".encode("ascii").decode("ascii"))

try:
    from io import BytesIO  # novm: Python 2.5 takes the other branch
except ImportError:
    from cStringIO import StringIO as BytesIO  # noqa: F401


def to_bytes(text):
    """UTF-8 of text. Bytes are returned as they are."""
    if isinstance(text, BYTES):
        return text
    return without_lone_surrogates(text).encode("utf-8")


def to_text(data):
    """Text from text, or from UTF-8 bytes in which damage is shown as U+FFFD."""
    if isinstance(data, TEXT):
        return without_lone_surrogates(data)
    return data.decode("utf-8", "replace")


def without_lone_surrogates(text):
    """The text with U+FFFD for each half of a surrogate pair, which UTF-8 cannot carry.

    Such halves come from undecodable file names (PEP 383). Python 2 encodes them without asking a handler.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def reason(error):
    """The words of an exception, on one line, without Python's own `[Errno 2]`."""
    if isinstance(error, EnvironmentError) and error.strerror:
        return to_text(error.strerror)
    return " ".join(message_of(error).split()) or error.__class__.__name__


def message_of(error):
    """str(error) as text, whatever its __str__ does."""
    try:
        return to_text(str(error))
    except UnicodeError:  # Python 2: str() of an exception with a unicode message
        try:
            return to_text(TEXT(error))
        except Exception:
            return to_text("(the message cannot be shown)")
    except Exception:
        return to_text("(the message cannot be shown)")
