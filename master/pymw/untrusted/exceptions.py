"""Standard exceptions by name."""

from __future__ import annotations

import builtins
from typing import Any

from pymw.untrusted.structure import ATOMS
from pymw.untrusted.tokens import refused

# Ends of a loop or of a program: raised from future.result(), they would cut the scientist's own loop short.
_SIGNALS = (StopIteration, StopAsyncIteration)

STANDARD: dict[tuple[str, str], type[Exception]] = {
    ("builtins", name): found
    for name, found in vars(builtins).items()
    if isinstance(found, type) and issubclass(found, Exception) and not issubclass(found, _SIGNALS)
} | {("builtins", "StandardError"): Exception}

# These look into their arguments, where a class of the user's could have methods.
_PARSING = (OSError, SyntaxError, UnicodeError, ImportError, getattr(builtins, "ExceptionGroup", OSError))
_PARSED = ATOMS | {tuple, list}

# Kept in the object itself instead of its __dict__.
_MEMBERS = {"name", "path", "name_from", "obj"}


def build(cls: type[Exception], args: tuple[Any, ...]) -> Exception:
    """A standard exception. Raises TypeError and ValueError for arguments that it cannot have."""
    if issubclass(cls, _PARSING) and not _PARSED.issuperset(map(type, args)):
        raise TypeError(f"{cls.__name__} of something else than plain data")
    return cls(*args)


def complete(error: BaseException, state: Any) -> None:
    """Set an exception's attributes. Raises UntrustedResult, TypeError."""
    if type(state) is not dict:
        raise refused(f"{type(error).__name__}.__setstate__")
    for name, value in state.items():
        if type(name) is not str or (name.startswith("__") and name != "__notes__"):
            raise refused(f"{type(error).__name__}.{name}")
        if name == "__notes__" and not (type(value) is list and {str}.issuperset(map(type, value))):
            raise refused(f"{type(error).__name__}.__notes__")
        if name in _MEMBERS and isinstance(error, ImportError | NameError | AttributeError):
            setattr(error, name, value)
        elif not name.startswith("__") and hasattr(BaseException, name):
            raise refused(f"{type(error).__name__}.{name}")
        else:
            error.__dict__[name] = value
