"""Makes the smallest files that pass for native programs of a platform: their headers."""

import struct

from pymw_platforms import Platform


def native_program(platform: Platform) -> bytes:
    """Return a header with the platform's machine, and the text that BOINC looks for in a launcher."""
    machine = platform.executable_machine
    if platform.executable_format == "ELF":
        size = 1 if platform.bits == 32 else 2
        head = struct.pack("<4sBBB9xHHI", b"\x7fELF", size, 1, 1, 2, machine, 1)
    elif platform.executable_format == "PE":
        head = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I4sH", 0x40, b"PE\0\0", machine)
    else:
        head = struct.pack("<II", 0xFEEDFACE if platform.bits == 32 else 0xFEEDFACF, machine)
    return head.ljust(256, b"\0") + b"API_VERSION_7.20.0\0"
