"""What strangers may send is read as it was."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from pymw import UntrustedResult, results
from pymw.ending import Ending
from pymw.results import read_untrusted
from pymw_worker import values

from tests.master.untrusted.values import ALLOW, ERRORS, INSTANCES, PLAIN, Plain, Point


def same(found: Any, value: Any) -> bool:
    return type(found) is type(value) and (repr(found) == repr(value) or found == value)


@pytest.mark.parametrize("value", PLAIN + ERRORS, ids=lambda value: f"{type(value).__name__}")
def test_plain_data_comes_back_as_it_was(value: Any) -> None:
    assert same(read_untrusted(values.dumps(value)), value)
    for protocol in range(6):
        assert same(read_untrusted(pickle.dumps(value, protocol)), value)


@pytest.mark.parametrize("value", INSTANCES, ids=lambda value: type(value).__name__)
def test_instances_of_allowed_classes_come_back_as_they_were(value: Any) -> None:
    for data in [values.dumps(value), *(pickle.dumps(value, protocol) for protocol in range(2, 6))]:
        assert same(read_untrusted(data, ALLOW), value)
        with pytest.raises(UntrustedResult) as caught:
            read_untrusted(data)
        assert "tests.master.untrusted.values." in caught.value.asked


def test_arrays_and_scalars_of_numpy_come_back_as_they_were() -> None:
    np = pytest.importorskip("numpy")
    record = [("a", "f8"), ("b", "i4", (2,)), ("c", "<M8[us]"), ("d", "U3")]
    whole = [
        np.float64(1.5),
        np.int8(-3),
        np.bool_(True),
        np.str_("abc"),
        np.bytes_(b"q"),
        np.datetime64("2020-01-01"),
        np.timedelta64(3, "s"),
        np.complex64(1j),
        np.array([(1, 2.0)], [("x", "i4"), ("y", "f8")])[0],
        np.arange(10),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.zeros((0, 3)),
        np.array("x"),
        np.array(["a", "bcd"]),
        np.zeros(3, record),
        np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
        np.array(["2020-01-01"], "M8[D]"),
    ]
    for value in whole:
        for data in [values.dumps(value), *(pickle.dumps(value, protocol) for protocol in range(6))]:
            found = read_untrusted(data)
            assert type(found) is type(value)
            assert found.dtype == value.dtype
            assert np.array_equal(found, value)
    assert read_untrusted(pickle.dumps(np.arange(3))).flags.writeable
    shared = np.arange(3)
    one, other = read_untrusted(pickle.dumps([shared, shared]))
    assert one is other


def test_what_is_one_object_stays_one() -> None:
    inner = Plain([])
    inner.x = [inner, inner]
    found = read_untrusted(pickle.dumps(inner), [Plain])
    assert found.x[0] is found.x[1] is found


def test_a_value_of_python_2_is_read() -> None:
    assert read_untrusted(b"\x80\x02U\x03abc.") == "abc"
    assert read_untrusted(b"\x80\x02U\x02\xc3\xa9.") == b"\xc3\xa9", "nobody knows its encoding"
    assert read_untrusted(b"\x80\x02c__builtin__\nset\n]K\x01a\x85R.") == {1}
    error = read_untrusted(b"\x80\x02cexceptions\nValueError\nU\x02no\x85R.")
    assert repr(error) == "ValueError('no')"


def test_a_class_that_cannot_be_built_cannot_be_allowed() -> None:
    for cls in (type("Meta", (type,), {}), type({}.keys()), property):
        with pytest.raises(TypeError, match="cannot be allowed"):
            read_untrusted(b"N.", [cls])


def test_an_untrusted_result_is_the_error_of_its_task() -> None:
    end = Ending("value", pickle.dumps(Point(1, ())))
    value, error = results.value_of(end, results.untrusted_reader())
    assert value is None
    assert isinstance(error, UntrustedResult)
    assert "Point" in str(error)


def test_an_exception_that_is_not_read_leaves_its_name_and_text() -> None:
    for raised in (SystemExit(0), StopIteration(1), INSTANCES[10]):
        end = Ending("exception", pickle.dumps(raised), type="Name", message="text")
        _, error = results.value_of(end, results.untrusted_reader())
        assert repr(error) == "TaskError('Name: text')"
