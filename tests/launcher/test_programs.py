"""The native programs: for each platform, small, the same bytes wherever they are built, for old machines."""

import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymw_packager import executables, programs
from pymw_packager.errors import InterpreterError, PackagerError
from pymw_platforms import Platform, all_platforms, load

from tests.bench.chroot import Chroot
from tests.bench.require import require

NATIVE = [platform for platform in all_platforms() if platform.launcher == "native"]
NAMES = [platform.name for platform in NATIVE]
CODE_SIGNATURE = 0x1D  # LC_CODE_SIGNATURE of <mach-o/loader.h>


@pytest.mark.parametrize("platform", NATIVE, ids=NAMES)
def test_each_platform_has_a_small_launcher_and_interpreter_host(platform: Platform) -> None:
    for path in (programs.launcher(platform.name), programs.interpreter_host(platform.name)):
        assert executables.fits(executables.machines(path), platform)
        assert path.stat().st_size <= 500_000
        assert path.stat().st_mode & 0o111


@pytest.mark.parametrize("platform", all_platforms(), ids=lambda platform: platform.name)
def test_the_launcher_tells_boinc_s_tools_which_protocol_it_speaks(platform: Platform) -> None:
    found = re.findall(rb"API_VERSION_[\d.]+", programs.launcher(platform.name).read_bytes())
    assert found == [b"API_VERSION_7.20.0"]


def test_every_program_of_a_wheel_has_a_name_of_its_own() -> None:
    built = programs.build_all()
    assert len(built) == len(set(built.values())) == 2 * len(NATIVE) + 1
    assert all(path.is_file() for path in built.values())


@pytest.mark.parametrize("name", ["x86_64-pc-linux-gnu", "windows_intelx86"])
def test_built_in_another_folder_and_cache_it_has_the_same_bytes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = programs.launcher(name).read_bytes()
    assert str(programs.SOURCES).encode() not in usual
    elsewhere = tmp_path / "another folder"
    shutil.copytree(programs.SOURCES, elsewhere)
    monkeypatch.setattr(programs, "SOURCES", elsewhere)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = programs.launcher(name)
    assert path.is_relative_to(tmp_path)
    assert path.read_bytes() == usual


def test_a_program_is_built_once_and_again_when_a_source_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = programs.interpreter_host("windows_intelx86")
    before = first.stat()
    assert programs.interpreter_host("windows_intelx86").stat() == before
    shutil.copytree(programs.SOURCES, tmp_path / "sources")
    monkeypatch.setattr(programs, "SOURCES", tmp_path / "sources")
    with (tmp_path / "sources" / "tree.zig").open("a") as source:
        source.write("// changed\n")
    assert programs.interpreter_host("windows_intelx86") != first


def test_a_source_that_does_not_compile_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(programs.SOURCES, tmp_path / "sources")
    (tmp_path / "sources" / "tree.zig").write_text("nonsense")
    monkeypatch.setattr(programs, "SOURCES", tmp_path / "sources")
    with pytest.raises(PackagerError, match=r"python-windows_intelx86\.exe could not be built"):
        programs.interpreter_host("windows_intelx86")


def test_32_bit_macos_has_no_interpreter_host() -> None:
    with pytest.raises(InterpreterError, match="i686-apple-darwin has no embedded interpreters"):
        programs.interpreter_host("i686-apple-darwin")


def objdump(option: str, path: Path) -> str:
    """What binutils' objdump prints about a program."""
    require(shutil.which("objdump"), "objdump (apt-get install binutils)")
    return subprocess.run(["objdump", option, path], capture_output=True, text=True, check=True).stdout


def pe_field(data: bytes, offset: int, form: str) -> tuple[int, ...]:
    """Fields of a PE file, counted from its signature."""
    (start,) = struct.unpack_from("<I", data, 0x3C)
    return struct.unpack_from(form, data, start + offset)


@pytest.mark.parametrize(("name", "version"), [("windows_intelx86", (5, 1)), ("windows_x86_64", (5, 2))])
def test_windows_programs_ask_for_windows_xp(name: str, version: tuple[int, int]) -> None:
    for path in (programs.launcher(name), programs.interpreter_host(name)):
        data = path.read_bytes()
        assert pe_field(data, 24 + 40, "<HH") == version
        assert pe_field(data, 24 + 48, "<HH") == version


def test_windows_programs_use_only_the_calls_that_windows_zig_names_all_of_them_in_windows_xp() -> None:
    named = set(re.findall(r'extern "\w+" fn (\w+)', (programs.SOURCES / "windows.zig").read_text()))
    for path in (programs.launcher("windows_intelx86"), programs.interpreter_host("windows_intelx86")):
        imported = set(re.findall(r"^\s+[0-9a-f]+\s+\d+  (\w+)$", objdump("-p", path), re.MULTILINE))
        assert "CreateFileW" in imported or "LoadLibraryExW" in imported
        # These two are the std's allocator; they have been there since Windows NT.
        assert imported - named <= {"NtAllocateVirtualMemory", "NtFreeVirtualMemory"}


@pytest.mark.parametrize("name", ["i686-pc-linux-gnu", "windows_intelx86"])
def test_32_bit_x86_programs_need_no_sse(name: str) -> None:
    for path in (programs.launcher(name), programs.interpreter_host(name)):
        code = objdump("-d", path)
        assert len(code) > 10_000
        assert "%xmm" not in code


def load_commands(data: bytes) -> Iterator[tuple[int, int]]:
    """Kind and offset of each load command of a 64-bit Mach-O file."""
    (count,) = struct.unpack_from("<I", data, 16)
    offset = 32
    for _ in range(count):
        kind, size = struct.unpack_from("<II", data, offset)
        yield kind, offset
        offset += size


@pytest.mark.parametrize("platform", [p for p in NATIVE if p.system == "macos"], ids=lambda p: p.name)
def test_macos_programs_are_signed_as_far_as_their_processor_asks(platform: Platform) -> None:
    for path in (programs.launcher(platform.name), programs.interpreter_host(platform.name)):
        data = path.read_bytes()
        signed = [offset for kind, offset in load_commands(data) if kind == CODE_SIGNATURE]
        if platform.name == "arm64-apple-darwin":
            (start, size) = struct.unpack_from("<II", data, signed[0] + 8)
            # CSMAGIC_EMBEDDED_SIGNATURE, big-endian.
            assert struct.unpack_from(">I", data, start) == (0xFADE0CC0,)
            assert start + size == len(data)


@pytest.mark.parametrize("name", ["i686-pc-linux-gnu", "x86_64-pc-linux-gnu"])
def test_linux_programs_need_nothing_of_the_system(name: str, empty_chroot: Chroot) -> None:
    require(load(name).bits == 32 or struct.calcsize("P") == 8, "a 64-bit machine")
    shutil.copy2(programs.launcher(name), empty_chroot.path / "tmp" / "launcher")
    (empty_chroot.path / "tmp" / "launcher.conf").write_text("format = 1\nworker = w.zip\n")
    done = empty_chroot.run(["/tmp/launcher", "--explain"])
    assert "failed to find the worker archive /tmp/w.zip" in done.stderr
    (empty_chroot.path / "tmp" / "w.zip").write_bytes(b"")
    done = empty_chroot.run(["/tmp/launcher", "--explain"])
    assert (done.returncode, done.stdout.splitlines()[-1]) == (206, "choice: none fits")
    shutil.copy2(programs.interpreter_host(name), empty_chroot.path / "tmp" / "python")
    done = empty_chroot.run(["/tmp/python"])
    assert done.returncode == 126
    assert "failed to start the embedded Python" in done.stderr
