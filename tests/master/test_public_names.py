"""What `import pymw` gives: its names are documented, in order, and light to import."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pymw
import pytest
from pymw import errors

INIT = ast.parse(Path(str(pymw.__file__)).read_text("utf-8"))
IMPORTS = [node for node in INIT.body if isinstance(node, ast.ImportFrom)]
NAMES = [(node.module or "", alias.asname) for node in IMPORTS for alias in node.names]


def test_names_are_exported_on_purpose_and_in_order() -> None:
    assert all(alias.asname == alias.name for node in IMPORTS for alias in node.names)
    # As isort has it: by module, constants before classes before functions.
    assert [module for module, _ in NAMES] == sorted(module for module, _ in NAMES)
    assert pymw.__all__ == sorted(pymw.__all__) == ["interfaces", "pymw"]


@pytest.mark.parametrize("name", [name for module, name in NAMES if module.startswith("pymw.")])
def test_each_name_has_a_docstring(name: str) -> None:
    assert inspect.getdoc(getattr(pymw, name))


def test_every_exception_is_exported_and_stands_in_the_tree() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    assert len(classes) > 15
    tree = errors.__doc__ or ""
    assert [cls.__name__ for cls in classes if cls.__name__ not in tree] == []
    assert [cls.__name__ for cls in classes if not hasattr(pymw, cls.__name__)] == []


def test_engines_and_servers_are_not_imported_before_they_are_needed() -> None:
    heavy = ("loky", "mpi4py", "numpy", "rich", "sqlite3", "starlette", "uvicorn", "cryptography", "asyncio")
    code = f"import sys, pymw; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
