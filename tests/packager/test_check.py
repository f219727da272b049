"""--check: a good app version has no faults, and each damage has its sentence."""

import dataclasses
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymw_packager import launcher_config, payload, version_xml, worker_archive
from pymw_packager.check import app_versions, check
from pymw_packager.errors import StorageError
from pymw_packager.launcher_config import MODULES, LauncherConfig, PayloadEntry
from pymw_packager.names import config_name, launcher_name
from pymw_packager.progress import Progress
from pymw_packager.version_xml import VersionXml
from pymw_platforms import Platform, all_platforms, load

from tests.packager.programs import native_program

LINUX, WINDOWS, MAC = load("i686-pc-linux-gnu"), load("windows_intelx86"), load("i686-apple-darwin")


def plant_runtime(folder: Path, platform: Platform) -> Path:
    """The least that --check takes for a runtime."""
    (folder / "lib").mkdir(parents=True)
    (folder / platform.python).write_bytes(native_program(platform))
    (folder / platform.python).chmod(0o755)
    (folder / "lib" / "zlib.so.1").write_bytes(native_program(platform))
    (folder / "lib" / "t64.exe").write_bytes(native_program(load("windows_x86_64")))
    return folder


def plant(output: Path, platform: Platform, runtime: Path | None) -> Path:
    """Write an app version 1.04 by hand, with headers for programs."""
    folder = output / "pymw" / "1.04" / platform.name
    folder.mkdir(parents=True)
    launcher = launcher_name("1.04", platform)
    script = platform.launcher == "script"
    (folder / launcher).write_bytes(b"#!/bin/sh\n" if script else native_program(platform))
    (folder / launcher).chmod(0o755)
    worker, archive = worker_archive.build()
    (folder / worker).write_bytes(archive)
    entry = None
    if runtime:
        packed = payload.pack(runtime, "pymw_python3.11.9", folder, platform, Progress())
        entry = PayloadEntry(
            name=packed.path.name,
            sha256=packed.sha256,
            size=packed.size,
            python=platform.python,
            version="3.11",
        )
    modules = MODULES[platform.system]
    config = LauncherConfig(worker=worker, python_min="2.5", modules=modules, payload=entry)
    (folder / config_name(launcher)).write_text(config.text())
    others = (config_name(launcher), worker, *((entry.name,) if entry else ()))
    (folder / "version.xml").write_text(VersionXml(launcher, others).text())
    return folder


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    return plant(folder, WINDOWS, plant_runtime(folder / "runtime", WINDOWS))


@pytest.fixture
def windows(planted: Path, tmp_path: Path) -> Path:
    """An app version that a test may damage."""
    return Path(shutil.copytree(planted, tmp_path / "pymw" / "1.04" / "windows_intelx86"))


def only(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


def configure(folder: Path, **changes: Any) -> None:
    """Change entries of the launcher's configuration; those of the payload have its prefix."""
    path = only(folder, "*.conf")
    config = launcher_config.read(path)
    assert config.payload
    entry = {name.removeprefix("payload_"): value for name, value in changes.items() if "payload_" in name}
    plain = {name: value for name, value in changes.items() if "payload_" not in name}
    changed = dataclasses.replace(config.payload, **entry)
    path.write_text(dataclasses.replace(config, payload=changed, **plain).text())


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("platform", all_platforms(), ids=lambda platform: platform.name)
def test_a_good_app_version_has_no_faults(platform: Platform, tmp_path: Path) -> None:
    runtime = plant_runtime(tmp_path / "runtime", platform) if platform.launcher == "native" else None
    folder = plant(tmp_path, platform, runtime)
    verdict = check(folder)
    assert verdict.faults == ()
    assert {file.name for file in verdict.files} == {path.name for path in folder.iterdir()}


def test_signatures_beside_the_files_are_no_fault(windows: Path) -> None:
    (windows / "pymw_1.04_windows_intelx86.exe.sig").write_bytes(b"...")
    assert check(windows).faults == ()


DAMAGES: list[tuple[str, Callable[[Path], object]]] = [
    (r"tar\.zst is damaged: its SHA-256 is", lambda f: flip(only(f, "*.zst"), -9)),
    (r"where the configuration says", lambda f: configure(f, payload_sha256="0" * 64)),
    (r"unpacks to \d+ bytes, where the configuration says 5", lambda f: configure(f, payload_size=5)),
    (r"lacks the interpreter pythonw\.exe", lambda f: configure(f, payload_python="pythonw.exe")),
    (r"tar\.zst is listed in version\.xml and missing", lambda f: only(f, "*.zst").unlink()),
    (r"zip is damaged: its SHA-256 is", lambda f: flip(only(f, "*.zip"), 5000)),
    (r"zip holds a damaged", lambda f: flip(only(f, "*.zip"), 5000)),
    (r"readme is not listed in version\.xml", lambda f: (f / "readme").write_text("")),
    (r"exe is no native program, not for Windows, 32-bit", lambda f: flip(only(f, "*.exe"), 0)),
    (
        r"exe is PE for Windows, 64-bit x86, not for Windows, 32-bit x86",
        lambda f: only(f, "*.exe").write_bytes(native_program(load("windows_x86_64"))),
    ),
    (r"does not hold the text API_VERSION_7\.20\.0", lambda f: flip(only(f, "*.exe"), -5)),
    (r"exe has no execute permission", lambda f: only(f, "*.exe").chmod(0o644)),
    (r"has api_version '7\.2' instead of 7\.20\.0", lambda f: rewrite(f / "version.xml", "7.20.0", "7.2")),
    (
        r"starts pymw_1\.04_x\.exe instead",
        lambda f: rewrite(f / "version.xml", "windows_intelx86.e", "x.e"),
    ),
    (r"does not ask for the module ctypes", lambda f: configure(f, modules=("zlib",))),
    (r"python_min 3\.8 instead of 2\.5", lambda f: configure(f, python_min="3.8")),
    (r"version\.xml cannot be read", lambda f: (f / "version.xml").unlink()),
    (r"version\.xml is not XML", lambda f: (f / "version.xml").write_text("<version>")),
    (r"conf cannot be read", lambda f: only(f, "*.conf").unlink()),
    (r"unknown entry 'colour'", lambda f: rewrite(only(f, "*.conf"), "prefer = system", "colour = red")),
]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no execute permission")
@pytest.mark.parametrize(("fault", "damage"), DAMAGES, ids=[fault for fault, _ in DAMAGES])
def test_each_damage_is_one_sentence(fault: str, damage: Callable[[Path], object], windows: Path) -> None:
    damage(windows)
    faults = check(windows).faults
    assert any(re.search(fault, sentence) for sentence in faults), faults
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in faults)


