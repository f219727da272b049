"""The payload: a runtime folder as a compressed archive."""

import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zstandard
from pymw_packager import payload
from pymw_packager.errors import FormatError, InterpreterError
from pymw_packager.progress import Progress
from pymw_platforms import load

LINUX, WINDOWS = load("x86_64-pc-linux-gnu"), load("windows_intelx86")
# More than one job of the compressor, so that threads could make a difference.
LARGE = 10 * b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(1 << 15))


def plant(folder: Path) -> Path:
    """A runtime folder with what matters: order, an execute bit, an empty folder, a long name."""
    files = {
        "python": b"\x7fELF" + bytes(1000),
        "lib/b.py": b"b = 1\n",
        "lib/a.py": b"a = 1\n",
        "lib.txt": b"after lib/ in bytes, before it in parts\n",
        f"lib/{'long' * 30}/{'name' * 10}.py": b"",
        "lib/straße.txt": b"not ASCII\n",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "empty").mkdir()
    (folder / "python").chmod(0o755)
    return folder


def pack(runtime: Path, folder: Path, threads: int = 2) -> payload.Payload:
    folder.mkdir(exist_ok=True)
    return payload.pack(runtime, "pymw_python3.11.9_x", folder, LINUX, Progress(), threads=threads)


def plain(path: Path) -> bytes:
    """The archive as the launcher sees it: with no window beyond 8 MiB."""
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor(max_window_size=8 << 20).stream_reader(file).read()


def test_what_is_packed_is_read_back(tmp_path: Path) -> None:
    runtime = plant(tmp_path / "runtime")
    packed = pack(runtime, tmp_path / "out")
    found = {m.name: (m, c.read() if c else None) for m, c in payload.read(packed.path)}
    expected = {p.relative_to(runtime).as_posix() for p in runtime.rglob("*")}
    assert set(found) == expected
    for name, (member, content) in found.items():
        path = runtime / name
        assert member.is_folder == path.is_dir()
        assert content == (None if path.is_dir() else path.read_bytes())
        assert member.executable == (path.is_dir() or name == "python")
    assert packed.size == sum(p.stat().st_size for p in runtime.rglob("*") if p.is_file())


def test_the_name_carries_the_hash(tmp_path: Path) -> None:
    packed = pack(plant(tmp_path / "runtime"), tmp_path / "out")
    assert packed.sha256 == hashlib.sha256(packed.path.read_bytes()).hexdigest()
    assert packed.path.name == f"pymw_python3.11.9_x_{packed.sha256[:16]}.tar.zst"
    assert list((tmp_path / "out").iterdir()) == [packed.path]


def test_same_files_give_the_same_bytes_wherever_and_whenever(tmp_path: Path) -> None:
    one, other = plant(tmp_path / "runtime"), plant(tmp_path / "elsewhere" / "tree")
    for path in other.rglob("*"):
        os.utime(path, (1e9, 1e9))
    (other / "lib.txt").chmod(0o600)
    assert pack(one, tmp_path / "1").path.read_bytes() == pack(other, tmp_path / "2").path.read_bytes()


def test_the_number_of_threads_does_not_show_in_the_bytes(tmp_path: Path) -> None:
    runtime = plant(tmp_path / "runtime")
    (runtime / "large").write_bytes(LARGE)
    assert len(LARGE) > payload.JOB_SIZE
    names = {pack(runtime, tmp_path / str(threads), threads).path.name for threads in (1, 2, 3)}
    assert len(names) == 1


def test_the_archive_tells_nothing_of_the_machine_that_made_it(tmp_path: Path) -> None:
    packed = pack(plant(tmp_path / "runtime"), tmp_path / "out")
    with tarfile.open(fileobj=io.BytesIO(plain(packed.path))) as archive:
        members = archive.getmembers()
    assert [m.name for m in members] == sorted((m.name for m in members), key=lambda name: name.split("/"))
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, 0, "", "")}
    assert {m.mode for m in members} == {0o755, 0o644}
    assert all(m.isreg() or m.isdir() for m in members)


