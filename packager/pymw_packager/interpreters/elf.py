"""Reads what a Linux program or library is linked to, which must travel with it (System V ABI, `elf.h`)."""

import struct
from dataclasses import dataclass

from pymw_packager.errors import FormatError

MAGIC = b"\x7fELF"
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NULL, DT_NEEDED, DT_STRTAB = 0, 1, 5


@dataclass(frozen=True)
class Links:
    """What a dynamic ELF file asks for.

    Attributes:
        machine: ``e_machine``, such as 3 for i386.
        needed: the sonames of the libraries that it is linked to.
        loader: the path of the dynamic loader that it names; empty for a library.
    """

    machine: int
    needed: tuple[str, ...]
    loader: str


def links(content: bytes, name: str) -> Links:
    """Return what the little-endian ELF file ``content`` asks for.

    Raises:
        FormatError: it is no such file, or damaged.
    """
    try:
        return _links(content)
    except (struct.error, ValueError, IndexError) as error:
        raise FormatError(f"{name} is no ELF file that can be read ({error}); fetch it again.") from error


def _links(content: bytes) -> Links:
    if content[:4] != MAGIC or content[5] != 1:
        raise ValueError("not little-endian ELF")
    wide = content[4] == 2
    (machine,) = struct.unpack_from("<H", content, 18)
    (table,) = struct.unpack_from("<Q" if wide else "<I", content, 32 if wide else 28)
    size, count = struct.unpack_from("<HH", content, 54 if wide else 42)
    segments = [_segment(content, table + index * size, wide) for index in range(count)]
    loader = ""
    needed: tuple[str, ...] = ()
    for kind, offset, _, length in segments:
        if kind == PT_INTERP:
            loader = content[offset : offset + length].rstrip(b"\0").decode()
        elif kind == PT_DYNAMIC:
            needed = _needed(content, offset, length, segments, wide)
    return Links(machine, needed, loader)


def _segment(content: bytes, offset: int, wide: bool) -> tuple[int, int, int, int]:
    """Type, file offset, address and size in the file of one program header."""
    if wide:
        kind, _, place, address, _, length = struct.unpack_from("<IIQQQQ", content, offset)
    else:
        kind, place, address, _, length = struct.unpack_from("<IIIII", content, offset)
    return kind, place, address, length


def _needed(
    content: bytes, offset: int, length: int, segments: list[tuple[int, int, int, int]], wide: bool
) -> tuple[str, ...]:
    """The strings that the DT_NEEDED entries of a dynamic section point to."""
    entry = struct.Struct("<qQ" if wide else "<iI")
    names, strings = [], 0
    for place in range(offset, offset + length, entry.size):
        tag, value = entry.unpack_from(content, place)
        if tag == DT_NULL:
            break
        if tag == DT_NEEDED:
            names.append(value)
        elif tag == DT_STRTAB:
            strings = next(
                p + value - a for kind, p, a, n in segments if kind == PT_LOAD and a <= value < a + n
            )
    return tuple(content[strings + n : content.index(b"\0", strings + n)].decode() for n in names)
