"""The arguments of one task."""

from pymw_worker import container
from pymw_worker.errors import FormatError

KIND = "arguments"


class Arguments(object):
    """bundle: SHA-256 of the manifest of the code bundle that they belong to. task, run: the master's names
    of the task, and of the run that it is part of.

    pickle: bytes of the pickled pair (args, kwargs).
    """

    def __init__(self, bundle, task, pickle, run=""):
        self.bundle = bundle
        self.task = task
        self.run = run
        self.pickle = pickle


def pack(bundle, task, pickle, run=""):
    """The bytes of an arguments file; the parameters are those of Arguments."""
    facts = {"bundle": bundle, "task": task}
    if run:
        facts["run"] = run
    return container.pack(KIND, facts, {"arguments": pickle}, compress=True)


def read(source):
    """Read an arguments file (path or bytes) and check all of it; returns Arguments. Raises FormatError."""
    box = container.read(source, KIND)
    if list(box.members) != ["arguments"] or "bundle" not in box.facts:
        raise FormatError("the arguments file has other contents than it should")
    facts = box.facts
    return Arguments(facts["bundle"], facts.get("task", ""), box.read("arguments"), facts.get("run", ""))
