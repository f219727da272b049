"""Values of all kinds become JSON, and reading them runs nothing of what they name."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import importlib.util
import json
import os
import pickle
import uuid
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from pymw import plain
from pymw.export import Export
from pymw_worker import values

from tests.master.runs.conftest import MakeMaster

HERE = __name__


class Point:
    def __init__(self, x: float, y: Any) -> None:
        self.x = x
        self.y = y


class Slotted:
    __slots__ = ("a",)

    def __init__(self) -> None:
        self.a = 1


class Colour(enum.Enum):
    RED = 1


class Names(list[str]):
    pass


Pair = collections.namedtuple("Pair", "left right")
Pair.__module__ = HERE

VALUES: list[tuple[Any, Any]] = [
    (None, None),
    (True, True),
    (3, 3),
    (2.5, 2.5),
    ("ä\udc80", "ä\udc80"),
    (1 << 70, 1 << 70),
    (1 << 20_000, hex(1 << 20_000)),
    (float("inf"), "inf"),
    (float("nan"), "nan"),
    ([1, (2, [3])], [1, [2, [3]]]),
    ({"a": 1, 2: (), None: 3}, {"a": 1, "2": [], "None": 3}),
    ({(1, 2): 3}, {"(1, 2)": 3}),
    ({3, 1, 2}, [1, 2, 3]),
    (frozenset({"b", "a"}), ["a", "b"]),
    (b"\0\xff", {"base64": "AP8="}),
    (bytearray(b"ab"), {"base64": "YWI="}),
    (1 + 2j, {"real": 1.0, "imag": 2.0}),
    (datetime.date(2024, 2, 29), "2024-02-29"),
    (datetime.datetime(2024, 2, 29, 1, 2, tzinfo=datetime.timezone.utc), "2024-02-29T01:02:00+00:00"),
    (datetime.timedelta(minutes=1), 60.0),
    (decimal.Decimal("1.10"), "1.10"),
    (fractions.Fraction(1, 3), "1/3"),
    (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    (range(3), "range(0, 3)"),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.Counter("aab"), {"a": 2, "b": 1}),
    (collections.defaultdict(list, a=[1]), {"a": [1]}),
    (collections.deque([1, 2]), [1, 2]),
    (Point(1.5, {2}), {"class": f"{HERE}.Point", "x": 1.5, "y": [2]}),
    (Slotted(), {"class": f"{HERE}.Slotted", "a": 1}),
    (Colour.RED, {"class": f"{HERE}.Colour", "args": [1]}),
    (Pair(1, 2), {"class": f"{HERE}.Pair", "args": [1, 2]}),
    (Names(["a"]), {"class": f"{HERE}.Names", "items": ["a"]}),
    (ValueError("no"), {"class": "ValueError", "args": ["no"]}),
    (Point, {"name": f"{HERE}.Point"}),
    (os.getcwd, {"name": f"{os.getcwd.__module__}.getcwd"}),
]


@pytest.mark.parametrize("protocol", [2, 3, 5, None], ids=["2", "3", "5", "canonical"])
@pytest.mark.parametrize(("value", "shown"), VALUES, ids=lambda value: type(value).__name__)
def test_values_of_all_kinds_become_json(value: Any, shown: Any, protocol: int | None) -> None:
    data = values.dumps(value) if protocol is None else pickle.dumps(value, protocol)
    assert json.loads(json.dumps(plain.Writer().json(plain.load(data)))) == shown


class Evil:
    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["PYMW_TEST_EVIL"],)


@pytest.mark.parametrize("protocol", [2, 5])
def test_nothing_that_a_pickle_names_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int
) -> None:
    monkeypatch.setenv("PYMW_TEST_EVIL", str(tmp_path / "made"))
    shown = plain.Writer().json(plain.load(pickle.dumps([Evil()], protocol)))
    assert shown[0]["class"].endswith(".mkdir")
    assert not (tmp_path / "made").exists()


def test_a_value_that_contains_itself_or_explodes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "MOST", 100_000)
    endless: list[Any] = []
    endless.append(endless)
    huge: list[Any] = [0]
    for _ in range(60):
        huge = [huge, huge]
    for value in (endless, huge):
        with pytest.raises(plain.NotPlain):
            plain.Writer().json(plain.load(pickle.dumps(value)))


def test_functions_that_travel_by_value_stay_what_they_are() -> None:
    data = cloudpickle.dumps(((lambda x: x, 1), {}))
    args, _ = plain.load(data)
    assert args[1] == 1
    assert repr(args[0]) == "<lambda>"


def give(value: Any, *, name: str = "") -> Any:
    if name == "fail":
        raise ValueError(f"not {value}")
    print(name)
    return value


def test_an_export_has_all_there_is_to_know_of_each_task(master: MakeMaster, run: Path) -> None:
    with master(retries=1) as each:
        good = each.submit(give, Point(1, 2), name="one")
        bad = each.submit(give, 2, name="fail")
        bad.exception()
        good.result()
    export = Export(run)
    first, second = map(json.loads, export.lines())
    assert (first["task"], first["function"], first["state"]) == (1, "give", "finished")
    assert first["args"] == ["Point(x=1, y=2)"]
    assert first["kwargs"] == {"name": "one"}
    assert first["value"] == {"class": f"{HERE}.Point", "x": 1, "y": 2}
    assert first["stdout_length"] == len("said x")
    assert first["submitted"] <= first["started"] <= first["finished"]
    assert first["elapsed"] >= 0
    assert first["worker"].startswith("worker [")
    assert first["log"]["python"] == "3.11"
    assert second["args"] == [2]
    assert (second["state"], second["attempts"]) == ("failed", 2)
    assert second["error"] == {
        "type": "ValueError",
        "message": "not 2",
        "traceback": "Traceback: of the worker",
    }
    assert [json.loads(line)["task"] for line in Export(run, failed_alone=True).lines()] == [2]
    assert export.unreadable == 0


def test_an_export_needs_little_memory(master: MakeMaster, run: Path) -> None:
    import tracemalloc

    with master() as each:
        assert sum(each.map(len, [bytes([x % 256]) * 20_000 for x in range(2_000)])) == 40_000_000
    tracemalloc.start()
    try:
        assert sum(1 for _ in Export(run).lines()) == 2_000
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_an_export_goes_on_while_a_program_writes(master: MakeMaster, run: Path) -> None:
    with master() as each:
        assert list(each.map(give, range(500))) == list(range(500))
        lines = Export(run).lines()
        found = [json.loads(next(lines))]
        assert list(each.map(give, range(1000))) == list(range(1000))
        found += map(json.loads, lines)
    tasks = [line["task"] for line in found]
    assert tasks == sorted(set(tasks))
    assert len(tasks) >= 500


# As numpy 1 and 2 write numpy.arange(3.0); neither may be installed here.
ARRAY = (
    b"\x80\x03cnumpy.%s.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01K\x03\x85cnumpy\ndtype\n"
    b"X\x02\x00\x00\x00f8\x89\x88\x87R(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
    b"C\x18\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0?\x00\x00\x00\x00\x00\x00\x00@tb."
)


@pytest.mark.filterwarnings("ignore:numpy.core")
@pytest.mark.parametrize("place", [b"core", b"_core"])
def test_arrays_are_lists_where_numpy_is_and_readable_where_it_is_not(place: bytes) -> None:
    shown = plain.Writer().json(plain.load(ARRAY % place))
    if importlib.util.find_spec("numpy"):
        assert shown == [0.0, 1.0, 2.0]
    else:
        assert shown["class"].endswith("multiarray._reconstruct")
