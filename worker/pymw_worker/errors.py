"""The worker's exceptions. Each message is one sentence.

Exception
    ValueError
        FormatError     a file is not what it should be
    Unloadable          the function cannot be loaded on this computer
    Unreturnable        what the function returned cannot be sent back
"""


class FormatError(ValueError):
    """A file is not what it should be: another kind, a future version, truncated, damaged, too large."""


class Unloadable(Exception):
    """The function or its arguments cannot be loaded on this computer. Another computer may manage.

    kind: PYTHON, another version of Python is needed; MODULE, a module is missing; or OTHER.
    """

    PYTHON, MODULE, OTHER = "python", "module", ""

    def __init__(self, message, kind=OTHER):
        Exception.__init__(self, message)
        self.kind = kind


class Unreturnable(Exception):
    """The value cannot be pickled; the message says which type is to blame and why."""
