"""ELF links and Mach-O slices."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from pymw_packager.errors import FormatError
from pymw_packager.interpreters import Runtime, elf, macho

from tests.bench.require import require

X86_64, ARM64 = 0x01000007, 0x0100000C


@pytest.mark.parametrize("fixture", ["i686_runtime", "x86_64_runtime"])
def test_links_are_those_that_readelf_sees(fixture: str, request: pytest.FixtureRequest) -> None:
    require(shutil.which("readelf"), "readelf (apt-get install binutils)")
    runtime: Runtime = request.getfixturevalue(fixture)
    for file in [runtime.folder / "bin/python", *sorted((runtime.folder / "lib").glob("lib*.so*"))]:
        command: list[str | Path] = ["readelf", "--dynamic", "--wide", file]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        needed = [line.split("[")[1].rstrip("]") for line in said.splitlines() if "(NEEDED)" in line]
        assert list(elf.links(file.read_bytes(), file.name).needed) == needed


def test_the_loader_is_named_by_programs_alone(i686_runtime: Runtime) -> None:
    program = elf.links((i686_runtime.folder / "bin/python").read_bytes(), "python")
    assert (program.machine, program.loader) == (3, "/lib/ld-linux.so.2")
    assert elf.links((i686_runtime.folder / "lib/libc.so.6").read_bytes(), "libz").machine == 3


def test_a_damaged_elf_file_is_one_sentence(x86_64_runtime: Runtime) -> None:
    content = (x86_64_runtime.folder / "lib/libz.so.1").read_bytes()
    for damaged in (b"", b"text", content[:40], content[:100], content[:2000]):
        with pytest.raises(FormatError, match=r"^libz is no ELF file that can be read .*; fetch it again\.$"):
            elf.links(damaged, "libz")


def universal(*slices: tuple[int, bytes]) -> bytes:
    """Return a universal Mach-O file of these slices."""
    head, body, place = struct.pack(">II", 0xCAFEBABE, len(slices)), b"", 4096
    for cputype, content in slices:
        head += struct.pack(">iiIII", cputype, 3, place + len(body), len(content), 12)
        body += content.ljust(4096, b"\0")
    return head.ljust(place, b"\0") + body


def test_a_universal_file_is_cut_down_to_one_processor() -> None:
    content = universal((X86_64, b"intel" * 10), (ARM64, b"apple" * 9))
    assert macho.thin(content, X86_64, "some.dylib") == b"intel" * 10
    assert macho.thin(content, ARM64, "some.dylib") == b"apple" * 9


def test_other_files_stay_as_they_are() -> None:
    for content in (b"", b"\xca\xfe", b"\xcf\xfa\xed\xfe" + bytes(100), b"text of some length"):
        assert macho.thin(content, ARM64, "file") == content


def test_a_universal_file_without_the_processor_or_damaged_is_one_sentence() -> None:
    content = universal((X86_64, b"intel" * 10))
    with pytest.raises(FormatError, match=r"some\.dylib has nothing for CPU type 0x100000c"):
        macho.thin(content, ARM64, "some.dylib")
    with pytest.raises(FormatError, match="truncated"):
        macho.thin(content[:4100], X86_64, "some.dylib")
    with pytest.raises(FormatError, match="damaged"):
        macho.thin(content[:20], X86_64, "some.dylib")
