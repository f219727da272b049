"""The worker archive, read by the oldest and the newest Pythons of this machine."""

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import cast

import pytest
from pymw_packager import worker_archive
from pymw_packager.errors import FormatError
from pymw_packager.interpreters import library

from tests.bench.fixtures import Python


@pytest.fixture(params=[None, library.RUNNING], ids=["sources", "compiled"])
def embedded(request: pytest.FixtureRequest) -> str | None:
    """The version of an embedded Python."""
    return cast("str | None", request.param)


@pytest.fixture
def archive(tmp_path: Path, embedded: str | None) -> Path:
    name, data = worker_archive.build(embedded)
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_every_python_imports_the_worker_from_it(pythons: tuple[Python, ...], archive: Path) -> None:
    code = "import sys; sys.path[0] = sys.argv[1]; import pymw_worker; sys.stdout.write(pymw_worker.__file__)"
    assert pythons
    for python in pythons:
        command = [str(python.path), "-E", "-c", code, str(archive)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout.startswith(str(archive)), f"{python}: {done.stderr}"


def test_the_embedded_python_loads_what_was_compiled_for_it(archive: Path, embedded: str | None) -> None:
    code = (
        "import sys; sys.path[0] = sys.argv[1]; import pymw_worker.names; print(pymw_worker.names.__file__)"
    )
    command = [sys.executable, "-E", "-c", code, str(archive)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip().endswith("names.pyc" if embedded else "names.py")


def test_without_a_compiler_the_sources_go_alone() -> None:
    said: list[str] = []
    assert worker_archive.build_for("3.99", said.append) == worker_archive.build()
    assert "PATH has no python3.99" in said[0]
    assert worker_archive.build_for("3.7", said.append) == worker_archive.build()
    assert worker_archive.build_for(library.RUNNING, said.append) == worker_archive.build(library.RUNNING)
    assert len(said) == 1


def test_cloudpickle_comes_along(archive: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import cloudpickle; print(cloudpickle.__file__)"
    command = [sys.executable, "-I", "-c", code, str(archive)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith(str(archive))


def test_the_bytes_are_the_same_each_time_and_hold_no_trace_of_the_machine(
    archive: Path, embedded: str | None
) -> None:
    name, data = worker_archive.build(embedded)
    assert (name, data) == (archive.name, archive.read_bytes())
    with zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
    assert [m.filename for m in members] == sorted(m.filename for m in members)
    assert {(m.date_time, m.compress_type, m.create_system) for m in members} == {
        ((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED, 3)
    }
    assert {Path(m.filename).suffix for m in members} == ({".py", ".pyc"} if embedded else {".py"})
    assert str(Path.home()).encode() not in data


def test_a_whole_archive_is_good(archive: Path) -> None:
    worker_archive.verify(archive)


def test_a_flipped_bit_is_noticed(archive: Path) -> None:
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    with pytest.raises(FormatError, match="holds a damaged"):
        worker_archive.verify(archive)


def test_a_cut_archive_is_noticed(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(FormatError, match="is not a zip"):
        worker_archive.verify(archive)


def test_an_archive_without_the_worker_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "pymw_worker_0.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("__main__.py", "")
    with pytest.raises(FormatError, match=r"lacks cloudpickle/__init__.py"):
        worker_archive.verify(path)
