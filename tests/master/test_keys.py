"""A key is the same in every process that runs the same script, and differs for other work."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pymw import functions, keys
from pymw.errors import ArgumentError

from tests.master.programs import run_program, write

SCRIPT = '''
import abc, dataclasses, enum, functools, pickle, typing
from fractions import Fraction
from pymw import functions, keys

WORDS = {"one", "two", "three", "four", "five"}
TABLE = {"a": {"x", "y", "z"}, "b": [1, 2.5, None, ("p", "q")], "c": frozenset("abcdefg"), 3: 1j}
SHARED = ["x" * 300, "".join(["x"] * 300)]
T = typing.TypeVar("T")

def uses_globals(n): return n, WORDS, TABLE, SHARED
def has_set_constant(x): return x in {"alpha", "beta", "gamma", "delta"}
def has_defaults(x, y={"k", "l", "m"}, *, z=("a", frozenset("pqr"))): return x, y, z
def nests(x):
    def inner(y): return {"u", "v", "w", y}
    class Local:
        names = {"r", "s", "t"}
        def __init__(self): self.p = self.q = self.r = self.s = 6
    return inner(x), Local.names, [i for i in range(x)]
def recursive(n): return 1 if n < 2 else n * recursive(n - 1)
def even(n): return n == 0 or odd(n - 1)
def odd(n): return n != 0 and even(n - 1)
def closure(values, number):
    def inside(): return values, number, inside
    return inside
def annotated(x: "Base", y: typing.List[T] = ()) -> typing.Optional[T]:
    """A text."""
    try: return x
    except (KeyError, ValueError): return y

class Base(abc.ABC):
    tags = {"i", "j", "k"}
    def __init__(self, x): self.x = x
    def value(self): return self.x in {"m", "n", "o"}
    @property
    def double(self): return 2 * self.x
    @staticmethod
    def make(): return Derived({"q", "r", "s"})
    @abc.abstractmethod
    def mine(self): ...
class Derived(Base):
    __slots__ = ("y",)
    def value(self): return super().value()
    def mine(self): return self
@dataclasses.dataclass(frozen=True, order=True)
class Data:
    a: int
    b: frozenset = frozenset({"x", "y", "z"})
    c: list = dataclasses.field(default_factory=list)
class Color(enum.Enum):
    RED = 1
    GREEN = frozenset({"g", "h"})
class Node:
    def __init__(self): self.others = {self}
def uses_classes(): return Derived(1).value(), Data(1), Color.RED, Base.make
def raises(): assert WORDS == 1, "no"

FUNCTIONS = dict(
    uses_globals=uses_globals, has_set_constant=has_set_constant, has_defaults=has_defaults, nests=nests,
    recursive=recursive, even=even, closure=closure({"e", "f", "g"}, 2), annotated=annotated,
    uses_classes=uses_classes, a_class=Derived, an_enum=Color, a_dataclass=Data, raises=raises,
    a_lambda=lambda x: x in {"t", "u", "v"}, a_partial=functools.partial(has_defaults, z={"z", "y"}),
    a_method=Derived({"1", "2"}).value, by_name=helper_function,
)
CALLS = dict(
    atoms=((1, 1.5, "a", b"b", None, True), {"k": -0.0}),
    sets=(({"a", "b", "c"}, frozenset([1, "x", (2.5, "y"), None]), [{("p", "q"), ("r", "s")}]), {}),
    instances=((Derived({"a", "b"}), Data(1), Color.GREEN, [Data(2)]), {"d": {(Color.RED, i) for i in "ab"}}),
    functions=((even, lambda: {"a", "b"}, helper_function), {}),
    equal_texts=((["ab", "".join(["a", "b"])], "x" * 300, "x" * 299 + "x"), {}),
    other_types=((1j, Fraction(1, 3), range(5), bytearray(b"x"), ..., {"z": set()}), {}),
)
ARRAYS
with open("result", "wb") as stream:
    found = {name: functions.pickled(one).key.hex() for name, one in FUNCTIONS.items()}
    found.update((name, keys.of_call(*call).hex()) for name, call in CALLS.items())
    pickle.dump(found, stream)
'''.replace("from fractions", "from helper import helper_function\nfrom fractions")
ARRAYS = """
import numpy
CALLS["arrays"] = ((numpy.arange(6.0).reshape(2, 3), numpy.float64(1.5), {numpy.int32(2)}), {})
ARRAY = numpy.ones(3)
FUNCTIONS["uses_array"] = lambda: numpy.sum(ARRAY)
"""
HELPER = "def helper_function(): return 1\n"

Keys = dict[str, str]


def script() -> str:
    return SCRIPT.replace("ARRAYS", ARRAYS)


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> list[Keys]:
    """What the script finds in four processes: other seeds of hashes, another folder, lines above."""
    found = []
    above = "# A comment.\n\n'''A docstring.'''\n\n\n"
    for seed, top, name in (("1", "", "a"), ("2", "", "a"), ("3", "", "another folder"), ("4", above, "a")):
        folder = tmp_path_factory.mktemp(name)
        write(folder, {"helper.py": HELPER})
        found.append(run_program(folder, top + script(), seed=seed))
    return found


CASES = [
    *(
        "uses_globals",
        "has_set_constant",
        "has_defaults",
        "nests",
        "recursive",
        "even",
        "closure",
        "annotated",
    ),
    *("uses_classes", "a_class", "an_enum", "a_dataclass", "raises", "a_lambda", "a_partial", "a_method"),
    *("by_name", "atoms", "sets", "instances", "functions", "equal_texts", "other_types"),
]


@pytest.mark.parametrize("name", CASES)
def test_a_key_is_the_same_in_every_process(name: str, processes: list[Keys]) -> None:
    assert len({found[name] for found in processes}) == 1


def test_the_keys_of_arrays_are_the_same_in_every_process(processes: list[Keys]) -> None:
    pytest.importorskip("numpy")
    for name in ("arrays", "uses_array"):
        assert len({found[name] for found in processes}) == 1


def test_different_functions_and_calls_have_different_keys(processes: list[Keys]) -> None:
    assert len(set(processes[0].values())) == len(processes[0])
    assert set(CASES) <= set(processes[0])


PROGRAM = """
LIMIT = 10
NAMES = {"a", "b"}
TABLE = {"k": [1, 2]}
class Base:
    factor = 2
    def scale(self, x): return self.factor * x
