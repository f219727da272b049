"""Checkpoints: a task's state that survives its process, so that a volunteer can switch the computer off.

    state = checkpoint.load({"i": 0})
    while state["i"] < n:
        ...
        checkpoint.save(state)

Outside a worker `load` returns its default and `save` does nothing.
"""

import os
import pickle
import sys

from pymw_worker import container, names
from pymw_worker.errors import FormatError

KIND = "checkpoint"


def save(state):
    """Keep the state. When it returns, the state is on the disk and the client may stop the task at any time.

    state: whatever can be pickled. Raises what pickle raises, OSError or IOError; the previous state stays
    then.
    """
    path = _path()
    if path:
        container.write(path, KIND, {}, {"state": _pickler().dumps(state, pickle.HIGHEST_PROTOCOL)})


def load(default=None):
    """The state last saved, or `default` if there is none or it cannot be read any more."""
    path = _path()
    if not path or not os.path.exists(path):
        return default
    try:
        return pickle.loads(container.read(path, KIND).read("state"))
    except FormatError:
        reason = sys.exc_info()[1]
    except Exception:  # pickle raises anything; another Python may have written it
        reason = "%s: %s" % sys.exc_info()[:2]
    sys.stderr.write("pymw worker: starting afresh, the checkpoint cannot be used: %s\n" % (reason,))
    return default


def _path():
    slot = os.environ.get(names.SLOT_VARIABLE)
    return slot and os.path.join(slot, names.CHECKPOINT)


def _pickler():
    """cloudpickle where the function came by it: it alone knows classes that came by value."""
    return sys.modules.get("cloudpickle", pickle)
