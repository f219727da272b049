"""Functions that try the worker's patience. Each travels as its source: it imports what it needs itself."""


def crash():  # type: ignore[no-untyped-def]
    """Read where there is no memory, as compiled code with a defect does."""
    import faulthandler

    faulthandler._read_null()  # type: ignore[attr-defined]


def run_out_of_memory():  # type: ignore[no-untyped-def]
    """Ask for more than there is."""
    return [bytearray(500000000) for _ in range(9)]


def shout():  # type: ignore[no-untyped-def]
    """Print 100 MB."""
    import sys

    for _ in range(100):
        sys.stdout.write("x" * 1000000)
    return "said"


def close_everything():  # type: ignore[no-untyped-def]
    """Close all files."""
    import os

    os.closerange(0, 512)
    return "closed"


def replace_streams():  # type: ignore[no-untyped-def]
    """Leave nothing to print to."""
    import sys

    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None  # type: ignore[misc]
    return "replaced"


def move():  # type: ignore[no-untyped-def]
    """Work somewhere else."""
    import os

    os.chdir(os.sep)
    return "moved"


def delete_own_folder():  # type: ignore[no-untyped-def]
    """Remove the current folder. Windows keeps it, as it is in use, but not what is in it."""
    import os
    import shutil

    shutil.rmtree(".", True)
    return len([name for _, _, names in os.walk(".") for name in names])


def return_a_lambda():  # type: ignore[no-untyped-def]
    """Return what cannot be pickled."""
    return [lambda: 0]


def leave_children():  # type: ignore[no-untyped-def]
    """Start processes that start processes, and return."""
    import subprocess
    import sys

    sleep = "import time; time.sleep(60)"
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', '" + sleep + "']); " + sleep
    for _ in range(2):
        subprocess.Popen([sys.executable, "-c", code])
    return "left"
