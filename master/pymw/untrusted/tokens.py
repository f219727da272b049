"""What stands on the reader's stack and is no value: names, and tuples with names in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pymw.errors import UntrustedResult

# Where the same things were under Python 2, and in other versions of numpy and pathlib.
_MODULES = {
    "__builtin__": "builtins",
    "exceptions": "builtins",
    "copy_reg": "copyreg",
    "numpy.core.multiarray": "numpy._core.multiarray",
    "numpy.core.numeric": "numpy._core.numeric",
    "pathlib._local": "pathlib",
}
_MAX_NAME = 1000


class Token:
    """Stands on the stack, and must not get into a value."""

    __slots__ = ()

    def asked(self) -> str:
        """What the pickle asks for by it."""
        raise NotImplementedError


class Name(Token):
    """What a pickle calls a class or function. It stands for nothing but itself."""

    __slots__ = ("key", "name")

    def __init__(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise UntrustedResult("the result is damaged: it has a name that is no text")
        if len(module) + len(name) > _MAX_NAME:
            raise UntrustedResult("the result is damaged: it has a name that is too long")
        self.name = f"{module}.{name}"
        self.key = (_MODULES.get(module, module), name)

    def asked(self) -> str:
        return self.name


class Arguments(tuple[Any, ...], Token):
    """A tuple with names in it: good for a call alone."""

    __slots__ = ()

    def asked(self) -> str:
        return next(item.asked() for item in self if isinstance(item, Token))


class DType(Token):
    """A numpy dtype that the pickle may still be about to complete."""

    __slots__ = ("code", "value")

    def __init__(self, code: str, value: Any) -> None:
        self.code = code
        self.value = value

    def asked(self) -> str:
        return "numpy.dtype"


TOKENS = frozenset({Name, Arguments, DType})


def settled(items: list[Any]) -> list[Any]:
    """Items for a container: dtypes are what they have become. Raises UntrustedResult for names."""
    return [plain(item) for item in items]


def plain(value: Any) -> Any:
    """A value from what stands on the stack. Raises UntrustedResult for names."""
    if isinstance(value, DType):
        return value.value
    if isinstance(value, Token):
        raise refused(value.asked(), "as a value")
    return value


def packed(items: Iterable[Any]) -> tuple[Any, ...]:
    """A tuple of items, some of which are tokens."""
    found = tuple(item.value if isinstance(item, DType) else item for item in items)
    return found if TOKENS.isdisjoint(map(type, found)) else Arguments(found)


def refused(asked: str, how: str = "") -> UntrustedResult:
    """The error for a name that is not to be had. how: more about what is asked."""
    what = f"{asked[:200]} {how}".rstrip()
    return UntrustedResult(f"the result asks for {what}, which is not built from what strangers send", asked)
