"""Arguments are packed fast, bring along what they refer to, and say which of them cannot travel."""

from __future__ import annotations

import pickle
import sys
import threading
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from pymw import errors, functions
from pymw.errors import ArgumentError, FunctionError
from pymw_worker import bundle

from tests.master.programs import run, run_files, write


def first(*args, **kwargs):  # type: ignore[no-untyped-def]
    return list(args) + sorted(kwargs.items())


def name_of(box):  # type: ignore[no-untyped-def]
    return box.name()


class Local:
    def name(self) -> str:
        return "local"


@pytest.fixture
def boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module of the user's that imports another, and an installed one."""
    write(tmp_path, {"boxes.py": "import labels\nclass Box:\n    def name(self): return labels.NAME\n"})
    write(tmp_path, {"labels.py": "NAME = 'a box'\n", "site-packages/third/deep.py": "class Thing: pass\n"})
    write(tmp_path, {"site-packages/third/__init__.py": ""})
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    import boxes  # type: ignore[import-not-found]

    yield boxes
    for name in ("boxes", "labels", "third", "third.deep"):
        sys.modules.pop(name, None)


def slot(folder: Path) -> Path:
    (folder / "slot").mkdir()
    return folder / "slot"


@pytest.mark.parametrize("make", [functions.pickled, functions.from_source])
def test_arguments_arrive_as_they_are(make: Callable[..., functions.CodeBundle], tmp_path: Path) -> None:
    code = make(first)
    call = code.pack((1, "\u00e4", [None, {2.5}]), {"k": b"\x80"})
    assert call.modules == frozenset()
    found = run_files(code.data, code.arguments_file("t", call.pickle), tmp_path)
    assert found == [1, "\u00e4", [None, {2.5}], ("k", b"\x80")]


def test_a_call_of_atoms_is_the_same_as_any_other() -> None:
    for make in (functions.pickled, functions.from_source):
        assert pickle.loads(make(first).pack((1, "a"), {"k": None}).pickle) == ((1, "a"), {"k": None})
        assert pickle.loads(make(first).pack().pickle) == ((), {})


@pytest.mark.parametrize("make", [functions.pickled, functions.from_source])
def test_what_arguments_refer_to_is_named_and_can_be_added(
    make: Callable[..., functions.CodeBundle], boxes: Any, tmp_path: Path
) -> None:
    code = make(name_of)
    call = code.pack(([boxes.Box()],))
    assert call.modules == {"boxes"}
    larger = code.with_modules(call.modules)
    assert larger.digest != code.digest
    assert larger.key != code.key
    assert larger.pack((boxes.Box(),)).modules == frozenset()
    assert run(larger, slot(tmp_path), boxes.Box()) == "a box"


def test_adding_modules_keeps_what_the_bundle_has(boxes: Any, tmp_path: Path) -> None:
    write(tmp_path, {"table.csv": "1"})
    code = functions.pickled(name_of, modules=["json"], files=[tmp_path / "table.csv"])
    larger = code.with_modules(["boxes"])
    assert (larger.entry, larger.form, larger.python) == (code.entry, code.form, code.python)
    again = functions.pickled(name_of, modules=["json", "boxes"], files=[tmp_path / "table.csv"])
    assert larger.key == again.key
    assert code.with_modules([]).key == code.key


def test_a_module_that_the_bundle_has_is_not_named(boxes: Any) -> None:
    assert functions.pickled(name_of, modules=["boxes"]).pack((boxes.Box(),)).modules == frozenset()


def test_an_installed_package_is_named_by_its_first_name(boxes: Any) -> None:
    import third.deep  # type: ignore[import-not-found]

    code = functions.pickled(name_of)
    assert code.pack((third.deep.Thing(),)).modules == {"third"}
    larger = code.with_modules(["third"])
    assert bundle.read(larger.data).requires == ["third"]
    assert larger.pack((third.deep.Thing(),)).modules == frozenset()


def test_functions_as_arguments_bring_what_they_import(boxes: Any) -> None:
    def uses() -> Any:
        import json

        import boxes
        from third import deep

        return json, deep, boxes

    assert functions.pickled(first).pack((uses,)).modules == {"boxes", "third"}


def test_classes_of_the_program_itself_travel_with_the_arguments(tmp_path: Path) -> None:
    assert run(functions.pickled(name_of), tmp_path, Local()) == "local"


def test_arguments_whose_module_the_bundle_lacks_are_refused(boxes: Any) -> None:
    with pytest.raises(ArgumentError, match="arguments of name_of need boxes, which its code bundle lacks"):
        functions.pickled(name_of).arguments("t", (boxes.Box(),))


class Unwilling:
    def __reduce__(self) -> Any:
        raise ValueError("not\nme")


@pytest.mark.parametrize(
    ("args", "kwargs", "words"),
    [
        ((1, threading.Lock()), {}, "argument 2 of first, of type lock, cannot be sent: cannot pickle"),
        ((1,), {"k": [(i for i in [1])]}, "the argument k of first, of type list, cannot be sent"),
        ((Unwilling(),), {}, "argument 1 of first, of type Unwilling, cannot be sent: not me; send plain"),
        ((errors.FunctionError("x"),), {}, "type FunctionError, .* refers to pymw.errors.FunctionError"),
        ((functions,), {}, "of type module, cannot be sent: it refers to pymw.functions, which stays"),
    ],
)
def test_the_argument_that_cannot_be_sent_is_named(
    args: tuple[Any, ...], kwargs: dict[str, Any], words: str
) -> None:
    with pytest.raises(ArgumentError, match=words) as error:
        functions.pickled(first).pack(args, kwargs)
    assert "\n" not in str(error.value)
    assert isinstance(error.value, FunctionError)


def test_packing_costs_little_more_than_pickling() -> None:
    code = functions.pickled(first)

    def time_of(call: Callable[[], object]) -> float:
        return min(timeit.repeat(call, number=2000, repeat=7)) / 2000

    for args in ((1, 2.5, "text"), ([1, 2.5], {"k": "text"})):
        packing = time_of(lambda args=args: code.pack(args, {}))  # type: ignore[misc]
        pickling = time_of(lambda args=args: cloudpickle.dumps((args, {})))  # type: ignore[misc]
        assert packing < 2 * pickling + 2e-6
