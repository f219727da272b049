"""The launcher's configuration file."""

from pathlib import Path

import pytest
from pymw_packager.errors import FormatError, StorageError
from pymw_packager.launcher_config import LauncherConfig, PayloadEntry, read

SMALL = LauncherConfig(worker="pymw_worker_3f2a.zip", python_min="2.5")
FULL = LauncherConfig(
    worker="pymw_worker_3f2a.zip",
    python_min="2.5",
    python_max="3.14",
    bits=32,
    modules=("zlib", "ctypes"),
    prefer="embedded",
    payload=PayloadEntry(
        name="pymw_python3.11.9_windows_intelx86_91ab.tar.zst",
        sha256="91ab" * 16,
        size=26738688,
        python="python.exe",
        version="3.11",
    ),
)


@pytest.mark.parametrize("config", [SMALL, FULL], ids=["small", "full"])
def test_what_is_written_is_read_back(config: LauncherConfig, tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    path.write_text(config.text())
    assert read(path) == config


def test_the_file_is_as_the_launcher_wants_it() -> None:
    assert FULL.text().splitlines() == [
        "format = 1",
        "worker = pymw_worker_3f2a.zip",
        "python_min = 2.5",
        "python_max = 3.14",
        "bits = 32",
        "modules = zlib,ctypes",
        "prefer = embedded",
        "payload = pymw_python3.11.9_windows_intelx86_91ab.tar.zst",
        "payload_sha256 = " + "91ab" * 16,
        "payload_size = 26738688",
        "payload_python = python.exe",
        "payload_version = 3.11",
    ]


def test_comments_and_empty_lines_say_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    path.write_text("# by hand\n\n" + SMALL.text() + "\n# the end\n")
    assert read(path) == SMALL


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1", "format = 2", "another pymw-package wrote it"),
        ("format = 1\n", "", "another pymw-package wrote it"),
        ("bits = 32", "bits = 16", "bits that makes no sense: '16'"),
        ("bits = 32", "bit = 32", "unknown entry 'bit'"),
        ("bits = 32", "bits", "line 5 is not a new `name = value`"),
        ("bits = 32", "worker = other.zip", "line 5 is not a new"),
        ("pymw_worker_3f2a.zip", "../pymw_worker.zip", "worker that makes no sense"),
        ("worker = pymw_worker_3f2a.zip\n", "", "lacks the entry 'worker'"),
        ("payload_size = 26738688\n", "", "lacks the entry 'payload_size'"),
        ("payload = pymw", "# payload = pymw", "lacks the entry 'payload'"),
        ("payload_size = 2", "payload_size = -2", "payload_size that makes no sense"),
        ("prefer = embedded", "prefer = mine", "prefer that makes no sense"),
        ("zlib,ctypes", "zlib,,ctypes", "modules that makes no sense"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(old: str, new: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    assert old in FULL.text()
    path.write_text(FULL.text().replace(old, new, 1))
    with pytest.raises(FormatError, match=message) as caught:
        read(path)
    assert "a.conf" in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    path.write_bytes(b"format = 1\nworker = \xff\n")
    with pytest.raises(FormatError, match=r"a.conf is not text: invalid start byte at byte 20"):
        read(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"a.conf cannot be read: No such file"):
        read(tmp_path / "a.conf")
