"""A task as one file that any Python runs: python PROGRAM INPUT OUTPUT.

The file is a zip of the worker with a code bundle in it. For the interfaces that users wrote for the original
PyMW, which start such a program where they like: with ssh, in a queue, on another machine.
"""

import os
import shutil
import sys
import tempfile

from pymw_worker import __main__ as worker
from pymw_worker import environment, names
from pymw_worker.boinc import slot
from pymw_worker.interruption import Interrupted, Interruption

LOG_SUFFIX = ".log"


def main():
    """Run the task with the arguments of this process, and exit.

    Status 0: OUTPUT says what became of it, also if the function raised an exception.
    """
    if len(sys.argv) != 3:
        sys.stderr.write("usage: python %s INPUT OUTPUT\n" % sys.argv[0])
        sys.exit(2)
    given, output = [os.path.abspath(path) for path in sys.argv[1:]]
    folder = tempfile.mkdtemp("", "pymw-")
    try:
        bundle = os.path.join(folder, names.BUNDLE)
        _extract(bundle)
        options = worker.parse(
            ["--bundle", bundle, "--arguments", given, "--result", output, "--log", output + LOG_SUFFIX]
        )
        code = _run(slot.Slot(folder), options)
    finally:
        shutil.rmtree(folder, True)
    sys.exit(code)


def _run(here, options):
    interruption = Interruption()
    try:
        return worker.run(here, options, interruption)
    except Interrupted:
        return 128 + interruption.signal


def _extract(path):
    """Copy the code bundle out of the zip that we are in."""
    import zipfile

    archive = zipfile.ZipFile(environment.archive())
    try:
        stream = open(path, "wb")
        try:
            stream.write(archive.read(names.BUNDLE))
        finally:
            stream.close()
    finally:
        archive.close()
