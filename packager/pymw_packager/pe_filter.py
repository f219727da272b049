"""Images of Windows programs (PE: .exe, .dll, .pyd) as a payload holds them, in which they compress better.

A stored image has the size and the bytes of the image, but for three things. `restored` and the launcher's
`pe_filter.zig` undo them to the bit, so that signatures stay valid:

* It begins with `mz` instead of `MZ`.
* Near calls and jumps in code (E8, E9) name their target, not the distance to it, so that all calls of one
  function look alike.
* The table of relocations, which names the place of each address in the image, is gone. Whatever looks like
  an address of the image is a candidate; where the table was, there are numbers (LEB128, then zeros): how
  many addresses there are that are no candidates, and the place of each; then, by turns without an end, how
  many candidates are addresses before one that is none.

Offsets and numbers are those of Microsoft's PE format.
"""

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pymw_packager.errors import FormatError

STORED, PLAIN = b"mz", b"MZ"
I386, AMD64 = 0x14C, 0x8664
CODE = 0x20
PAGE = 0x1000
NEAR = re.compile(rb"[\xe8\xe9]")


@dataclass(frozen=True)
class Section:
    """A part of an image: its place in memory (from the base) and in the file, its size there, in bytes."""

    address: int
    offset: int
    size: int
    is_code: bool

    def of(self, content: bytes | bytearray) -> bytes:
        """Return its bytes."""
        return bytes(content[self.offset : self.offset + self.size])


@dataclass(frozen=True)
class Image:
    """What the headers say.

    Attributes:
        base: the address that it is linked for.
        size: in memory, in bytes.
        width: of an address, 4 or 8 bytes.
        sections: all but the table's, in the order of the headers, which is that of their places.
        table: the section with the relocations; None: there is none.
    """

    base: int
    size: int
    width: int
    sections: tuple[Section, ...]
    table: Section | None


def stored(content: bytes) -> bytes:
    """Return what a payload holds of a file: as many bytes; the same ones, if it is no image for this.

    Raises:
        FormatError: it looks like a stored image, and is none of ours.
    """
    image = _image(content)
    if image is None:
        return content
    if content.startswith(STORED):
        raise FormatError("a program begins with 'mz', which would be taken for our mark; leave it out.")
    changed = bytearray(content)
    if (table := image.table) is not None:
        numbers = _numbers(image, content, _relocations(table.of(content), image.width))
        if len(numbers) > table.size:
            return content
        changed[table.offset : table.offset + table.size] = numbers.ljust(table.size, b"\0")
    _turn_calls(image, changed, to_targets=True)
    changed[: len(STORED)] = STORED
    return bytes(changed) if restored(bytes(changed)) == content else content


def restored(content: bytes) -> bytes:
    """Return the file of which a payload holds this."""
    image = _image(content) if content.startswith(STORED) else None
    if image is None:
        return content
    changed = bytearray(content)
    changed[: len(PLAIN)] = PLAIN
    _turn_calls(image, changed, to_targets=False)
    if (table := image.table) is not None:
        places = sorted(_places(image, changed, table.of(content)))
        changed[table.offset : table.offset + table.size] = _blocks(places, image.width).ljust(
            table.size, b"\0"
        )
    return bytes(changed)


def _image(content: bytes) -> Image | None:
    """Read the headers; None: it is no image, for another machine, or its parts lie outside of it."""
    if content[:2] not in (STORED, PLAIN):
        return None
    try:
        (start,) = struct.unpack_from("<I", content, 0x3C)
        signature, machine, count = struct.unpack_from("<4sHH", content, start)
        if signature != b"PE\0\0" or machine not in (I386, AMD64):
            return None
        (optional,) = struct.unpack_from("<H", content, start + 20)
        wide = machine == AMD64
        (base,) = struct.unpack_from("<Q" if wide else "<I", content, start + (48 if wide else 52))
        (size,) = struct.unpack_from("<I", content, start + 80)
        (relocations,) = struct.unpack_from("<I", content, start + (176 if wide else 160))
        rows = [
            struct.unpack_from("<12x3I12xI", content, start + 24 + optional + 40 * i) for i in range(count)
        ]
    except struct.error:
        return None
    sections = [
        Section(address, offset, length, bool(flags & CODE)) for address, length, offset, flags in rows
    ]
    if any(section.offset + section.size > len(content) for section in sections):
        return None
    others = tuple(section for section in sections if section.address != relocations)
    table = next((section for section in sections if section.address == relocations), None)
    return Image(base, size, 8 if wide else 4, others, table)


