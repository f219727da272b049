"""Modules made small: nothing but comments, docstrings and columns is gone."""

import ast
import marshal
from types import CodeType

import pytest
from pymw_packager.interpreters import compact, library

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def without_docstrings(source: bytes) -> str:
    """A module as Python reads it, docstrings apart."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            needed = len(node.body) == 1 and not isinstance(node, ast.Module)
            node.body[:1] = [ast.Pass()] if needed else []
    return ast.dump(tree)


def lines(code: CodeType) -> list[list[tuple[int | None, int]]]:
    """The table of lines of a code and of all in it."""
    inner = [lines(c) for c in code.co_consts if isinstance(c, CodeType)]
    return [compact._lines(code), *(table for tables in inner for table in tables)]


def test_modules_of_the_library_keep_their_meaning_and_their_lines() -> None:
    """Every third, which takes four seconds."""
    differing = []
    for name, source in list(library.running().items())[::3]:
        text = compact.bare(source)
        same = ast.dump(ast.parse(text)) == without_docstrings(source)
        if not same or text.count("\n") != source.count(b"\n"):
            differing.append(name)
        plain, made = compile(text, name, "exec", dont_inherit=True), compact.compiled(text, name)
        if lines(plain) != lines(marshal.loads(made[16:])):
            differing.append(f"{name}: lines")
    assert differing == []


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (b"# -*- coding: latin-1 -*-\nx = '\xe9'  # \xe9\n", "\nx = 'é'\n"),
        (b"'''One\n\nthing.''' # and\nx = 1\n", "\n\n\nx = 1\n"),
        (b"def f():\n    '''What\n    it does.'''\n", "def f():\n\n    pass\n"),
        (b"class A: 'What'\n", "class A: 'What'\n"),
        (b"def f():\n    'What'; return 1\n", "def f():\n    'What'; return 1\n"),
        ("def f():\n    'Größe'\n    return '#'\n".encode(), "def f():\n\n    return '#'\n"),
        (b"x = '''a # b   \n# c'''\n", "x = '''a # b   \n# c'''\n"),
        (b"x = 1  # one\n\x0c\ny = 2  # two\n", "x = 1\n\x0c\ny = 2\n"),
        (b"if x:\r\n    y = 1 # z\r\n", "if x:\n    y = 1\n"),
    ],
)
def test_comments_and_docstrings_go_and_nothing_else(source: bytes, text: str) -> None:
    assert compact.bare(source) == text


def test_a_table_of_lines_goes_far_forth_and_back() -> None:
    source = (
        "x = [\n"
        + 3000 * "\n"
        + "f(),\n"
        + "\n".join(f"g{n}()," for n in range(40))
        + "\n]\nif x:\n  y = x()\n"
    )
    plain = compile(source, "m", "exec", dont_inherit=True)
    assert lines(plain) == lines(marshal.loads(compact.compiled(source, "m")[16:]))
