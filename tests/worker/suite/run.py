"""Runs the worker's promises under any Python from 2.5 on, with nothing but its standard library.

    python run.py [WORD ...]      only modules whose name contains one of the words

Every check_*.py in this folder is a module of unittest cases.
"""

import os
import sys
import unittest

SUITE = os.path.dirname(os.path.abspath(__file__))
WORKER = os.path.join(SUITE, os.pardir, os.pardir, os.pardir, "worker")


def main(words):
    sys.dont_write_bytecode = True
    sys.path[:0] = [os.path.abspath(WORKER), SUITE]
    names = [
        name[:-3] for name in sorted(os.listdir(SUITE)) if name.startswith("check_") and name.endswith(".py")
    ]
    chosen = [name for name in names if not words or [word for word in words if word in name]]
    tests = unittest.defaultTestLoader.loadTestsFromNames(chosen)
    if not tests.countTestCases():
        sys.exit("no module of the suite is named like %s" % " ".join(words))
    if not unittest.TextTestRunner(verbosity=2).run(tests).wasSuccessful():
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
