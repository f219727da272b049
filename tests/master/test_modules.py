"""What a function needs is found: the user's modules travel, installed ones are required."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from pymw import functions
from pymw_worker import bundle, container

from tests.master.programs import run, run_files, run_program, write

END = """
import pickle
from pymw import functions
code = functions.pickled(task)
with open("result", "wb") as stream:
    pickle.dump((code, code.arguments("t", ARGS)), stream)
"""


def make(folder: Path, source: str, files: dict[str, str] | None = None, args: str = "()") -> Any:
    """Run a program that bundles its function `task`; returns the bundle and an arguments file."""
    write(folder, files or {})
    return run_program(folder, source + END.replace("ARGS", args))


def call(folder: Path, source: str, files: dict[str, str] | None = None, args: str = "()") -> Any:
    """What the task returns, in a process that finds nothing of the program's but what has been sent."""
    code, given = make(folder, source, files, args)
    slot = folder / "a slot"
    slot.mkdir()
    return run_files(code.data, given, slot)


def sent(code: functions.CodeBundle) -> set[str]:
    members = container.read(code.data, bundle.KIND).members
    return {name.removeprefix("modules/") for name in members if name.startswith("modules/")}


def required(code: functions.CodeBundle) -> list[str]:
    return list(bundle.read(code.data).requires)


DOUBLE = "def double(x): return 2 * x\nclass Box:\n    def __init__(self, x): self.x = x\n"


@pytest.mark.parametrize(
    "source",
    [
        "import helper\ndef task(): return helper.double(21)",
        "from helper import double\ndef task(): return double(21)",
        "from helper import double as task_of\ntask = lambda: task_of(21)",
        "def task():\n    import helper\n    return helper.double(21)",
        "def task():\n    from helper import double\n    return double(21)",
        "def task():\n    def g():\n        import helper as h\n        return h.double(21)\n    return g()",
        "class C:\n    def m(self):\n        import helper\n        return helper.double(21)\n"
        "def task(): return C().m()",
        "class C:\n    @property\n    def m(self): return (lambda: __import__ and self.f())()\n"
        "    @staticmethod\n    def f():\n        from helper import double\n        return double(21)\n"
        "def task(): return C().m",
        "from helper import Box\nbox = Box(42)\ndef task(): return box.x",
        "import helper\nclass Sub(helper.Box): pass\ndef task(): return Sub(42).x",
        "import functools, helper\ntask = functools.partial(helper.double, 21)",
        "import helper\ndef task(f=helper.double): return f(21)",
        "from helper import double\ntask = (lambda f: lambda: f(21))(double)",
        "from importing import task",
        "def task():\n    try:\n        import helper\n    except ImportError:\n        return 0\n"
        "    return helper.double(21)",
    ],
)
def test_a_module_of_the_user_s_is_found_and_sent(source: str, tmp_path: Path) -> None:
    importing = "import helper\ndef task(): return helper.double(21)\n"
    assert call(tmp_path, source, {"helper.py": DOUBLE, "importing.py": importing}) == 42


PACKAGE = {
    "shapes/__init__.py": "from .plane import area\n",
    "shapes/plane.py": "from . import constants\ndef area(r): return constants.PI * r * r\n",
    "shapes/constants.py": "import numbers_of_mine.integers\nPI = numbers_of_mine.integers.THREE\n",
    "shapes/solid/__init__.py": "",
    "shapes/solid/ball.py": "from .. import plane\nfrom ..constants import PI\n"
    "def volume(r): return 4 * plane.area(r) * r // PI\n",
    "numbers_of_mine/integers.py": "from numbers_of_mine.deep.more import THREE\n",
    "numbers_of_mine/deep/more.py": "THREE = 3\n",
    "numbers_of_mine/unused.py": "import no_such_thing\n",
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("import shapes\ndef task(): return shapes.area(2)", 12),
        ("import shapes.solid.ball\ndef task(): return shapes.solid.ball.volume(1)", 4),
        ("def task():\n    import shapes.solid.ball as b\n    return b.volume(1)", 4),
        ("def task():\n    from shapes.solid import ball\n    return ball.volume(1)", 4),
        ("import numbers_of_mine.integers as n\ndef task(): return n.THREE", 3),
        ("import numbers_of_mine.deep.more\ndef task(): return numbers_of_mine.deep.more.THREE", 3),
    ],
)
def test_packages_bring_what_they_import(source: str, value: int, tmp_path: Path) -> None:
    assert call(tmp_path, source, PACKAGE) == value
    assert not list((tmp_path / "a slot").rglob("unused.py"))


