"""App versions: real launchers of this host's platform and of the script, put into their folders."""

import filecmp
import os
from pathlib import Path

import pytest
from pymw_packager import app_version, launcher_config, version_xml
from pymw_packager.app_version import AppVersion, Recipe
from pymw_packager.check import check
from pymw_packager.errors import ImmutableError, InterpreterError, StorageError, UsageError
from pymw_packager.progress import Progress
from pymw_platforms import Platform, load

from tests.packager.programs import native_program

LINUX, MAC = load("x86_64-pc-linux-gnu"), load("i686-apple-darwin")
SMALL = Recipe(platform=LINUX, version="1.04", interpreter="none")


def build(output: Path, recipe: Recipe = SMALL) -> AppVersion:
    return app_version.build(recipe, output, Progress())


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_an_app_version_is_laid_out_as_documented(tmp_path: Path) -> None:
    built = build(tmp_path)
    assert built.folder == tmp_path / "pymw" / "1.04" / "x86_64-pc-linux-gnu"
    (worker,) = built.folder.glob("pymw_worker_*.zip")
    launcher, config = "pymw_1.04_x86_64-pc-linux-gnu", "pymw_1.04_x86_64-pc-linux-gnu.conf"
    assert names(built.folder) == {launcher, config, worker.name, "version.xml"}
    assert version_xml.read(built.folder / "version.xml").files == (launcher, config, worker.name)
    assert launcher_config.read(built.folder / config).worker == worker.name
    assert os.access(built.folder / launcher, os.X_OK)
    assert check(built.folder).faults == ()
    assert names(tmp_path / "pymw") == {"1.04", "1.04/x86_64-pc-linux-gnu"} | {
        f"1.04/x86_64-pc-linux-gnu/{name}" for name in names(built.folder)
    }


def test_what_a_volunteer_downloads_is_all_but_version_xml(tmp_path: Path) -> None:
    built = build(tmp_path)
    sizes = {path.name: path.stat().st_size for path in built.folder.iterdir()}
    del sizes["version.xml"]
    assert {file.name: file.size for file in built.files} == sizes
    assert built.download == sum(sizes.values())


def test_same_inputs_give_same_bytes_in_any_folder(tmp_path: Path) -> None:
    one, other = build(tmp_path / "one"), build(tmp_path / "two" / "deep")
    assert one.files == other.files
    same, differing, odd = filecmp.cmpfiles(one.folder, other.folder, names(one.folder), shallow=False)
    assert (set(same), differing, odd) == (names(other.folder), [], [])


def test_building_the_same_again_changes_nothing(tmp_path: Path) -> None:
    first = build(tmp_path)
    (first.folder / "version.xml.sig").write_text("signed by the project")
    before = {path: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    again = build(tmp_path)
    assert (first.unchanged, again.unchanged) == (False, True)
    assert again.files == first.files
    assert {path: path.stat().st_mtime_ns for path in first.folder.iterdir()} == before


@pytest.mark.parametrize("change", ["other bytes", "one more", "one less"])
def test_another_build_of_the_same_version_is_refused_with_the_remedy(change: str, tmp_path: Path) -> None:
    folder = build(tmp_path).folder
    changed = folder / ("extra" if change == "one more" else "pymw_1.04_x86_64-pc-linux-gnu.conf")
    if change == "one less":
        changed.unlink()
    else:
        changed.write_text("# by hand\n")
    before = names(tmp_path)
    with pytest.raises(ImmutableError, match=rf"differs in {changed.name}\).*give a higher --app-version"):
        build(tmp_path)
    assert names(tmp_path) == before
    assert build(tmp_path, Recipe(platform=LINUX, version="1.05", interpreter="none")).folder.is_dir()


def test_the_script_launcher_is_packaged_without_a_python(tmp_path: Path) -> None:
    built = build(tmp_path, Recipe(platform=MAC, version="1.04"))
    assert built.python is None
    assert check(built.folder).faults == ()
    (launcher,) = (file for file in built.files if file.role == "launcher")
    assert (built.folder / launcher.name).read_bytes().startswith(b"#!/bin/sh\n")


@pytest.mark.parametrize(
    ("recipe", "error"),
    [
        (
            Recipe(platform=LINUX, version="1.04", interpreter="/no/such/python"),
            UsageError,
        ),
        (Recipe(platform=LINUX, version="1.04", interpreter="none", requirements=("numpy",)), UsageError),
        (Recipe(platform=LINUX, version="1.04", interpreter="none", prefer="embedded"), UsageError),
        (Recipe(platform=MAC, version="1.04", requirements=("numpy",)), UsageError),
        (Recipe(platform=MAC, version="1.04", interpreter="/usr"), UsageError),
    ],
)
def test_what_cannot_be_built_leaves_nothing(recipe: Recipe, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error):
        build(tmp_path / "new" / "output", recipe)
    assert not (tmp_path / "new" / "output").exists()
    built = build(tmp_path)
    before = names(tmp_path)
    with pytest.raises(error):
        build(tmp_path, recipe)
    assert names(tmp_path) == before
    assert check(built.folder).faults == ()


def plant_python(folder: Path, platform: Platform, machine: Platform) -> Path:
    """The least that passes for a portable Python 3.11.9 of a machine, laid out as the platform has it."""
    program = native_program(machine) + b"\x003.11.9\0"
    windows = {"python.exe": program, "python311.dll": program, "Lib/os.py": b""}
    unix = {"bin/python3.11": program, "lib/python3.11/os.py": b""}
    for name, content in (windows if platform.system == "windows" else unix).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize("name", ["windows_intelx86", "i686-pc-linux-gnu"])
def test_a_python_that_the_user_names_gives_the_same_bytes_each_time(name: str, tmp_path: Path) -> None:
    platform = load(name)
    built = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        python = plant_python(folder / "python", platform, platform)
        recipe = Recipe(platform=platform, version="1.04", interpreter=str(python), prefer="embedded")
        built.append(build(folder / "output", recipe))
    one, other = built
    assert one.python == "3.11.9"
    assert one.files == other.files
    config = launcher_config.read(next(one.folder.glob("*.conf")))
    assert config.payload is not None
    assert (config.prefer, config.payload.version, config.payload.python) == (
        "embedded",
        "3.11",
        platform.python,
    )
    assert check(one.folder).faults == ()


def test_a_python_of_another_machine_is_refused(tmp_path: Path) -> None:
    windows = load("windows_intelx86")
    python = plant_python(tmp_path / "python", windows, load("windows_x86_64"))
    with pytest.raises(InterpreterError, match=r"PE for Windows, 64-bit x86.*32-bit x86 is needed"):
        build(tmp_path / "output", Recipe(platform=windows, version="1.04", interpreter=str(python)))
    assert not (tmp_path / "output").exists()


def test_an_output_that_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"file/pymw cannot be written: Not a directory"):
        build(tmp_path / "file")
