"""Runtimes for Windows and macOS, made of wheels."""

import re
import sys
import zipfile
from pathlib import Path

import pymw_platforms
import pytest
from pymw_packager import executables, interpreters
from pymw_packager.errors import FetchError, InterpreterError
from pymw_packager.files import sha256_of
from pymw_packager.interpreters import Runtime, cache, library, pinned

from tests.bench.wine import Wine
from tests.packager.interpreters import probing

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


def contents(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): sha256_of(p) for p in folder.rglob("*") if p.is_file()}


def test_it_is_a_whole_python_under_32_bit_windows(windows_runtime: Runtime, wine: Wine) -> None:
    folder = probing.copy(windows_runtime, wine.c)
    python, probe = wine.path(folder / "python.exe"), wine.path(wine.c / "probe.py")
    facts = probing.check(
        lambda argv: wine.run(argv, timeout=180), python, probe, windows_runtime, system="windows", bits=32
    )
    assert facts["prefix"] == "C:\\a runtime"
    inside = [probing.relative(path, "C:\\a runtime") for path in facts["path"][1:]]
    assert inside == [f"python{MINOR.replace('.', '')}.zip", "DLLs", "Lib", ""]
    assert facts["path"][0] == "C:\\"


def test_the_registry_and_the_environment_of_the_volunteer_do_not_get_in(
    windows_runtime: Runtime, wine: Wine
) -> None:
    folder = probing.copy(windows_runtime, wine.c)
    key = f"HKCU\\Software\\Python\\PythonCore\\{MINOR}-32\\PythonPath"
    for name in (key, f"{key}\\Extra"):
        wine.set_registry(name, "", "C:\\elsewhere")
    code = "import sys, json; print(json.dumps(sys.path))"
    done = wine.run(
        [wine.path(folder / "python.exe"), "-E", "-c", code],
        environment={"PYTHONPATH": "C:\\elsewhere", "PYTHONHOME": "C:\\elsewhere"},
    )
    assert "python" in done.stdout, done.stderr
    assert "elsewhere" not in done.stdout


def test_only_cpythons_own_files_travel(windows_runtime: Runtime) -> None:
    names = [
        path.relative_to(windows_runtime.folder).as_posix() for path in windows_runtime.folder.rglob("*")
    ]
    dlls = {name.lower() for name in names if name.endswith(".dll")}
    known = r"(python3\d+|vcruntime140|dlls/(libcrypto|libssl|libffi|sqlite3)[-\d_]*)\.dll"
    assert dlls and all(re.fullmatch(known, name) for name in dlls), dlls
    assert not [name for name in names if re.search(r"panda|p3|_tkinter|_test|\.py$|\._pth$", name)]


def test_the_same_inputs_make_the_same_bytes_wherever_they_are_made(
    windows_runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "another temporary folder").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "another temporary folder"))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("PYTHONHASHSEED", "4711")
    platform = pymw_platforms.load("windows_intelx86")
    again = interpreters.build(platform, "auto", MINOR, [], tmp_path / "again", lambda step: None)
    assert contents(again.folder) == contents(windows_runtime.folder)
    packed = next(windows_runtime.folder.glob("python3*.zip")).read_bytes()
    assert str(Path(library.__file__).parents[3]).encode() not in packed
    assert sys.base_prefix.encode() not in packed


@pytest.mark.parametrize("name", ["x86_64-apple-darwin", "arm64-apple-darwin"])
def test_a_runtime_for_macos_holds_programs_of_its_processor_alone(name: str, tmp_path: Path) -> None:
    platform = pymw_platforms.load(name)
    made = interpreters.build(platform, "auto", None, [], tmp_path / "runtime", lambda step: None)
    programs = [path for path in made.folder.rglob("*") if path.suffix in (".so", ".dylib")]
    assert len(programs) > 40
    expected = frozenset({("Mach-O", platform.executable_machine)})
    assert {executables.machines(path) for path in [*programs, made.folder / "python"]} == {expected}
    assert (made.folder / f"libpython{MINOR}.dylib").is_file()
    assert re.fullmatch(rf"{re.escape(MINOR)}\.\d+", made.version)
    with zipfile.ZipFile(made.folder / f"lib/python{MINOR.replace('.', '')}.zip") as archive:
        assert {"os.pyc", "encodings/utf_8.pyc", "asyncio/unix_events.pyc"} <= set(archive.namelist())
    assert list((made.folder / f"lib/python{MINOR}").rglob("_sysconfigdata__darwin_*.py"))


@pytest.mark.parametrize(
    ("name", "version", "sentence"),
    [
        ("windows_intelx86", "3.8", r"run pymw-package with Python 3\.8"),
        ("arm64-apple-darwin", "3.99", r"run pymw-package with Python 3\.99"),
    ],
)
def test_what_no_wheel_brings_is_one_sentence_and_leaves_nothing(
    name: str, version: str | None, sentence: str, tmp_path: Path
) -> None:
    platform = pymw_platforms.load(name)
    with pytest.raises(InterpreterError, match=sentence):
        interpreters.build(platform, "auto", version, [], tmp_path / "runtime", lambda step: None)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_it_says_so_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "folder", lambda kind: tmp_path)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    with pytest.raises(FetchError, match=r"pip could not fetch .*win32: .*\.$"):
        pinned.fetch("cpython", "win32", MINOR, lambda step: None)
    assert list(tmp_path.rglob("*.whl")) == []
