"""Functions become bundles that the worker's own task process can run."""

from __future__ import annotations

import math
import os.path as osp
import sys
from collections.abc import Callable
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from pymw import functions
from pymw.errors import FunctionError
from pymw_worker import bundle, outcome

from tests.master.programs import run, run_files, run_program

CONSTANT = 10


def hypotenuse(a: float, b: float) -> float:
    return sqrt(square(a) + square(b)) + math.floor(0.5)


def square(x: float) -> float:
    return x * x


def join(*parts: str) -> str:
    return osp.normpath("/".join(parts))


def portable(values, times):  # type: ignore[no-untyped-def]
    return values * times


def uses_constant() -> int:
    return CONSTANT


def uses_nothing_known() -> Any:
    return nobody_defines_this  # type: ignore[name-defined] # noqa: F821


def read_table(name: str) -> str:
    with open(name) as stream:  # noqa: PTH123
        return stream.read()


PROGRAM = """
import pickle, helper
from pymw import functions

class Point:
    def __init__(self, x): self.x = x

def inner(p): return Point(helper.double(p.x))
def task(p): return inner(p).x

code = functions.pickled({function}, modules=["helper"])
with open("result", "wb") as stream:
    pickle.dump((code, code.arguments("t", (Point(21),))), stream)
"""


def test_a_pickled_function_brings_its_program_and_modules(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def double(x): return 2 * x\n")
    code, given = run_program(tmp_path, PROGRAM.format(function="task"))
    assert (code.entry, code.form) == ("task", bundle.PICKLE)
    assert code.python == "{}.{}".format(*sys.version_info[:2])
    (tmp_path / "elsewhere").mkdir()
    assert run_files(code.data, given, tmp_path / "elsewhere") == 42


def test_a_lambda_and_a_closure_can_be_pickled(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def double(x): return 2 * x\n")
    code, given = run_program(tmp_path, PROGRAM.format(function="(lambda n: lambda p: p.x + n)(1)"))
    (tmp_path / "elsewhere").mkdir()
    assert run_files(code.data, given, tmp_path / "elsewhere") == 22


def test_the_same_function_of_the_same_program_is_the_same_bundle(tmp_path: Path) -> None:
    source = (
        "import pickle\n"
        "from pymw import functions\n"
        "def helper(x): return {x, 'a', 'b'}\n"
        "def task(x): return helper(x)\n"
        "with open('result', 'wb') as stream: pickle.dump(functions.pickled(task).digest, stream)\n"
    )
    assert run_program(tmp_path, source) == run_program(tmp_path, source)


def test_a_function_of_source_brings_dep_funcs_and_imports(tmp_path: Path) -> None:
    code = functions.from_source(hypotenuse, dep_funcs=[square])
    assert (code.form, code.python) == (bundle.SOURCE, "3.6-")
    assert run(code, tmp_path, 3.0, b=4.0) == 5.0


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.13"])
def test_one_bundle_of_source_runs_under_old_and_new_pythons(
    version: str, find_python: Callable[[str], Path], tmp_path: Path
) -> None:
    code = functions.from_source(portable, python="2.5-")
    given = code.arguments("t", (["\u00e4", b"\x80", 2.5],), {"times": 2})
    expected = ["\u00e4", b"\x80", 2.5] * 2
    found = run_files(code.data, given, tmp_path, find_python(version))
    assert not isinstance(found, outcome.Outcome), found.message
    assert found == (expected if version != "2.7" else ["\u00e4", "\x80", 2.5] * 2)


def test_another_python_is_refused_with_both_versions(
    find_python: Callable[[str], Path], tmp_path: Path
) -> None:
    code = functions.pickled(square)
    other = "3.13" if code.python != "3.13" else "3.12"
    found = run_files(code.data, code.arguments("t", (1,)), tmp_path, find_python(other))
    assert found.status == outcome.UNLOADABLE
    assert found.message == f"the function square needs Python {code.python}, this is Python {other}"


def test_modules_under_another_name_are_imported_under_it(tmp_path: Path) -> None:
    assert run(functions.from_source(join, python="2.5-"), tmp_path, "a", "b") == "a/b"


def test_modules_are_sent_by_path_and_required_by_name(tmp_path: Path) -> None:
    (tmp_path / "shapes").mkdir()
    (tmp_path / "shapes" / "__init__.py").write_text("")
    (tmp_path / "shapes" / "round.py").write_text("def area(r): return 3 * r * r\n")
    (tmp_path / "single.py").write_text("N = 5\n")
    (tmp_path / "program.py").write_text(
        "import shapes.round, single\ndef task(): return [shapes.round.area(1), single.N]\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        import program as user_program  # type: ignore[import-not-found]

        code = functions.from_source(
            user_program.task, modules=["shapes.round", "json", tmp_path / "single.py"]
        )
    finally:
        sys.path.remove(str(tmp_path))
        for name in ("program", "shapes", "shapes.round", "single"):
            sys.modules.pop(name, None)
    assert bundle.read(code.data).requires == ["json"]
    (tmp_path / "slot").mkdir()
    assert run(code, tmp_path / "slot") == [3, 5]


def test_data_files_arrive_under_their_names(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("1;2")
    code = functions.from_source(read_table, files=[tmp_path / "table.csv"])
    assert run(code, tmp_path, "table.csv") == "1;2"
    (tmp_path / "slot").mkdir()
    code = functions.from_source(read_table, files={"tables/a.csv": tmp_path / "table.csv"})
    assert run(code, tmp_path / "slot", "tables/a.csv") == "1;2"


def test_the_same_source_is_the_same_bundle() -> None:
    first = functions.from_source(hypotenuse, dep_funcs=[square])
    assert first == functions.from_source(hypotenuse, dep_funcs=[square])
    assert first.digest != functions.from_source(square).digest


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: functions.from_source(lambda: 1), "give it a name with def"),
        (lambda: functions.from_source(hypotenuse), "uses square: add it to dep_funcs"),
        (lambda: functions.from_source(uses_constant), "uses the name CONSTANT"),
        (lambda: functions.from_source(uses_nothing_known), "nobody_defines_this, which is not defined"),
        (lambda: functions.from_source(Path.exists), "is a method"),
        (lambda: functions.from_source(len), "neither a function nor a class"),
        (lambda: functions.from_source(_closure(1)), "of the function around it"),
        (lambda: functions.from_source(square, python="new"), "no range of Python versions"),
        (lambda: functions.from_source(square, modules=["no_such_module"]), "no module named no_such_module"),
        (lambda: functions.from_source(square, modules=["no_such.py"]), "no_such.py cannot be read"),
        (lambda: functions.from_source(square, modules=[Path(__file__).parent]), "it has no __init__.py"),
        (lambda: functions.from_source(square, files=["/no/such/file"]), "/no/such/file cannot be read"),
        (lambda: functions.from_source(square, files={"../x": __file__}), "not a plain relative path"),
        (lambda: functions.pickled((i for i in [1]).__next__), "cannot be pickled"),
        (lambda: functions.from_source(square).arguments("t", (lambda: 1,)), "argument 1 of square"),
    ],
)
def test_what_cannot_be_sent_is_said_in_one_sentence(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(FunctionError, match=words) as error:
        make()
    assert "\n" not in str(error.value)


def _closure(number: int) -> Callable[[], int]:
    def inside() -> int:
        return number

    return inside
