"""What can go wrong while packaging. Each message is one sentence: the thing, the cause and the remedy.

    PackagerError
    ├── UsageError          an option's value makes no sense
    ├── MissingToolError    a program or library must be installed first
    ├── FetchError          nothing could be fetched, or what came is not what was asked for
    ├── InterpreterError    no source has this Python, or it does not fit the platform
    ├── ImmutableError      another file stands under a name that BOINC already knows
    ├── StorageError        a folder or file cannot be read or written, or there is no space
    └── FormatError         a file is not what its name says, or is damaged

`pymw-package` prints the message on stderr and exits 2. Whatever else gets out is a fault of the packager.
"""


class PackagerError(Exception):
    """The message is one sentence for the user."""


class UsageError(PackagerError):
    """An option's value makes no sense."""


class MissingToolError(PackagerError):
    """A program or library must be installed first."""


class FetchError(PackagerError):
    """Nothing could be fetched, or what came is not what was asked for."""


class InterpreterError(PackagerError):
    """No source has this Python, or it does not fit the platform."""


class ImmutableError(PackagerError):
    """Another file stands under a name that BOINC already knows."""


class StorageError(PackagerError):
    """A folder or file cannot be read or written, or there is no space."""


class FormatError(PackagerError):
    """A file is not what its name says, or is damaged."""