class Point(Base):
    def __init__(self, x): self.x = x
    def value(self): return self.scale(self.x)
def helper(x): return x + 1
def unused(x): return x
def make(n):
    def task(x, y=3, *, z=4):
        def inside(u): return u * 5
        class Inner:
            size = 8
            def __init__(self): self.a = self.b = 9
        try: return helper(x) + Inner.size + Point(x).value() + inside(y) + z + n + LIMIT + TABLE["k"][0]
        except ValueError: return x in {"p", "q"}, NAMES, 1.0
    return task
task = make(6)
"""


def key_of(source: str) -> bytes:
    """The key of the function `task` of a program."""
    namespace: dict[str, Any] = {"__name__": "__main__", "__file__": "program.py"}
    exec(compile(source, "program.py", "exec"), namespace)
    return functions.pickled(namespace["task"]).key


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 10", "LIMIT = 11"),
        ("LIMIT = 10", "LIMIT = 10.0"),
        ("LIMIT = 10", "LIMIT = '10'"),
        ('{"a", "b"}', '{"a", "c"}'),
        ('{"a", "b"}', 'frozenset({"a", "b"})'),
        ("[1, 2]", "[2, 1]"),
        ("[1, 2]", "(1, 2)"),
        ("factor = 2", "factor = 3"),
        ("self.factor * x", "self.factor + x"),
        ("Point(Base)", "Point(Base, object)"),
        ("self.x = x", "self.x = -x"),
        ("return x + 1", "return x + 2"),
        ("return x + 1", "return x - 1"),
        ("y=3", "y=4"),
        ("z=4", "z=5"),
        ("u * 5", "u * 6"),
        ("make(6)", "make(7)"),
        ("size = 8", "size = 9"),
        ("size = 8", "size = True"),
        ("size = 8", "sizes = 8"),
        ("self.b = 9", "self.b = 10"),
        ("class Inner:", "class Inner(Base):"),
        ("make(6)", "make(True)"),
        ("except ValueError", "except KeyError"),
        ('{"p", "q"}', '{"p", "r"}'),
        ("1.0", "1"),
        ("1.0", "-1.0"),
        ("1.0", "True"),
    ],
)
def test_what_can_change_the_result_changes_the_key(old: str, new: str) -> None:
    assert old in PROGRAM
    assert key_of(PROGRAM.replace(old, new)) != key_of(PROGRAM)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 10", "\n\n# Up to here.\nLIMIT = 10"),
        ("return x\n", "return -x\n"),
        ("x + 1", "x + 1  # so"),
    ],
)
def test_what_cannot_change_the_result_leaves_the_key(old: str, new: str) -> None:
    assert old in PROGRAM
    assert key_of(PROGRAM.replace(old, new)) == key_of(PROGRAM)


def test_the_text_of_a_module_and_the_bytes_of_a_file_are_in_the_key(tmp_path: Path) -> None:
    write(tmp_path, {"shape.py": "N = 1\n", "table.csv": "1"})

    def key() -> bytes:
        return functions.pickled(
            portable, modules=[tmp_path / "shape.py"], files=[tmp_path / "table.csv"]
        ).key

    before = key()
    assert key() == before
    write(tmp_path, {"shape.py": "N = 2\n"})
    changed = key()
    write(tmp_path, {"table.csv": "2"})
    assert len({before, changed, key()}) == 3


def test_the_key_of_a_source_bundle_is_of_its_text() -> None:
    first = functions.from_source(portable)
    assert first.key == functions.from_source(portable).key
    assert first.key != functions.from_source(portable, python="3.8-").key
    assert first.key != functions.pickled(portable).key


def portable(x):  # type: ignore[no-untyped-def]
    return x


class Plain:
    def __init__(self, x: object) -> None:
        self.x = x


LIST = [1]
TUPLE_OF_LIST = (LIST,)
SET = {1}
LOOP: list[Any] = []
LOOP.append(LOOP)
EXPLODING: Any = ()
for _ in range(60):
    EXPLODING = (EXPLODING, EXPLODING)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        ("a", b"a"),
        ("sa", b"sa"),
        (b"x", bytearray(b"x")),
        ((1, 2), [1, 2]),
        ([0, 1], (1,)),
        ([1, 2], [2, 1]),
        ({1, 2}, frozenset({1, 2})),
        ({1, 2}, {1, 3}),
        ({1}, {True}),
        ([1], {1}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (None, False),
        (1j, 1 + 0j),
        ("x" * 300, b"x" * 300),
        ([LIST, LIST], [[1], [1]]),
        ([SET, SET], [{1}, {1}]),
        ([SET, SET, {2}, SET], [SET, SET, {2}, {1}]),
        (Plain(1), Plain(2)),
        (Plain(1), SimpleNamespace(x=1)),
        (Plain, Plain(1)),
        ("", "s"),
        (LOOP, [[LOOP]]),
        (math.nan, math.inf),
    ],
)
def test_other_arguments_have_another_key(one: Any, other: Any) -> None:
    assert keys.of_call((one,), {}) == keys.of_call((one,), {})
    assert keys.of_call((one,), {}) != keys.of_call((other,), {})
    assert keys.of_call(([one],), {}) != keys.of_call(([other],), {})


def test_arguments_by_position_and_by_name_have_different_keys() -> None:
    calls = [((1, 2), {}), ((1,), {"b": 2}), ((), {"a": 1, "b": 2}), ((2, 1), {}), (((1, 2),), {}), ((), {})]
    assert len({keys.of_call(args, kwargs) for args, kwargs in calls}) == len(calls)


def test_equal_texts_and_tuples_count_as_equal_whether_or_not_they_are_one_object() -> None:
    text, pair = "ab" * 20, (1, "x")
    again, same_pair = "".join(["ab"] * 20), tuple(iter((1, "x")))
    assert keys.of_call(([text, text, pair, pair],), {}) == keys.of_call(
        ([text, again, pair, same_pair],), {}
    )


def test_a_changed_class_changes_the_key_of_its_instances() -> None:
    def instance(source: str) -> Any:
        namespace: dict[str, Any] = {"__name__": "__main__"}
        exec(source, namespace)
        return namespace["Point"]()

    source = "class Point:\n    def value(self): return 1\n"
    assert keys.of_call((instance(source),), {}) == keys.of_call((instance(source),), {})
    changed = instance(source.replace("1", "2"))
    assert keys.of_call((instance(source),), {}) != keys.of_call((changed,), {})


def test_what_shares_so_much_that_it_would_explode_has_a_key() -> None:
    assert keys.of_call((EXPLODING,), {}) != keys.of_call((EXPLODING[0],), {})


def test_a_set_that_contains_itself_has_a_key() -> None:
    node = Plain(None)
    node.x = {node}
    assert keys.of_call((node,), {})


@pytest.mark.parametrize("value", [(i for i in [1]), threading.Lock()])
def test_what_cannot_be_pickled_has_no_key(value: Any) -> None:
    with pytest.raises(ArgumentError, match="cannot be pickled"):
        keys.of_call((value,), {})
