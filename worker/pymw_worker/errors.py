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
    """The function or its arguments cannot be loaded on this computer. Another computer may manage."""


class Unreturnable(Exception):
    """The value cannot be pickled; the message says which type is to blame and why."""
