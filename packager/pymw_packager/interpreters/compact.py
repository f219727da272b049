"""Makes modules of the standard library small: a script, run by the Python that shall load them.

python -X no_debug_ranges -I -S compact.py FOLDER PREFIX SOURCES      (SOURCES: a file, one name in each line)

Each module below FOLDER loses its comments and docstrings, but no line: tracebacks name the same lines as
ever. Those named in SOURCES stay sources; the others are compiled into a file beside, which takes their
place, of the `unchecked-hash` kind (PEP 552): it holds no time, and Python asks for no source. PREFIX
stands for FOLDER in tracebacks.
"""

import ast
import importlib.util
import io
import marshal
import sys
import tokenize
from pathlib import Path
from types import CodeType

UNCHECKED = (1).to_bytes(4, "little")
# Nobody checks it; a true hash would be eight bytes that cannot be compressed.
NO_HASH = bytes(8)

# The table of lines since Python 3.11 (Objects/locations.md): a byte with kind and length, then the numbers.
NOWHERE, NO_COLUMNS = 0xF8, 0xE8
MOST_UNITS = 8


def bare(source: bytes) -> str:
    """Return a module's text without comments, docstrings and spaces at the ends of lines.

    Raises:
        SyntaxError: it is no module.
    """
    text = io.TextIOWrapper(
        io.BytesIO(source), tokenize.detect_encoding(io.BytesIO(source).readline)[0]
    ).read()
    lines = text.encode().split(b"\n")  # splitlines would split at form feeds, too
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            _remove_docstring(lines, node)
    return _without_comments(b"\n".join(lines).decode())


def _remove_docstring(
    lines: list[bytes], node: "ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef"
) -> None:
    """Empty the docstring's lines; what has no other statement gets a `pass`."""
    if ast.get_docstring(node, clean=False) is None:
        return
    text = node.body[0]
    first, last = text.lineno - 1, (text.end_lineno or text.lineno) - 1
    before, after = lines[first][: text.col_offset], lines[last][text.end_col_offset :]
    if before.strip() or after.split(b"#")[0].strip():
        return  # it shares its line with other statements
    needed = b"pass" if len(node.body) == 1 and not isinstance(node, ast.Module) else b""
    lines[first : last + 1] = [b""] * (last - first) + [(before + needed + after).rstrip()]


def _without_comments(text: str) -> str:
    lines = text.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(lines)


def compiled(text: str, name: str) -> bytes:
    """Return the file that Python loads for a module's text."""
    code = compile(text, name, "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + UNCHECKED + NO_HASH + marshal.dumps(_with_short_tables(code))


def _with_short_tables(code: CodeType) -> CodeType:
    """Return the code with one entry for each line in its table of lines, not one for each instruction."""
    constants = tuple(_with_short_tables(c) if isinstance(c, CodeType) else c for c in code.co_consts)
    if sys.version_info < (3, 11):  # its table is another one, and short
        return code.replace(co_consts=constants)
    table, line = bytearray(), code.co_firstlineno
    for here, units in _lines(code):
        for start in range(0, units, MOST_UNITS):
            length = min(units - start, MOST_UNITS) - 1
            if here is None:
                table.append(NOWHERE | length)
            else:
                table.append(NO_COLUMNS | length)
                table += _signed(here - line)
                line = here
    return code.replace(co_consts=constants, co_linetable=bytes(table))


def _lines(code: CodeType) -> list[tuple[int | None, int]]:
    """Return each line in turn, and how many units of code it has."""
    found: list[tuple[int | None, int]] = []
    for start, end, line in code.co_lines():
        units = (end - start) // 2
        if found and found[-1][0] == line:
            units += found.pop()[1]
        found.append((line, units))
    return found


def _signed(value: int) -> bytes:
    """Return a number as the table has it: six bits in a byte, the sign lowest of all."""
    left = -value << 1 | 1 if value < 0 else value << 1
    parts = [left & 63]
    while left := left >> 6:
        parts[-1] |= 64
        parts.append(left & 63)
    return bytes(parts)


def main() -> None:
    """Do as the module's docstring says."""
    folder, prefix, sources = Path(sys.argv[1]), sys.argv[2], set(Path(sys.argv[3]).read_text().split())
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        try:
            text = bare(path.read_bytes())
            if name in sources:
                path.write_bytes(text.encode())
            else:
                path.with_suffix(".pyc").write_bytes(compiled(text, f"{prefix}/{name}"))
                path.unlink()
        except (SyntaxError, UnicodeDecodeError) as error:
            sys.exit(f"{prefix}/{name}: {error}")


if __name__ == "__main__":
    main()