def test_a_program_inside_a_package_brings_the_package(tmp_path: Path) -> None:
    files = {
        "tool/__init__.py": "",
        "tool/helper.py": DOUBLE,
        "tool/other.py": "N = 1\n",
        "tool/program.py": "from .helper import double\n"
        "def task():\n    from . import other\n    return double(21) + other.N\n" + END.replace("ARGS", "()"),
    }
    write(tmp_path, files)
    code, given = run_program(tmp_path, "", "-m", "tool.program")
    (tmp_path / "slot").mkdir()
    assert run_files(code.data, given, tmp_path / "slot") == 43


def test_a_function_of_a_module_that_uses_pymw_itself_travels_by_value(tmp_path: Path) -> None:
    files = {
        "helper.py": DOUBLE,
        "jobs.py": "import pymw\nfrom helper import double\nclass Part:\n"
        "    def get(self): return double(21)\ndef task(): return Part().get()\n",
    }
    code, _ = make(tmp_path, "from jobs import task", files)
    assert sent(code) == {"helper.py"}
    (tmp_path / "slot").mkdir()
    assert run(code, tmp_path / "slot") == 42


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package `third`, and one of a namespace, `vendor.part`."""
    site = tmp_path / "env" / "site-packages"
    write(site, {"third/__init__.py": "", "third/deep/__init__.py": "class Thing: pass\ndef f(): pass\n"})
    write(site, {"vendor/part/__init__.py": "N = 1\n"})
    before = [path for path in sys.path if path]
    monkeypatch.setenv("PYTHONPATH", ":".join([str(site), *before]))
    return site


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import third.deep\ndef task(): return third.deep.f()", ["third"]),
        ("from third.deep import f\ndef task(): return f()", ["third"]),
        ("from third.deep import Thing\nthing = Thing()\ndef task(): return thing", ["third"]),
        ("def task():\n    import third.deep", ["third"]),
        ("def task():\n    from third import deep", ["third"]),
        ("import local\ndef task(): return local.N", ["third"]),
        ("import vendor.part\ndef task(): return vendor.part.N", ["vendor.part"]),
        ("def task():\n    from vendor import part", ["vendor.part"]),
        ("import json, math, os.path, xml.dom\ndef task(): return json, math.pi, os.path, xml.dom", []),
        ("def task():\n    import sqlite3, winreg, msvcrt, pymw_worker, cloudpickle", []),
        ("def task():\n    try:\n        import third\n    except ImportError:\n        third = None", []),
        ("def task():\n    try:\n        import third\n    except (KeyError, Exception): pass", []),
        ("def task():\n    try:\n        import third\n    except ValueError: pass", ["third"]),
        ("def task():\n    try:\n        import nowhere\n    except ImportError:\n        import third", []),
        ("def task():\n    try: pass\n    finally:\n        import third", ["third"]),
        (
            "import contextlib\ndef task():\n    with contextlib.suppress(ImportError): import third",
            [],
        ),
        ("from typing import TYPE_CHECKING\ndef task():\n    if TYPE_CHECKING:\n        import third", []),
        ("import guarded\ndef task(): return guarded.N", []),
    ],
)
def test_an_installed_package_is_required_by_its_name(
    source: str, names: list[str], installed: Path, tmp_path: Path
) -> None:
    files = {
        "local.py": "import third.deep\nN = 1\n",
        "guarded.py": "import typing as t\ntry:\n    import third, nowhere\n    from . import sibling\n"
        "except ModuleNotFoundError:\n    from third import deep\nelse:\n    import third.deep\n"
        "if t.TYPE_CHECKING:\n    import third, pymw\n"
        "def main():\n    import pymw\n    import master_side\n"
        "if __name__ == '__main__':\n    import third\nN = 1\n",
        "master_side.py": "import pymw\n",
    }
    code, _ = make(tmp_path, source, files)
    assert required(code) == names


def test_a_module_that_may_be_missing_is_sent_if_it_is_there(tmp_path: Path) -> None:
    files = {
        "fast.py": "try:\n    import extra\nexcept ImportError:\n    extra = None\nN = extra and extra.N\n",
        "extra.py": "import nowhere\nN = 2\n",
    }
    code, _ = make(tmp_path, "def task():\n    import fast\n    return fast.N", files)
    assert sent(code) == {"fast.py", "extra.py"}


def test_a_project_installed_for_editing_counts_as_the_user_s_own(installed: Path, tmp_path: Path) -> None:
    write(tmp_path / "project" / "src", {"mine/__init__.py": "", "mine/part.py": "N = 42\n"})
    (installed / "mine.pth").write_text(str(tmp_path / "project" / "src"))
    source = (
        f"import site\nsite.addsitedir({str(installed)!r})\n"
        "from mine import part\ndef task(): return part.N\n"
    )
    assert call(tmp_path, source) == 42


def failure(folder: Path, source: str, files: dict[str, str]) -> str:
    """The text of the FunctionError of a program."""
    caught = (
        "import pickle\nfrom pymw import functions, errors\ntry:\n    functions.pickled(task)\n"
        "    text = ''\nexcept errors.FunctionError as error:\n    text = str(error)\n"
        "with open('result', 'wb') as stream: pickle.dump(text, stream)\n"
    )
    write(folder, files)
    return str(run_program(folder, source + "\n" + caught))


def test_a_class_that_names_no_module_travels_by_value(tmp_path: Path) -> None:
    source = "space = {'__name__': 'nowhere'}\nexec('class C:\\n    x = 42', space)\nc = space['C']()\n"
    assert call(tmp_path, source + "def task(): return c.x") == 42


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def task():\n    import nowhere", "no module named nowhere here, which the function task needs"),
        ("import broken\ndef task(): return broken", "no module named nowhere here, which the module broken"),
        ("def task():\n    import helper.nothing", "no module named helper.nothing here"),
        ("def task():\n    from . import helper", "no module named . here"),
        ("def task():\n    import pymw", "the function task imports pymw, which stays on this computer"),
        ("import uses\ndef task(): return uses", "the module uses imports pymw.errors, which stays"),
        ("import pymw\ndef task(): return pymw", "it refers to pymw, which stays"),
        ("from pymw import errors\ndef task(): return errors.PyMWError()", "refers to pymw.errors"),
        (
            "from pymw.modules import Modules\nm = Modules()\ndef task(): return m",
            "pymw.modules.Modules, which",
        ),
        ("from pymw.imports import Import\nf = lambda n: lambda: n\ntask = f(Import('x'))", "Import, which"),
        ("def task():\n    import compiled", "compiled.so is compiled for this computer"),
    ],
)
def test_what_a_volunteer_cannot_import_is_said_in_one_sentence(
    source: str, words: str, tmp_path: Path
) -> None:
    files = {
        "helper.py": DOUBLE,
        "broken.py": "try:\n    import nowhere\nexcept ImportError: 0\ndef f():\n    import nowhere\n",
        "uses.py": "from pymw.errors import PyMWError\n",
        "compiled.so": "",
    }
    text = failure(tmp_path, source, files)
    assert words in text
    assert "\n" not in text


def test_source_brings_what_its_modules_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        tmp_path, {"outer.py": "import inner\nN = inner.N\n", "inner.py": "N = 42\n", "alone.py": "M = 1\n"}
    )
    write(
        tmp_path, {"jobs.py": "import outer\ndef task():\n    import alone\n    return outer.N + alone.M\n"}
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import jobs  # type: ignore[import-not-found]

    code = functions.from_source(jobs.task)
    for name in ("jobs", "outer", "inner", "alone"):
        sys.modules.pop(name, None)
    assert sent(code) == {"outer.py", "inner.py", "alone.py"}
    assert required(code) == []
    (tmp_path / "slot").mkdir()
    assert run(code, tmp_path / "slot") == 43


def test_hidden_files_and_bytecode_stay_here(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"box/__init__.py": "", "box/.git/config": "", "box/__pycache__/a.pyc": "", "box/t.csv": "1"},
    )
    code = functions.from_source(plain, modules=[tmp_path / "box"])
    assert sent(code) == {"box/__init__.py", "box/t.csv"}


def plain():  # type: ignore[no-untyped-def]
    return 1
