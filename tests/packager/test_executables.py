"""Headers of native programs, real ones where this machine has them."""

import io
import struct
import sys
from pathlib import Path

import pytest
from pymw_packager import executables
from pymw_packager.errors import StorageError
from pymw_platforms import Platform, all_platforms, load, this_host

from tests.packager.programs import native_program


@pytest.mark.parametrize("platform", all_platforms(), ids=lambda platform: platform.name)
def test_a_header_tells_the_platform(platform: Platform) -> None:
    found = executables.machines_of(io.BytesIO(native_program(platform)))
    assert executables.fits(found, platform)
    assert platform.title in executables.describe(found)
    assert not any(executables.fits(found, other) for other in all_platforms() if other != platform)


def test_the_running_python_is_a_program_of_this_host() -> None:
    host = this_host()
    assert host is not None
    assert executables.fits(executables.machines(Path(sys.executable).resolve()), host)


def test_a_universal_program_fits_both_of_its_machines() -> None:
    intel, apple = load("x86_64-apple-darwin"), load("arm64-apple-darwin")
    parts = [struct.pack(">5I", p.executable_machine, 0, 4096, 100, 12) for p in (intel, apple)]
    found = executables.machines_of(io.BytesIO(struct.pack(">II", 0xCAFEBABE, 2) + b"".join(parts)))
    assert executables.fits(found, intel)
    assert executables.fits(found, apple)
    assert executables.describe(found) == "Mach-O for macOS, Intel and Mach-O for macOS, Apple silicon"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MZ",
        b"\x7fELF\x01",
        b"#!/bin/sh\n",
        b"MZ" + 100 * b"\0",
        bytes.fromhex("cafebabe00000034") + 200 * b"\0",
    ],
    ids=["empty", "cut PE", "cut ELF", "script", "DOS program", "Java class"],
)
def test_what_is_no_native_program_has_no_machine(content: bytes) -> None:
    found = executables.machines_of(io.BytesIO(content))
    assert found == frozenset()
    assert executables.describe(found) == "no native program"


def test_a_machine_of_no_platform_is_named_by_its_number() -> None:
    sparc = bytearray(native_program(load("i686-pc-linux-gnu")))
    sparc[18] = 2
    assert executables.describe(executables.machines_of(io.BytesIO(sparc))) == "ELF for machine 0x2"


def test_a_missing_program_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="absent cannot be read: No such file"):
        executables.machines(tmp_path / "absent")
