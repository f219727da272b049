"""Which modules a source text or a code object imports, and whether it can do without them."""

from __future__ import annotations

import ast
import dis
import linecache
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.util import resolve_name
from types import CodeType
from typing import NamedTuple

_CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


class Import(NamedTuple):
    """One import statement.

    module: the module's full name. names: what is taken from it: attributes, or modules of a package.
    optional: whether it may fail, because it stands under `try ... except ImportError`, or is not run at all,
    under `if TYPE_CHECKING`. deferred: whether it stands in a function of a module and is run when that is
    called. line: where it stands.
    """

    module: str
    names: tuple[str, ...] = ()
    optional: bool = False
    deferred: bool = False
    line: int = 0

    def taken(self) -> list[str]:
        """Full names of what is taken, which may be modules."""
        return [f"{self.module}.{name}" for name in self.names]


def of_text(source: str | bytes, package: str) -> list[Import]:
    """The imports of a source text in a package ("" for none). Raises SyntaxError or ValueError."""
    finder = _Finder(package)
    finder.visit(ast.parse(source))
    return finder.found


def of_code(code: CodeType, package: str, source: str | None = None) -> Iterator[Import]:
    """The imports of a code object and of all functions within it.

    source: its text, if that is in no file.
    """
    found = list(_import_instructions(code))
    # What is caught cannot be read from the instructions of all Pythons alike: the source says it.
    if found and source is None:
        source = "".join(linecache.getlines(code.co_filename))
    optional = _optional_lines(source or "")
    for module, names, level, line in found:
        yield Import(_absolute(module, level, package), names, line in optional, line=line)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from of_code(constant, package, source)


def _import_instructions(code: CodeType) -> Iterator[tuple[str, tuple[str, ...], int, int]]:
    """Module, names, level and line of each import in this code object itself."""
    lines = list(code.co_lines())
    before: list[object] = [0, None]
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            level, names = before
            at = next((line for start, end, line in lines if start <= instruction.offset < end), None)
            taken = tuple(map(str, names)) if isinstance(names, tuple) else ()
            yield str(instruction.argval), taken, level if isinstance(level, int) else 0, at or 0
        if instruction.opname != "EXTENDED_ARG":
            before = [before[1], instruction.argval]


@lru_cache(maxsize=64)
def _optional_lines(source: str) -> frozenset[int]:
    try:
        return frozenset(one.line for one in of_text(source, "") if one.optional)
    except (SyntaxError, ValueError):
        return frozenset()


def _absolute(module: str, level: int, package: str) -> str:
    """The full name of a module; a relative name that leads nowhere stays as it is, and will not be found."""
    relative = "." * level + module
    try:
        return resolve_name(relative, package)
    except ImportError:
        return relative


class _Finder(ast.NodeVisitor):
    def __init__(self, package: str) -> None:
        self.found: list[Import] = []
        self._package = package
        self._optional = self._deferred = False

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name, (), node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = _absolute(node.module or "", node.level, self._package)
        self._add(module, tuple(alias.name for alias in node.names), node.lineno)

    def visit_Try(self, node: ast.Try) -> None:
        optional = any(_catches(handler.type) for handler in node.handlers)
        self._visit([*node.body, *node.handlers, *node.orelse], optional=optional)
        self._visit(node.finalbody)

    def visit_With(self, node: ast.With) -> None:
        calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
        optional = any(_name(call.func) == "suppress" and any(map(_catches, call.args)) for call in calls)
        self._visit(node.body, optional=optional)

    def visit_If(self, node: ast.If) -> None:
        test = node.test
        if not (isinstance(test, ast.Compare) and _name(test.left) == "__name__"):
            self._visit(node.body, optional=_name(test) == "TYPE_CHECKING")
        self._visit(node.orelse)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit(node.body, deferred=True)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._visit(node.body, deferred=True)

    def _visit(self, nodes: Iterable[ast.AST], optional: bool = False, deferred: bool = False) -> None:
        before = self._optional, self._deferred
        self._optional, self._deferred = self._optional or optional, self._deferred or deferred
        for node in nodes:
            self.visit(node)
        self._optional, self._deferred = before

    def _add(self, module: str, names: tuple[str, ...], line: int) -> None:
        self.found.append(Import(module, names, self._optional, self._deferred, line))


def _catches(caught: ast.expr | None) -> bool:
    """Whether this `except` clause catches an import's failure."""
    if isinstance(caught, ast.Tuple):
        return any(map(_catches, caught.elts))
    return caught is None or _name(caught) in _CAUGHT


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
