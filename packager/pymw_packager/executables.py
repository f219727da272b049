"""Says for which machine a native program was built: the first bytes of ELF, PE and Mach-O files.

Offsets and numbers: System V ABI (ELF header), Microsoft's PE format, `<mach-o/loader.h>`, `<mach-o/fat.h>`.
"""

import struct
from pathlib import Path
from typing import IO

from pymw_platforms import Platform, all_platforms

from pymw_packager.errors import StorageError

MACH_O_32, MACH_O_64, MACH_O_FAT = 0xFEEDFACE, 0xFEEDFACF, 0xCAFEBABE
# A Java class has the magic number of a fat Mach-O; its next word is a version, never this small.
MOST_FAT_MACHINES = 30

# What `machines` returns: pairs of executable format and machine number, as in the definition files.
Machines = frozenset[tuple[str, int]]


def machines(path: Path) -> Machines:
    """Return format and machine number of a program; several for a universal one, none if it is no program.

    Raises:
        StorageError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return machines_of(file)
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def machines_of(file: IO[bytes]) -> Machines:
    """Return the same of an open file that stands at the program's first byte."""
    head = file.read(4096)
    try:
        if head.startswith(b"\x7fELF"):
            return _elf(head)
        if head.startswith(b"MZ"):
            return _pe(head)
        return _mach_o(head)
    except struct.error:
        return frozenset()


def fits(found: Machines, platform: Platform) -> bool:
    """Whether such a program is a native one of the platform."""
    return (platform.executable_format, platform.executable_machine) in found


def describe(found: Machines) -> str:
    """Return the machines in words, such as ``PE for Windows, 32-bit x86``."""
    names = [f"{form} for {_title(form, number)}" for form, number in sorted(found)]
    return " and ".join(names) or "no native program"


def _title(form: str, number: int) -> str:
    for platform in all_platforms():
        if (platform.executable_format, platform.executable_machine) == (form, number):
            return platform.title
    return f"machine {number:#x}"


def _elf(head: bytes) -> Machines:
    order = "<" if head[5:6] == b"\1" else ">"
    return frozenset({("ELF", struct.unpack_from(order + "H", head, 18)[0])})


def _pe(head: bytes) -> Machines:
    (offset,) = struct.unpack_from("<I", head, 0x3C)
    signature, machine = struct.unpack_from("<4sH", head, offset)
    return frozenset({("PE", machine)}) if signature == b"PE\0\0" else frozenset()


def _mach_o(head: bytes) -> Machines:
    if struct.unpack_from("<I", head)[0] in (MACH_O_32, MACH_O_64):
        return frozenset({("Mach-O", struct.unpack_from("<I", head, 4)[0])})
    magic, count = struct.unpack_from(">II", head)
    if magic != MACH_O_FAT or count > MOST_FAT_MACHINES:
        return frozenset()
    return frozenset(("Mach-O", struct.unpack_from(">I", head, 8 + 20 * i)[0]) for i in range(count))
