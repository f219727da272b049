"""What the worker says: lines on stderr, which under a client is a file that goes back to the project."""

import os
import stat
import sys
import time

from pymw_worker.text import to_text


def say(text):
    """Write one message in the form that all BOINC applications use: `YYYY-mm-dd HH:MM:SS (pid): text`."""
    write("%s (%d): %s\n" % (time.strftime("%Y-%m-%d %H:%M:%S"), os.getpid(), text))


def write(text):
    """Write text to stderr. Never raises: a message that can't be written must not end the work."""
    try:
        try:
            sys.stderr.write(text)
        except UnicodeError:  # stderr has another encoding, or this is Python 2
            sys.stderr.write(to_text(text).encode("ascii", "backslashreplace").decode("ascii"))
        sys.stderr.flush()
    except (AttributeError, EnvironmentError, ValueError):
        pass


def open_stderr(folder):
    """Under a client, give this process a stderr if it has none that goes to a file.

    The client on Windows starts us without any handles, and expects us to append to the slot's stderr.txt;
    what Windows puts in their place leads to a console that nobody can see.
    """
    if not _goes_somewhere(sys.stderr) and os.path.exists(os.path.join(folder, "init_data.xml")):
        try:
            sys.stderr = open(os.path.join(folder, "stderr.txt"), "a")
        except EnvironmentError:
            pass


def _goes_somewhere(stream):
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (AttributeError, EnvironmentError, ValueError):
        return False
    return os.name != "nt" or stat.S_ISREG(mode)
