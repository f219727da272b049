"""The code bundle: a function with its modules and data files, downloaded once per volunteer."""

import os
import re
import sys

from pymw_worker import container, member_names, names, text
from pymw_worker.errors import FormatError

KIND = "bundle"
PICKLE = "pickle"  # cloudpickle bytes: this exact minor version of Python
SOURCE = "source"  # Python source: a range of versions

_PYTHON = re.compile("([0-9])\\.([0-9]{1,3})(-(?:([0-9])\\.([0-9]{1,3}))?)?\\Z")
_MODULE = re.compile("[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)*\\Z")
_MODULES, _FILES = "modules/", "files/"


class Bundle(object):
    """A code bundle whose head has been checked.

    form: PICKLE or SOURCE. entry: name of the function. python: versions that it can run under ("3.11",
    "3.6-", "2.7-3.12"). requires: list of modules that must be importable. digest: SHA-256 of the manifest.
    """

    def __init__(self, box):
        self._box = box
        self.digest = box.digest
        self.form = _fact(box, "form")
        self.entry = _fact(box, "entry")
        self.python = _fact(box, "python")
        self.requires = [name for name in box.facts.get("requires", "").split(",") if name]
        check_python(self.python)
        if self.form not in (PICKLE, SOURCE):
            raise FormatError("the code bundle has the unknown form %r" % (self.form,))
        for name in self.requires:
            if not _MODULE.match(name):
                raise FormatError("the code bundle requires %r, which is no module's name" % (name,))
        self._paths = _paths(box.members)

    def function(self):
        """The bytes of the function: a pickle or Python source. Raises FormatError."""
        return self._box.read("function")

    def unpack(self, folder):
        """Put modules and data files into `folder`. Raises FormatError, OSError or IOError.

        A file that is there already stays as it is: the task has been here before and may have changed it.
        """
        for name, path in sorted(self._paths.items()):
            target = os.path.join(folder, *path.split("/"))
            if not os.path.exists(target):
                if not os.path.isdir(os.path.dirname(target)):
                    os.makedirs(os.path.dirname(target))
                self._box.extract(name, target)


def pack(form, entry, python, function, modules=None, files=None, requires=(), cloudpickle=None):
    """The bytes of a code bundle. Raises FormatError for names that cannot travel.

    form, entry, python, requires: as in Bundle. function: bytes. modules, files: dictionaries of bytes by
    relative path ("helper.py", "package/__init__.py"; "tables/a.csv"). cloudpickle: its version, for PICKLE.
    """
    facts = {"form": form, "entry": entry, "python": python}
    if requires:
        facts["requires"] = ",".join(sorted(requires))
    if cloudpickle:
        facts["cloudpickle"] = cloudpickle
    members = {"function": function}
    for prefix, contents in ((_MODULES, modules), (_FILES, files)):
        for path, data in (contents or {}).items():
            members[prefix + path] = data
    check_python(python)
    _paths(members)
    return container.pack(KIND, facts, members, compress=True)


def read(source):
    """Read a code bundle (path or bytes) and check its head; returns a Bundle. Raises FormatError."""
    return Bundle(container.read(source, KIND))


def accepts(python, version=sys.version_info):
    """Whether a Python of this version may run what needs `python` ("3.11", "3.6-" or "2.7-3.12")."""
    oldest, newest = check_python(python)
    return oldest <= tuple(version[:2]) and (newest is None or tuple(version[:2]) <= newest)


def check_python(python):
    """The oldest and the newest minor version of "3.11", "3.6-" or "2.7-3.12", as pairs; None for no limit.

    Raises FormatError.
    """
    found = _PYTHON.match(python)
    if not found:
        raise FormatError("%r is no range of Python versions such as 3.11 or 2.7-3.12" % (python,))
    major, minor, dash, last_major, last_minor = found.groups()
    oldest = (int(major), int(minor))
    if last_major:
        return oldest, (int(last_major), int(last_minor))
    if dash:
        return oldest, None
    return oldest, oldest


def _fact(box, name):
    if name not in box.facts:
        raise FormatError("the code bundle does not say its %s" % name)
    return box.facts[name]


def _paths(members):
    """Where each member lands in the task's folder, by member name, without the function itself."""
    if "function" not in members:
        raise FormatError("the code bundle holds no function")
    paths = {}
    for name in members:
        prefix = name[: name.find("/") + 1]
        if prefix in (_MODULES, _FILES):
            paths[name] = text.to_text(name[len(prefix) :])
        elif name != "function":
            raise FormatError("the code bundle has the unknown member %r" % (name,))
    member_names.check(list(paths.values()) + [names.MAIN], "the code bundle")
    return paths
