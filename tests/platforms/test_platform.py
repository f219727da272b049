"""The definition files, and the code that loads them."""

import dataclasses
import subprocess
import sys
from importlib import resources

import pytest
from pymw_platforms import (
    DefinitionError,
    Platform,
    UnknownPlatformError,
    all_platforms,
    load,
    this_host,
)
from pymw_platforms.platform import parse

NAMES = {
    "i686-pc-linux-gnu",
    "windows_intelx86",
    "i686-apple-darwin",
    "x86_64-pc-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "arm-unknown-linux-gnueabihf",
    "windows_x86_64",
    "windows_arm64",
    "x86_64-apple-darwin",
    "arm64-apple-darwin",
}


def definition(name: str) -> str:
    return resources.files("pymw_platforms").joinpath(f"{name}.toml").read_text(encoding="utf-8")


def test_every_platform_of_the_design_is_defined_and_no_other() -> None:
    assert {platform.name for platform in all_platforms()} == NAMES
    assert [load(name).name for name in sorted(NAMES)] == sorted(NAMES)


def test_an_unknown_name_lists_the_near_matches() -> None:
    with pytest.raises(UnknownPlatformError, match=r"'windows_intel86'; did you mean windows_intelx86"):
        load("windows_intel86")


def test_a_name_like_no_other_lists_all() -> None:
    with pytest.raises(UnknownPlatformError) as caught:
        load("VAX/VMS")
    assert all(name in str(caught.value) for name in NAMES)


def test_the_running_python_has_a_platform_of_its_system_and_size() -> None:
    platform = this_host()
    assert platform is not None
    assert platform.bits == (64 if sys.maxsize > 2**32 else 32)
    assert platform.system == {"linux": "linux", "win32": "windows", "darwin": "macos"}[sys.platform]


def test_a_platform_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load("windows_intelx86").bits = 64  # type: ignore[misc]


@pytest.mark.parametrize("platform", all_platforms(), ids=lambda platform: platform.name)
def test_facts_of_a_platform_agree_with_each_other(platform: Platform) -> None:
    formats = {"linux": "ELF", "windows": "PE", "macos": "Mach-O"}
    assert platform.executable_format == formats[platform.system]
    assert platform.python == ("python.exe" if platform.system == "windows" else "python")
    assert (platform.interpreter == "debian") == (platform.system == "linux")
    assert platform.wheel_tags
    same = [p for p in all_platforms() if p.executable_machine == platform.executable_machine]
    assert [p.name for p in same if p.system == platform.system] == [platform.name]


def zig_targets() -> str:
    """What the pinned compiler says about its targets."""
    zig = [sys.executable, "-m", "ziglang", "targets"]
    return subprocess.run(zig, capture_output=True, text=True, check=True, timeout=120).stdout


def test_zig_knows_every_cpu_and_c_library() -> None:
    targets = zig_targets()
    for platform in all_platforms():
        if platform.launcher == "native":
            assert platform.zig_target and platform.zig_cpu
            parts = [part.split(".")[0] for part in platform.zig_target.split("-")]
            assert f'"{"-".join([*parts, "none"][:3])}"' in targets
            assert f".{platform.zig_cpu} = " in targets


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("bits = 32", "bit = 32", "unknown entry 'bit'"),
        ("bits = 32", "", "lacks the entry 'bits'"),
        ("bits = 32", "bits = '32'", "bits = '32' is not"),
        ("bits = 32", "bits = true", "bits = True is not"),
        ("bits = 32", "bits = 31", "neither 32 nor 64"),
        ("bits = 32", "bits = ", "is not TOML"),
        ('system = "windows"', 'system = "OS/2"', "system = 'OS/2' is not"),
        ('wheel_tags = ["win32"]', 'wheel_tags = "win32"', "wheel_tags = 'win32' is not"),
        ('launcher = "native"', 'launcher = "script"', "only a native launcher"),
        ('interpreter = "wheels"', 'interpreter = "debian"', "needs debian_architecture"),
        ('name = "windows_intelx86"', 'name = "windows_x86_64"', "describes 'windows_x86_64'"),
    ],
)
def test_a_wrong_definition_file_is_refused_by_name(old: str, new: str, message: str) -> None:
    text = definition("windows_intelx86")
    assert parse("windows_intelx86", text).bits == 32
    assert old in text
    with pytest.raises(DefinitionError, match=message) as caught:
        parse("windows_intelx86", text.replace(old, new, 1))
    assert "windows_intelx86.toml" in str(caught.value)
