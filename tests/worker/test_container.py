"""Whatever bytes arrive, reading a container gives the truth or one FormatError."""

from __future__ import annotations

import hashlib
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymw_worker import bundle, container, log, manifest, outcome
from pymw_worker.errors import FormatError

facts = st.dictionaries(st.from_regex("[a-z][a-z0-9-]{0,10}", fullmatch=True), st.text(), max_size=4)
members = st.dictionaries(st.from_regex("[a-z]{1,8}", fullmatch=True), st.binary(max_size=200), max_size=4)


def read_all(data: bytes, kind: str = "log") -> tuple[dict[str, str], dict[str, bytes]]:
    box = container.read(data, kind)
    return box.facts, {name: box.read(name) for name in box.members}


@given(facts, members, st.booleans())
def test_what_was_packed_is_read(facts: dict[str, str], members: dict[str, bytes], compress: bool) -> None:
    assert read_all(container.pack("log", facts, members, compress)) == (facts, members)


@pytest.mark.fault("bundles of any bytes", "results of any bytes")
@given(facts, members, st.booleans(), st.data())
@settings(max_examples=300)
def test_any_flipped_bit_is_a_format_error(
    facts: dict[str, str], members: dict[str, bytes], compress: bool, data: st.DataObject
) -> None:
    packed = bytearray(container.pack("log", facts, members, compress))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(FormatError):
        read_all(bytes(packed))


@pytest.mark.fault("bundles of any bytes", "results of any bytes")
@given(facts, members, st.booleans(), st.data())
def test_any_truncation_is_a_format_error(
    facts: dict[str, str], members: dict[str, bytes], compress: bool, data: st.DataObject
) -> None:
    packed = container.pack("log", facts, members, compress)
    with pytest.raises(FormatError):
        read_all(packed[: data.draw(st.integers(0, len(packed) - 1))])


@pytest.mark.fault("bundles of any bytes", "results of any bytes")
@given(
    st.sampled_from([b"", b"PYMW 1 result\n", b"PYMW 1 bundle\nform: ", b"PYMW 1 log\n*member "]), st.binary()
)
@settings(max_examples=300)
def test_any_bytes_are_a_format_error_for_every_reader(start: bytes, rest: bytes) -> None:
    readers: list[Callable[[bytes], Any]] = [outcome.read, log.read, bundle.read]
    for read in readers:
        with pytest.raises(FormatError) as error:
            read(start + rest)
        assert "\n" not in str(error.value)


def test_every_flipped_bit_of_one_result_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "result"
    outcome.write(path, outcome.EXCEPTION, "KeyError", "'x'", exception_bytes=b"pickle")
    good = path.read_bytes()
    assert outcome.read(good).type == "KeyError"
    for place in range(len(good)):
        for bit in range(8):
            damaged = bytearray(good)
            damaged[place] ^= 1 << bit
            with pytest.raises(FormatError):
                outcome.read(bytes(damaged))


def test_a_bomb_takes_no_more_memory_than_it_declares() -> None:
    packed = zlib.compress(bytes(200_000_000), 9)
    member = manifest.Member("0" * 64, 1000, len(packed), "zlib", "x")
    head = f"PYMW 1 log\n{member.line()}\n".encode()
    forged = head + f"sha256 {hashlib.sha256(head).hexdigest()}\n\n".encode() + packed
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match="larger than declared"):
            container.read(forged, "log").read("x")
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_manifest_without_end_is_not_read_on_and_on(tmp_path: Path) -> None:
    path = tmp_path / "endless"
    path.write_bytes(b"PYMW 1 log\n" + b"x" * (2 * manifest.MAX_HEAD))
    with pytest.raises(FormatError, match="longer than"):
        container.read(path, "log")
    with pytest.raises(FormatError, match="at most"):
        container.pack("log", {"a": "x" * manifest.MAX_HEAD}, {})