def _turn_calls(image: Image, content: bytearray, *, to_targets: bool) -> None:
    """Turn the distances behind E8 and E9 into targets, or back.

    A distance that leads out of the image becomes negative, so that both ways are unambiguous: all numbers
    from the beginning of the image up to its size change among themselves, and others are left alone.
    """
    for section in image.sections:
        if not section.is_code:
            continue
        code, at = section.of(content), 0
        while (found := NEAR.search(code, at)) and found.end() + 4 <= len(code):
            at = found.end() + 4
            (value,) = struct.unpack_from("<i", code, at - 4)
            place = section.address + at
            if not -place <= value < image.size:
                continue
            if to_targets:
                new = value + place if value + place < image.size else value - image.size
            else:
                new = value - place if value >= 0 else value + image.size
            struct.pack_into("<i", content, section.offset + at - 4, new)


def _candidates(image: Image, content: bytes | bytearray) -> Iterator[int]:
    """Yield the places of all that looks like an address: anywhere in 32-bit code, else aligned."""
    end = image.base + image.size
    tops = sorted({(address >> 24) & 0xFF for address in range(image.base, end + (1 << 24), 1 << 24)})
    top = re.compile(b"[%s]" % re.escape(bytes(tops)))
    address = struct.Struct("<I" if image.width == 4 else "<Q")
    for section in image.sections:
        part = section.of(content)
        step = 1 if section.is_code and image.width == 4 else image.width
        for found in top.finditer(part):
            at = found.start() - 3
            if at < 0 or at % step or at + image.width > len(part):
                continue
            if image.base <= address.unpack_from(part, at)[0] < end:
                yield section.address + at


def _relocations(table: bytes, width: int) -> set[int]:
    """Return the places that a table of relocations names."""
    places: set[int] = set()
    at = 0
    while at + 8 <= len(table):
        page, size = struct.unpack_from("<II", table, at)
        if size < 8 or at + size > len(table):
            break
        entries = struct.unpack_from(f"<{(size - 8) // 2}H", table, at + 8)
        places |= {page + entry % PAGE for entry in entries if entry // PAGE == _kind(width)}
        at += size
    return places


def _blocks(places: Iterable[int], width: int) -> bytes:
    """Return the table that linkers make of places in ascending order: a block for each page."""
    pages: dict[int, list[int]] = {}
    for place in places:
        pages.setdefault(place - place % PAGE, []).append(_kind(width) * PAGE + place % PAGE)
    blocks = []
    for page, entries in pages.items():
        padded = entries + [0] * (len(entries) % 2)
        blocks.append(struct.pack(f"<II{len(padded)}H", page, 8 + 2 * len(padded), *padded))
    return b"".join(blocks)


def _kind(width: int) -> int:
    """IMAGE_REL_BASED_HIGHLOW or _DIR64."""
    return 3 if width == 4 else 10


def _numbers(image: Image, content: bytes, places: set[int]) -> bytes:
    """Return what stands in the table's place."""
    runs, others = [0], set(places)
    for candidate in _candidates(image, content):
        if candidate in places:
            runs[-1] += 1
            others.discard(candidate)
        else:
            runs.append(0)
    return b"".join(map(_leb128, [len(others), *sorted(others), *runs]))


def _places(image: Image, content: bytes | bytearray, numbers: bytes) -> Iterator[int]:
    """Yield the places that what stands in the table's place means."""
    number = _read_leb128(numbers)
    yield from [next(number) for _ in range(next(number))]
    left = next(number)
    for candidate in _candidates(image, content):
        if left:
            yield candidate
            left -= 1
        else:
            left = next(number, 0)


def _leb128(value: int) -> bytes:
    parts = [value & 0x7F]
    while value := value >> 7:
        parts[-1] |= 0x80
        parts.append(value & 0x7F)
    return bytes(parts)


def _read_leb128(content: bytes) -> Iterator[int]:
    value = shift = 0
    for byte in content:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield value
            value = shift = 0
