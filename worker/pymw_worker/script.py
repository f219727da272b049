"""Runs a script as a task: a program whose arguments are the names of its input and output file."""

import os
import sys


def run(name, data):
    """Run a script of the current folder with these bytes as its input; return its output file's bytes.

    Raises RuntimeError if it ends with another exit status than 0, or writes no output; what it raises
    itself.
    """
    given, output = os.path.abspath("pymw_in.dat"), os.path.abspath("pymw_out.dat")
    stream = open(given, "wb")
    stream.write(data)
    stream.close()
    sys.argv[:] = [name, given, output]
    stream = open(name, "rb")
    source = stream.read()
    stream.close()
    try:
        exec(
            compile(source, name, "exec", 0, True),
            {"__name__": "__main__", "__file__": os.path.abspath(name)},
        )
    except SystemExit:
        status = sys.exc_info()[1].code
        if status not in (None, 0):
            raise RuntimeError("the script %s ended with the exit status %s" % (name, status))
    if not os.path.exists(output):
        raise RuntimeError("the script %s wrote no output file, whose name is its second argument" % name)
    stream = open(output, "rb")
    try:
        return stream.read()
    finally:
        stream.close()