def test_a_library_of_another_machine_in_the_payload_is_named(tmp_path: Path) -> None:
    runtime = plant_runtime(tmp_path / "runtime", LINUX)
    (runtime / "lib" / "_ssl.so").write_bytes(native_program(load("x86_64-pc-linux-gnu")))
    (fault,) = check(plant(tmp_path, LINUX, runtime)).faults
    assert fault.endswith("lib/_ssl.so is ELF for Linux, 64-bit x86, not for Linux, 32-bit x86.")


def test_an_interpreter_that_cannot_be_executed_is_a_fault_where_that_counts(tmp_path: Path) -> None:
    for platform in (LINUX, WINDOWS):
        runtime = plant_runtime(tmp_path / platform.name, platform)
        (runtime / platform.python).chmod(0o644)
        faults = check(plant(tmp_path, platform, runtime)).faults
        assert [fault.split(": ")[1] for fault in faults] == (
            ["python has no execute permission."] if platform is LINUX else []
        )


def test_a_script_launcher_must_be_one(tmp_path: Path) -> None:
    folder = plant(tmp_path, MAC, None)
    (folder / "pymw_1.04_i686-apple-darwin").write_bytes(native_program(MAC))
    assert check(folder).faults == ("pymw_1.04_i686-apple-darwin is not a script of /bin/sh.",)


def test_a_file_listed_twice_is_a_fault(windows: Path) -> None:
    listed = version_xml.read(windows / "version.xml")
    twice = dataclasses.replace(listed, others=(*listed.others, listed.others[0]))
    (windows / "version.xml").write_text(twice.text())
    assert check(windows).faults == ("version.xml lists a file twice.",)


def test_a_needed_file_that_is_not_listed_is_a_fault(windows: Path) -> None:
    listed = version_xml.read(windows / "version.xml")
    (windows / "version.xml").write_text(dataclasses.replace(listed, others=listed.others[:-1]).text())
    faults = check(windows).faults
    assert any("so that no volunteer would get it" in fault for fault in faults)
    assert any("which the launcher needs" in fault for fault in faults)


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("pymw/1.04/windows_intel", "did you mean windows_intelx86"),
        ("pymw/latest/windows_intelx86", "'latest' is no"),
    ],
)
def test_a_folder_that_boinc_would_skip_is_a_fault(
    place: str, fault: str, windows: Path, tmp_path: Path
) -> None:
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    windows.rename(tmp_path / place)
    (sentence,) = check(tmp_path / place).faults
    assert fault in sentence


def test_app_versions_are_found_from_the_output_and_by_themselves(windows: Path, tmp_path: Path) -> None:
    linux = plant(tmp_path, LINUX, None)
    (tmp_path / "pymw" / ".1.05-half.tmp").mkdir()
    assert app_versions(tmp_path) == [linux, windows]
    assert app_versions(windows) == [windows]


@pytest.mark.parametrize("name", ["absent", "file", "empty"])
def test_a_folder_without_app_versions_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StorageError, match=f"{name} (is no folder|holds no pymw/VERSION/PLATFORM)"):
        app_versions(tmp_path / name)
