"""How the task is started: its command line and its environment variables."""

import os
import sys

import pymw_worker
from pymw_worker import names

_BOOT = "import sys;sys.path[0]=sys.argv.pop(1);import pymw_worker.task as m;m.main()"

# The client puts its own folders in here, as relative paths.
_OF_CLIENT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def command(bundle, arguments, slot):
    """Return the command line of the task's process."""
    return [sys.executable, "-c", _BOOT, archive(), bundle, arguments, slot]


def archive():
    """Return the absolute path of the worker archive, or of the folder, that we are imported from."""
    return os.path.dirname(os.path.dirname(os.path.abspath(pymw_worker.__file__)))


def variables(inherited, slot, scratch, has_client):
    """Return the task's environment variables.

    inherited: ours. slot: absolute path of the slot folder. scratch: ... of the folder for temporary files,
    which is in the slot so that the client counts and cleans it.
    """
    result = {}
    for name, value in inherited.items():
        if not name.upper().startswith("PYTHON") and not (has_client and name in _OF_CLIENT):
            result[name] = value
    # -E on the command line would do the same to all PYTHON variables, but to these as well.
    result["PYTHONHASHSEED"] = "0"  # replicas order their sets alike
    result["PYTHONIOENCODING"] = "utf-8:backslashreplace"  # a volunteer's locale must not make print fail
    result[names.SLOT_VARIABLE] = slot
    for name in ("TMPDIR", "TEMP", "TMP"):
        result[name] = scratch
    return result