def test_the_window_is_what_the_launcher_has(tmp_path: Path) -> None:
    runtime = plant(tmp_path / "runtime")
    (runtime / "large").write_bytes(LARGE)
    packed = pack(runtime, tmp_path / "out")
    assert zstandard.get_frame_parameters(packed.path.read_bytes()[:18]).window_size == 8 << 20
    assert len(plain(packed.path)) > len(LARGE)


@pytest.mark.skipif(os.name == "nt", reason="making links takes a privilege on Windows")
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_only_files_and_folders_are_packed(kind: str, tmp_path: Path) -> None:
    runtime = plant(tmp_path / "runtime")
    odd = runtime / "lib" / "odd"
    if kind == "link":
        odd.symlink_to("a.py")
    else:
        os.mkfifo(odd)
    with pytest.raises(InterpreterError, match="odd is neither a file nor a folder"):
        pack(runtime, tmp_path / "out")


def test_names_that_windows_cannot_tell_apart_are_refused_there_alone(tmp_path: Path) -> None:
    runtime = plant(tmp_path / "runtime")
    (runtime / "lib" / "A.py").write_bytes(b"")
    pack(runtime, tmp_path / "out")
    with pytest.raises(InterpreterError, match=r"both lib/A.py and lib/a.py, which are one file on Windows"):
        payload.pack(runtime, "x", tmp_path / "out", WINDOWS, Progress())


def test_the_bar_ends_at_the_size_of_the_files(tmp_path: Path) -> None:
    steps: list[int] = []

    class Recorder(Progress):
        @contextmanager
        def bar(self, text: str, total: int | None) -> Iterator[Callable[[int], None]]:
            yield steps.append

    packed = payload.pack(plant(tmp_path / "runtime"), "x", tmp_path, LINUX, Recorder())
    assert sum(steps) == packed.size


def damaged(packed: payload.Payload, place: int) -> Path:
    content = bytearray(packed.path.read_bytes())
    content[place] ^= 0xFF
    packed.path.write_bytes(content)
    return packed.path


def read_all(path: Path) -> None:
    for _, content in payload.read(path):
        if content:
            content.read()


def test_a_cut_payload_is_noticed(tmp_path: Path) -> None:
    packed = pack(plant(tmp_path / "runtime"), tmp_path / "out")
    packed.path.write_bytes(packed.path.read_bytes()[:-20])
    with pytest.raises(FormatError, match="is damaged"):
        read_all(packed.path)


def test_what_is_no_payload_is_refused(tmp_path: Path) -> None:
    packed = pack(plant(tmp_path / "runtime"), tmp_path / "out")
    with pytest.raises(FormatError, match="is damaged"):
        read_all(damaged(packed, 0))


def test_a_window_that_the_launcher_lacks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wide.tar.zst"
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=24)
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    with path.open("wb") as file, compressor.stream_writer(file) as stream:
        stream.write(LARGE + LARGE)
    with pytest.raises(FormatError, match="is damaged"):
        read_all(path)


def test_a_link_in_a_payload_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("python")
        info.type, info.linkname = tarfile.SYMTYPE, "/bin/sh"
        archive.addfile(info)
    path = tmp_path / "linked.tar.zst"
    path.write_bytes(zstandard.compress(buffer.getvalue()))
    with pytest.raises(FormatError, match="holds python, which is neither file nor folder"):
        read_all(path)


def test_the_execute_bit_survives(tmp_path: Path) -> None:
    packed = pack(plant(tmp_path / "runtime"), tmp_path / "out")
    with tarfile.open(fileobj=io.BytesIO(plain(packed.path))) as archive:
        archive.extractall(tmp_path / "unpacked", filter="tar")
    assert (tmp_path / "unpacked" / "python").stat().st_mode & stat.S_IXUSR
    assert not (tmp_path / "unpacked" / "lib.txt").stat().st_mode & stat.S_IXUSR
