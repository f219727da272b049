"""The source text of a function, complete: with what it calls, and the imports that it relies on."""

from __future__ import annotations
import __future__

import ast
import builtins
import dis
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable
from types import CodeType, FunctionType, ModuleType
from typing import Any

from pymw import imports
from pymw.errors import FunctionError
from pymw.imports import Import
from pymw.modules import Modules

_ALWAYS_THERE = {*dir(builtins), "__name__", "__file__"}
_FUTURE = "from __future__ import annotations\n"


def source_of(
    function: Callable[..., Any], dep_funcs: Iterable[Any], modules: list[str], needed: Modules
) -> str:
    """The text of a function after that of its dep_funcs, after imports of the modules that they use.

    modules: names of modules to import in any case. needed: is told of the modules found. Raises
    FunctionError for a function that is more than its text, and for names that a volunteer would not know.
    """
    everything = [*dep_funcs, function]
    texts = {one: _text(one) for one in everything}
    lines = {f"import {name}\n" for name in modules}
    known = (
        _ALWAYS_THERE | {name.partition(".")[0] for name in modules} | {one.__name__ for one in everything}
    )
    future = _FUTURE if any(_has_postponed_annotations(*item) for item in texts.items()) else ""
    for one, text in texts.items():
        code = compile(future + text, one.__name__, "exec", dont_inherit=True)
        for name in sorted(_global_names(code) - known):
            lines.add(_import_line(name, one, needed))
        for wanted in imports.of_code(code, "", future + text):
            if wanted.module != "__future__":
                needed.find(wanted, f"the function {one.__name__}")
    return future + "".join(sorted(lines)) + "\n\n" + "\n\n".join(texts.values())


def _text(one: Any) -> str:
    if not isinstance(one, FunctionType | type):
        raise FunctionError(f"{one!r} is neither a function nor a class, and so has no source to send")
    if one.__name__ == "<lambda>":
        raise FunctionError("a lambda has no source of its own: give it a name with def")
    if "." in one.__qualname__.rpartition("<locals>.")[2]:
        raise FunctionError(f"{one.__qualname__} is a method: send a function that calls it")
    variables = one.__code__.co_freevars if isinstance(one, FunctionType) else ()
    if variables:
        raise FunctionError(
            f"{one.__name__} uses {variables[0]} of the function around it: make it an argument"
        )
    try:
        return textwrap.dedent(inspect.getsource(one))
    except (OSError, TypeError) as error:
        raise FunctionError(f"the source of {one.__name__} cannot be found: {error}") from error


def _has_postponed_annotations(one: Any, text: str) -> bool:
    """Whether it needs the import from __future__, which Python < 3.7 does not know."""
    nodes = ast.walk(ast.parse(text))
    annotated = any(getattr(node, "annotation", None) or getattr(node, "returns", None) for node in nodes)
    return annotated and _namespace(one).get("annotations") is __future__.annotations


def _namespace(one: Any) -> dict[str, Any]:
    """The names of the module that defines it."""
    return vars(sys.modules[one.__module__]) if isinstance(one, type) else one.__globals__


def _global_names(code: CodeType) -> set[str]:
    """The names that this code, and all code within it, takes from its module."""
    names = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
            names.add(str(instruction.argval))
    names -= {str(i.argval) for i in dis.get_instructions(code) if i.opname == "STORE_NAME"}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _global_names(constant)
    return names - {"__module__", "__qualname__"}


def _import_line(name: str, one: Any, needed: Modules) -> str:
    """The line that gives `one` on the volunteer what this name means here."""
    namespace = _namespace(one)
    if name not in namespace:
        raise FunctionError(f"{one.__name__} uses the name {name}, which is not defined")
    value = namespace[name]
    if isinstance(value, ModuleType):
        needed.find(Import(value.__name__), f"the function {one.__name__}")
        return (
            f"import {value.__name__}\n" if value.__name__ == name else f"import {value.__name__} as {name}\n"
        )
    home = getattr(value, "__module__", None)
    original = getattr(value, "__name__", "")
    if home == one.__module__ and isinstance(value, FunctionType | type):
        raise FunctionError(f"{one.__name__} uses {name}: add it to dep_funcs")
    if isinstance(home, str) and getattr(sys.modules.get(home), str(original), None) is value:
        needed.find(Import(home), f"the function {one.__name__}")
        return f"from {home} import {original} as {name}\n"
    raise FunctionError(
        f"{one.__name__} uses the name {name}, which a volunteer does not know: "
        "make it an argument, or put it into a module"
    )
