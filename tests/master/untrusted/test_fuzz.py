"""Whatever bytes arrive, the reader gives a plain value or UntrustedResult; and values survive the way."""

from __future__ import annotations

import pickle
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymw import UntrustedResult
from pymw.results import untrusted_reader
from pymw.untrusted.opcodes import METHODS
from pymw_worker import values

from tests.master.untrusted.values import ALLOW

ROOT = Path(__file__).parents[3]
read = untrusted_reader(ALLOW)

atoms = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
numbers = st.decimals(allow_nan=False) | st.fractions() | st.uuids()
times = st.one_of(st.datetimes(), st.dates(), st.times(), st.timedeltas())
hashable: st.SearchStrategy[Any] = st.one_of(atoms, st.tuples(atoms, atoms), numbers, times)
plain = st.recursive(
    hashable,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner, inner)
        | st.dictionaries(hashable, inner)
        | st.sets(hashable)
        | st.frozensets(hashable)
    ),
)
opcodes = st.sampled_from([bytes([opcode]) for opcode, method in enumerate(METHODS) if method != "unknown"])
names = st.sampled_from([b"cos\nsystem\n", b"cbuiltins\nset\n", b"cnumpy\nndarray\n", b"q\x00", b"h\x00"])
programs = st.lists(opcodes | names | st.binary(max_size=4), max_size=40).map(b"".join)


@given(plain)
@settings(max_examples=300, deadline=None)
def test_plain_values_survive(value: Any) -> None:
    assert read(values.dumps(value)) == value
    for protocol in (0, 2, 5):
        assert read(pickle.dumps(value, protocol)) == value


@pytest.mark.fault("results of any bytes")
@given(st.one_of(st.binary(), programs, programs.map(lambda made: made + b".")))
@settings(max_examples=1000, deadline=timedelta(seconds=5))
def test_any_bytes_are_a_value_or_refused(data: bytes) -> None:
    try:
        read(data)
    except UntrustedResult as error:
        assert "\n" not in str(error)


@given(st.binary(min_size=10, max_size=10))
def test_any_date_is_a_date_or_refused(packed: bytes) -> None:
    data = b"\x80\x03cdatetime\ndatetime\nC\x0a" + packed + b"\x85R."
    try:
        found = read(data)
    except UntrustedResult:
        return
    assert datetime.fromisoformat(found.isoformat()) == found.replace(fold=0)


@pytest.mark.fault("bundles of any bytes", "results of any bytes")
@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_the_fuzzer_finds_nothing_in_a_second() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "fuzz_readers.py"), "1"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
