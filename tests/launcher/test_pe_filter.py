"""The launcher restores Windows programs to the bit: every DLL of a real Python, and what is damaged."""

from pathlib import Path

import pytest
from pymw_packager import pe_filter, programs

from tests.launcher.application import Application
from tests.launcher.embedded import FILES, VERSION


def unpacked(application: Application, files: dict[str, bytes]) -> dict[str, bytes]:
    """What the launcher makes of files that a payload holds."""
    application.settings["prefer"] = "embedded"
    application.add_payload({**FILES, **files}, VERSION)
    application.configure()
    application.under_client()
    done = application.run()
    assert application.started() is not None, done.stderr
    return {name: (application.runtime() / name).read_bytes() for name in files}


def test_every_dll_of_a_python_for_windows_comes_back_to_the_bit(
    native: Application, windows_python: Path
) -> None:
    plain = {
        path.relative_to(windows_python).as_posix(): path.read_bytes()
        for path in windows_python.rglob("*")
        if path.suffix in (".dll", ".pyd", ".exe")
    }
    for name in ("windows_x86_64", "windows_arm64", "x86_64-pc-linux-gnu"):
        plain[name] = programs.launcher(name).read_bytes()
    stored = {name: pe_filter.stored(content) for name, content in plain.items()}
    assert sum(content.startswith(b"mz") for content in stored.values()) == len(plain) - 2
    assert unpacked(native, stored) == plain


@pytest.mark.parametrize("cut", [2, 3, 64, 200, 1000, 100_000])
def test_a_program_that_is_cut_short_is_read_like_the_packager_does(native: Application, cut: int) -> None:
    content = pe_filter.stored(programs.launcher("windows_intelx86").read_bytes())[:cut]
    assert unpacked(native, {"cut": content}) == {"cut": pe_filter.restored(content)}
