"""The worker's own files in the slot: what to keep of an earlier run, what to clear away."""

import os
import stat

from pymw_worker import container, durable, names, outcome, state
from pymw_worker.errors import FormatError

SCRATCH = "pymw_scratch"

_FOLDERS = (names.TASK_FOLDER, SCRATCH)
_FILES = (names.OUTCOME, names.TRACEBACK, names.PROGRESS, names.CHECKPOINT, names.STATE)


class Workspace(object):
    """Files of one job in one slot folder.

    state: what is remembered of earlier runs. has_checkpoint: whether the task can go on where it was.
    """

    def __init__(self, slot, bundle, arguments):
        """bundle, arguments: paths of the job's input files, whose contents tell one job from another."""
        self._slot = slot
        self.state = state.read(slot.path(names.STATE), _job(bundle, arguments))
        self.has_checkpoint = False

    def has_outcome(self):
        """Return whether an earlier run has left a whole outcome, which only has to be delivered."""
        if self.state.starts == 0:
            return False
        try:
            outcome.read(self._slot.path(names.OUTCOME))
        except FormatError:
            return False
        return True

    def prepare(self, may_go_on=True):
        """Make the folders for a run of the task. Raises EnvironmentError.

        may_go_on: whether a checkpoint may be used.

        The leftovers of another job are cleared away; those of an earlier run of this one are kept if there
        is a checkpoint that fits them.
        """
        durable.sweep(self._slot.folder)
        if self.state.starts == 0 or not may_go_on:
            self.clear()
        self.has_checkpoint = os.path.exists(self._slot.path(names.CHECKPOINT))
        if not self.has_checkpoint:
            self.state.cpu = self.state.elapsed = 0.0
            remove(self._slot.path(names.TASK_FOLDER))
        for name in (SCRATCH, names.OUTCOME, names.TRACEBACK, names.PROGRESS):
            remove(self._slot.path(name))
        for name in _FOLDERS:
            if not os.path.isdir(self._slot.path(name)):
                os.mkdir(self._slot.path(name))

    def remember(self):
        """Write the state. Raises EnvironmentError."""
        self.state.write(self._slot.path(names.STATE))

    def clear(self):
        """Remove all of it. Raises EnvironmentError."""
        for name in _FOLDERS + _FILES:
            remove(self._slot.path(name))


def place(source, folder, name):
    """Let the task see a file as `name` in its folder. Raises EnvironmentError.

    A link where links to files are harmless, a copy elsewhere: inputs may be large.
    """
    target = os.path.join(folder, *name.split("/"))
    if os.path.lexists(target):
        return  # from before a checkpoint; the task may have changed it
    os.stat(source)
    if not os.path.isdir(os.path.dirname(target)):
        os.makedirs(os.path.dirname(target))
    if os.name == "nt":
        import shutil

        shutil.copyfile(source, target)
    else:
        os.symlink(source, target)


def remove(path):
    """Remove a file or a folder with all that is in it, if it is there. Raises EnvironmentError."""
    if os.path.islink(path) or not os.path.isdir(path):
        if os.path.lexists(path):
            os.remove(path)
        return
    try:  # most tasks leave a few files, and the whole of shutil takes longer to import than they run
        for name in os.listdir(path):
            os.remove(os.path.join(path, name))
        os.rmdir(path)
    except EnvironmentError:
        _remove_tree(path)


def _remove_tree(path):
    import shutil

    shutil.rmtree(path, True)
    if os.path.exists(path):  # the task may have taken away permissions
        os.chmod(path, stat.S_IRWXU)
        for folder, folders, files in os.walk(path):
            for inside in [os.path.join(folder, name) for name in folders + files]:
                if not os.path.islink(inside):
                    os.chmod(inside, stat.S_IRWXU)
        shutil.rmtree(path)


def _job(bundle, arguments):
    return "%s-%s" % (_digest(bundle, "bundle"), _digest(arguments, "arguments"))


def _digest(path, kind):
    """SHA-256 of a container's manifest, which names every byte of it."""
    try:
        return container.read(path, kind).digest
    except FormatError:
        return "unreadable"  # the task will say what is wrong with it
