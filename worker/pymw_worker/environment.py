"""How the task is started: its command line and its environment variables."""

import os
import sys

import pymw_worker
from pymw_worker import names, process

_BOOT = "import sys;sys.path[0]=sys.argv.pop(1);import pymw_worker.task as m;m.main()"
# What a task's process has loaded before it loads the bundle is told apart from what only we need.
_BOOT_RESIDENT = (
    "import sys;sys.path[0]=sys.argv.pop(1);import pymw_worker.function,pymw_worker.task;"
    "loaded=set(sys.modules);import pymw_worker.resident as m;m.main(loaded)"
)

# The client puts its own folders in here, as relative paths.
_OF_CLIENT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def start(words, folder, environment):
    """Start the process of a task and return its Tree. words: paths of bundle, arguments and slot."""
    return process.spawn([sys.executable, "-c", _BOOT, archive()] + words, folder, environment)


def starter(interruption, loaded):
    """Return what starts a task's process, and is called as `start`.

    interruption: what listens to this process's signals. loaded: None, or the names of the modules that a
    task's process has before it loads its bundle: then this process was started as a task's is, with its
    environment variables, and a fork of it will do.
    """
    if loaded is None:
        return start
    from pymw_worker import forking

    return forking.Forker(interruption, loaded).start


def resident_command():
    """Return the command line of a worker that stays and runs one task after another."""
    return [sys.executable, "-c", _BOOT_RESIDENT, archive()]


def archive():
    """Return the absolute path of the worker archive, or of the folder, that we are imported from."""
    return os.path.dirname(os.path.dirname(os.path.abspath(pymw_worker.__file__)))


def variables(inherited, slot, scratch, has_client):
    """Return the task's environment variables.

    inherited: ours. slot: absolute path of the slot folder. scratch: ... of the folder for temporary files,
    which is in the slot so that the client counts and cleans it.
    """
    result = common_variables(inherited, has_client)
    result[names.SLOT_VARIABLE] = slot
    for name in ("TMPDIR", "TEMP", "TMP"):
        result[name] = scratch
    return result


def common_variables(inherited, has_client):
    """Return the environment variables that all tasks have: ours, without what would make replicas differ."""
    result = {}
    for name, value in inherited.items():
        ours = name.upper().startswith("PYTHON") or name == names.SUBREAPER_VARIABLE
        if not ours and not (has_client and name in _OF_CLIENT):
            result[name] = value
    # -E on the command line would do the same to all PYTHON variables, but to these as well.
    result["PYTHONHASHSEED"] = "0"  # replicas order their sets alike
    result["PYTHONIOENCODING"] = "utf-8:backslashreplace"  # a volunteer's locale must not make print fail
    return result
