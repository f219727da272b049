"""Windows programs in a payload: other bytes, as many, fewer compressed, and the same again to the bit."""

import struct
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from pymw_packager import pe_filter, programs
from pymw_packager.errors import FormatError

X86, X64 = "windows_intelx86", "windows_x86_64"


def image(name: str) -> bytes:
    """A real program, from our own compiler."""
    return programs.launcher(name).read_bytes()


def compressed(content: bytes) -> int:
    return len(zstandard.compress(content, 9))


@pytest.mark.parametrize("name", [X86, X64])
def test_a_program_comes_back_to_the_bit_and_compresses_better(name: str) -> None:
    plain = image(name)
    stored = pe_filter.stored(plain)
    assert stored.startswith(b"mz") and len(stored) == len(plain)
    assert pe_filter.restored(stored) == plain
    assert compressed(stored) < 0.96 * compressed(plain)


def test_every_dll_of_cpython_for_windows_comes_back_to_the_bit(windows_python: Path) -> None:
    plain = [
        path.read_bytes() for path in sorted(windows_python.rglob("*")) if path.suffix in (".dll", ".pyd")
    ]
    stored = [pe_filter.stored(content) for content in plain]
    assert all(content.startswith(b"mz") for content in stored) and len(stored) > 20
    assert [pe_filter.restored(content) for content in stored] == plain
    assert compressed(b"".join(stored)) < 0.9 * compressed(b"".join(plain))


def test_what_is_no_program_for_x86_stays_as_it_is() -> None:
    for content in (
        b"",
        b"M",
        b"MZ",
        b"MZ" + bytes(100),
        b"mz",
        image("windows_arm64"),
        image("i686-pc-linux-gnu"),
    ):
        assert pe_filter.stored(content) == content == pe_filter.restored(content)


def test_a_program_that_carries_our_mark_is_refused() -> None:
    with pytest.raises(FormatError, match="begins with 'mz'"):
        pe_filter.stored(b"mz" + image(X86)[2:])


def test_a_table_that_no_linker_makes_leaves_the_program_as_it_is() -> None:
    plain = bytearray(image(X86))
    made = pe_filter._image(bytes(plain))
    assert made is not None and made.table is not None
    at = made.table.offset + 8
    first, second = struct.unpack_from("<HH", plain, at)
    struct.pack_into("<HH", plain, at, second, first)
    assert pe_filter.stored(bytes(plain)) == bytes(plain)


def test_jumps_of_all_kinds_come_back() -> None:
    """Distances at the borders of what is turned, and code that ends within a jump."""
    plain = bytearray(image(X86))
    made = pe_filter._image(bytes(plain))
    assert made is not None
    code = next(section for section in made.sections if section.is_code)
    distances = [0, 1, -1, made.size, made.size - 1, -made.size, -code.address, 2**31 - 1, -(2**31)]
    for number in range(0, 400, 5):
        distance = distances[number // 5 % len(distances)] + number // 45 - 4
        distance = max(-(2**31), min(2**31 - 1, distance))
        struct.pack_into("<Bi", plain, code.offset + number, 0xE8 + number % 2, distance)
    plain[code.offset + code.size - 3] = 0xE8
    stored = pe_filter.stored(bytes(plain))
    assert stored != bytes(plain) and pe_filter.restored(stored) == bytes(plain)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), max_size=12), st.integers(0, 6000))
def test_damage_raises_nothing_and_is_kept(changes: list[tuple[int, int]], cut: int) -> None:
    """Headers with wrong bytes: what is stored comes back, and what is read raises nothing."""
    plain = bytearray(image(X86)[: 200_000 - cut])
    for place, value in changes:
        plain[place] = value
    if plain[:2] != b"mz":
        assert pe_filter.restored(pe_filter.stored(bytes(plain))) == bytes(plain)
    pe_filter.restored(b"mz" + bytes(plain[2:]))
