"""Folders and archives of portable Pythons."""

import io
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pymw_platforms
import pytest
import zstandard
from pymw_packager import interpreters
from pymw_packager.errors import FormatError, InterpreterError, PackagerError, UsageError
from pymw_packager.interpreters import Runtime

from tests.bench.wine import Wine

LINUX = "x86_64-pc-linux-gnu"


def build(name: str, source: Path, folder: Path, minor: str | None = None) -> Runtime:
    return interpreters.build(pymw_platforms.load(name), str(source), minor, [], folder, lambda step: None)


@pytest.fixture
def standalone(x86_64_runtime: Runtime, tmp_path: Path) -> Path:
    """A folder like python-build-standalone's: python/bin/python3 is a link, the library lies loose."""
    home = tmp_path / "standalone" / "python"
    old, minor = x86_64_runtime.folder, x86_64_runtime.minor
    shutil.copytree(old / "lib" / f"python{minor}", home / "lib" / f"python{minor}")
    with zipfile.ZipFile(old / "lib" / f"python{minor.replace('.', '')}.zip") as library:
        library.extractall(home / "lib" / f"python{minor}")
    (home / "bin").mkdir()
    shutil.copy(old / "bin" / "python", home / "bin" / f"python{minor}")
    (home / "bin" / "python3").symlink_to(f"python{minor}")
    (home / "bin" / "pip").write_text("#!/build/python3")
    (home / "include").mkdir()
    (home / "include" / "Python.h").touch()
    (home / "lib" / "libnew.so.1").write_bytes(b"library")
    (home / "lib" / "libnew.so").symlink_to("libnew.so.1")
    return home.parent


def pack(folder: Path, archive: Path) -> Path:
    """Write a folder as the kind of archive that the name says."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz" if archive.suffix == ".gz" else "w") as tar:
        tar.add(folder, ".")
    content = buffer.getvalue()
    archive.write_bytes(zstandard.compress(content) if archive.suffix == ".zst" else content)
    return archive


@pytest.mark.parametrize("form", ["folder", "python.tar.gz", "python.tar.zst"])
def test_a_standalone_python_becomes_a_runtime(
    form: str, standalone: Path, x86_64_runtime: Runtime, tmp_path: Path
) -> None:
    source = standalone if form == "folder" else pack(standalone, tmp_path / form)
    made = build(LINUX, source, tmp_path / "runtime")
    assert made.version == x86_64_runtime.version
    code = "import os, sys; print(sys.executable, sys.prefix, os.path.exists(sys.prefix + '/lib/libnew.so'))"
    command: list[str | Path] = [made.folder / "python", "-E", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == f"{made.folder}/python {made.folder} True\n", done.stderr
    names = {path.name for path in made.folder.rglob("*")}
    assert not names & {"include", "Python.h", "pip", "python3"}
    assert not [path for path in made.folder.rglob("*") if path.is_symlink()]


def test_an_embeddable_zip_becomes_a_runtime(windows_runtime: Runtime, wine: Wine, tmp_path: Path) -> None:
    minor = windows_runtime.minor.replace(".", "")
    source = tmp_path / "embeddable.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for path in windows_runtime.folder.rglob("*"):
            archive.write(
                path,
                path.name if path.suffix in (".pyd", ".dll") else path.relative_to(windows_runtime.folder),
            )
        archive.writestr(f"python{minor}._pth", f"python{minor}.zip\n.\n")
    made = build("windows_intelx86", source, wine.c / "runtime")
    assert made.version == windows_runtime.version
    code = "import sys, ssl, json; print(sys.path[0] == '', sys.flags.isolated)"
    done = wine.run([wine.path(made.folder / "python.exe"), "-E", "-c", code])
    assert done.stdout.split() == ["True", "0"], done.stderr


def test_a_runtime_of_ours_is_taken_as_it_is(x86_64_runtime: Runtime, tmp_path: Path) -> None:
    made = build(LINUX, x86_64_runtime.folder, tmp_path / "runtime")
    assert made.version == x86_64_runtime.version
    names = [{p.relative_to(f) for p in f.rglob("*")} for f in (made.folder, x86_64_runtime.folder)]
    assert names[0] == names[1]


def test_what_is_no_python_for_the_platform_is_one_sentence(
    standalone: Path, x86_64_runtime: Runtime, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("no archive")
    broken = pack(standalone, tmp_path / "broken.tar.gz")
    broken.write_bytes(broken.read_bytes()[:-1000])
    cases: list[tuple[str, Path, str | None, type[PackagerError], str]] = [
        (
            "windows_intelx86",
            standalone,
            None,
            InterpreterError,
            "ELF for Linux, 64-bit x86, where one for Windows",
        ),
        (LINUX, tmp_path / "empty", None, InterpreterError, "holds no Python"),
        (LINUX, tmp_path / "missing", None, UsageError, "there is no such folder or archive"),
        (LINUX, tmp_path / "text.zip", None, FormatError, "no archive that can be unpacked"),
        (LINUX, broken, None, FormatError, "no archive that can be unpacked"),
        (LINUX, standalone, "3.2", InterpreterError, rf"take --python-version {x86_64_runtime.minor}"),
    ]
    for name, source, minor, kind, sentence in cases:
        with pytest.raises(kind, match=sentence):
            build(name, source, tmp_path / "runtime", minor)
        assert not (tmp_path / "runtime").exists()


def test_links_that_lead_out_are_refused(standalone: Path, tmp_path: Path) -> None:
    link = standalone / "python" / "lib" / "passwords"
    link.symlink_to("/etc/passwd")
    with pytest.raises(InterpreterError, match="is a link out of"):
        build(LINUX, standalone, tmp_path / "runtime")
    with pytest.raises(FormatError, match="no archive that can be unpacked"):
        build(LINUX, pack(standalone, tmp_path / "out.tar"), tmp_path / "runtime")


def test_a_python_that_does_not_run_here_is_refused(standalone: Path, tmp_path: Path) -> None:
    shutil.rmtree(next((standalone / "python" / "lib").glob("python3*")) / "encodings")
    with pytest.raises(InterpreterError, match=r"does not run here: .*; name a portable one\.$"):
        build(LINUX, standalone, tmp_path / "runtime")
