"""The arguments of one task."""

from pymw_worker import container
from pymw_worker.errors import FormatError

KIND = "arguments"


class Arguments(object):
    """bundle: SHA-256 of the manifest of the code bundle that they belong to. task: the master's name of the
    task.

    pickle: bytes of the pickled pair (args, kwargs).
    """

    def __init__(self, bundle, task, pickle):
        self.bundle = bundle
        self.task = task
        self.pickle = pickle


def pack(bundle, task, pickle):
    """The bytes of an arguments file; the parameters are those of Arguments."""
    return container.pack(KIND, {"bundle": bundle, "task": task}, {"arguments": pickle}, compress=True)


def read(source):
    """Read an arguments file (path or bytes) and check all of it; returns Arguments. Raises FormatError."""
    box = container.read(source, KIND)
    if list(box.members) != ["arguments"] or "bundle" not in box.facts:
        raise FormatError("the arguments file has other contents than it should")
    return Arguments(box.facts["bundle"], box.facts.get("task", ""), box.read("arguments"))
