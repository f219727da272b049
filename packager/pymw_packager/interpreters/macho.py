"""Takes one processor's program out of a universal Mach-O file.

Layout as in `<mach-o/fat.h>`: a big-endian header, then for each processor type, subtype, offset, size and
alignment. Code signatures lie inside the slices and stay valid.
"""

import struct

from pymw_packager.errors import FormatError

FAT_MAGIC = 0xCAFEBABE  # also of Java classes, whose next word is larger than any count of processors
FAT_MAGIC_64 = 0xCAFEBABF


def thin(content: bytes, cputype: int, name: str) -> bytes:
    """Return the slice of a universal file for one CPU type; any other file is returned as it is.

    Args:
        content: the file's bytes.
        cputype: one of ``CPU_TYPE_*`` in ``<mach/machine.h>``.
        name: the file's name, for the error.

    Raises:
        FormatError: the file has no program for this processor, or is damaged.
    """
    if len(content) < 8:
        return content
    magic, count = struct.unpack_from(">II", content)
    if magic not in (FAT_MAGIC, FAT_MAGIC_64):
        return content
    entry = struct.Struct(">iiIII" if magic == FAT_MAGIC else ">iiQQI")
    if 8 + count * entry.size > len(content):
        raise FormatError(f"{name} is a damaged universal Mach-O file; fetch it again.")
    for index in range(count):
        kind, _, offset, size, _ = entry.unpack_from(content, 8 + index * entry.size)
        if kind == cputype:
            if offset + size > len(content):
                raise FormatError(f"{name} is a truncated universal Mach-O file; fetch it again.")
            return content[offset : offset + size]
    raise FormatError(f"{name} has nothing for CPU type {cputype:#x}; name an interpreter that has.")
