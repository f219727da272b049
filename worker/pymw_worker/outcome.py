"""The result of a task: what became of it.

Equal bytes for equal values, so that replicas can be compared bitwise.
"""

import re

from pymw_worker import container, text
from pymw_worker.errors import FormatError

KIND = "result"

VALUE = "value"  # the function returned
EXCEPTION = "exception"  # the function raised
UNLOADABLE = "unloadable"  # the function could not be loaded here
UNRETURNABLE = "unreturnable"  # the value could not be pickled, or is larger than allowed
MEMORY = "memory"  # the task ran out of memory
DIED = "died"  # the task's process ended without an outcome
STATUSES = (VALUE, EXCEPTION, UNLOADABLE, UNRETURNABLE, MEMORY, DIED)

REFUSED = "untrusted"  # type of UNLOADABLE: nobody who is trusted has signed it

MAX_MESSAGE = 10000  # characters

_ADDRESS = re.compile(" at 0x[0-9a-fA-F]+")


class Outcome(object):
    """What a result file says.

    status: one of STATUSES. type, message: name and text of the exception, or the reason in one sentence; ""
    if the function returned; for UNLOADABLE the type is the kind of the Unloadable. value_bytes: pickle of
    the value, for VALUE, else None. exception_bytes: pickle of the exception, for EXCEPTION, if it could be
    pickled, else None. Pickles of strangers: never load them freely.
    """

    def __init__(self, status, type="", message="", value_bytes=None, exception_bytes=None):
        self.status = status
        self.type = type
        self.message = message
        self.value_bytes = value_bytes
        self.exception_bytes = exception_bytes


def write(path, status, type="", message="", value_bytes=None, exception_bytes=None):
    """Write a result file durably; the arguments are Outcome's. Raises OSError or IOError."""
    facts = {"status": status}
    if type:
        facts["type"] = _shortened(type)
    if message:
        # Addresses in memory, as in <Thing object at 0x7f...>, would make replicas differ.
        facts["message"] = _shortened(_ADDRESS.sub("", text.to_text(message)))
    members = {}
    if value_bytes is not None:
        members["value"] = value_bytes
    if exception_bytes is not None:
        members["exception"] = exception_bytes
    # Never compressed: zlib and zlib-ng compress the same bytes differently.
    container.write(path, KIND, facts, members)


def _shortened(words):
    return text.to_text(words)[:MAX_MESSAGE]


def write_died(path, message):
    """Write the result of a task whose process ended without an outcome; message: how, in one sentence."""
    write(path, DIED, message=message)


def read(source, limit=None):
    """Read a result file (path or bytes) and check all of it; returns an Outcome.

    limit: the most bytes that the value may have; None for no limit. Raises FormatError.
    """
    box = container.read(source, KIND, limit)
    status = str(box.facts.get("status", ""))
    if status not in STATUSES:
        raise FormatError("the result has the unknown status %r" % (status,))
    expected = {VALUE: [["value"]], EXCEPTION: [[], ["exception"]]}.get(status, [[]])
    if sorted(box.members) not in expected:
        raise FormatError("the result with the status %s has other members than it should" % status)
    contents = {}
    for name, member in box.members.items():
        if member.encoding != "none":
            raise FormatError("the result is compressed, which results never are")
        contents[name] = box.read(name)
    return Outcome(
        status,
        box.facts.get("type", ""),
        box.facts.get("message", ""),
        contents.get("value"),
        contents.get("exception"),
    )
