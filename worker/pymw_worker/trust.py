"""Whose code may run here: checked before anything of a bundle is opened, unpickled or imported.

The keys stand in the app version's configuration, which BOINC's code signature covers; the launcher hands
them over. Without keys, as by hand, everything may run. docs/security.md says what this protects, and what
not.
"""

import os
import re

from pymw_worker import arguments, bundle, container, signatures, text
from pymw_worker.errors import Unloadable

_ID = re.compile("[0-9a-f]{16}\\Z")

# What `import` would find in the task's folder before the module that was signed or is installed.
_IMPORTABLE = (".py", ".pyc", ".pyo", ".pyw", ".so", ".sl", ".pyd", ".dll", ".dylib", ".pth", ".egg")


class Trust(object):
    """The keys that may sign. keys: dictionary of public keys (bytes) by id. revoked: ids of former keys."""

    def __init__(self, keys, revoked=()):
        self.revoked = list(revoked)
        self.keys = keys

    def check(self, bundle_path, arguments_path, task="", run="", data=()):
        """Raise Unloadable or FormatError unless the files may be run here.

        task, run: what the workunit says it is, which the signed arguments must say as well. data: pairs of
        name and path of further files in the task's folder; these are not signed, and must not be taken for
        code.
        """
        code = container.read(bundle_path, bundle.KIND)
        given = container.read(arguments_path, arguments.KIND)
        self._check_signed(code, bundle.KIND, "the code bundle")
        self._check_signed(given, arguments.KIND, "the arguments file")
        if given.facts.get("bundle") != code.digest:
            raise Unloadable("the arguments were signed for another code bundle")
        for fact, wanted in (("task", task), ("run", run)):
            if given.facts.get(fact, "") != text.to_text(wanted):
                raise Unloadable("the arguments were signed for another %s than the workunit says" % fact)
        _check_data(data, code)

    def _check_signed(self, box, kind, what):
        known = signatures.signers(box, kind, self.keys)
        if [name for name in known if name not in self.revoked]:
            return
        if known:
            raise Unloadable("%s is signed with the key %s, which has been revoked" % (what, known[0]))
        claimed = signatures.claimed(box)
        if not claimed:
            raise Unloadable("%s is not signed, and this application runs signed code alone" % what)
        if claimed[0] in self.keys:
            raise Unloadable("%s has a signature of the key %s that is wrong" % (what, claimed[0]))
        raise Unloadable(
            "%s is signed with the key %s, which this application does not trust" % (what, claimed[0])
        )


def parse(keys, revoked=None):
    """A Trust from the configuration's words: public keys, and ids of revoked ones, separated by commas.

    Returns None without keys: then everything may run. Raises ValueError.
    """
    if keys is None:
        return None
    found = {}
    for digits in keys.split(","):
        public = signatures.public_key(digits.strip())
        found[signatures.key_id(public)] = public
    gone = [name.strip() for name in (revoked or "").split(",") if name.strip()]
    for name in gone:
        if not _ID.match(name):
            raise ValueError("%r is no key's id of 16 hexadecimal digits" % (name,))
    return Trust(found, gone)


def check_names(names):
    """Raise Unloadable unless the names are of files in the slot."""
    for name in names:
        parts = name.replace("\\", "/").split("/")
        if name[:1] in "/\\" or ":" in name or ".." in parts:
            raise Unloadable("the workunit names the file %s, which is not in its slot" % name)


def _check_data(data, code):
    """Data files must not replace what was signed: a file of the bundle, or any module."""
    signed = set([name[name.find("/") + 1 :].lower() for name in code.members])
    for name, path in data:
        if not os.path.isfile(path):
            raise Unloadable("the data file %s is no file" % name)
        for part in name.lower().split("/"):
            if os.path.splitext(part)[1] in _IMPORTABLE:
                raise Unloadable("the data file %s is not signed, and could be taken for code" % name)
        if name.lower() in signed:
            raise Unloadable("the data file %s would replace a file of the code bundle" % name)
