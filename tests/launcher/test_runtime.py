"""The embedded Python: unpacked once, never seen half-made, however the launcher is killed."""

import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from tests.bench.require import require
from tests.faults.plugin import Held
from tests.launcher.application import Application
from tests.launcher.embedded import VERSION, is_whole, leftovers, started_from


def test_under_a_client_it_is_unpacked_into_the_project_folder(embedded: Application) -> None:
    done = embedded.run("a b")
    assert started_from(embedded, embedded.runtime()), done.stderr
    assert leftovers(embedded.project) == []
    (line,) = done.stderr.splitlines()
    assert f"unpacked {embedded.settings['payload'].name} in {embedded.project}" in line
    assert (embedded.runtime() / "python").stat().st_mode & 0o111
    assert not (embedded.runtime() / "lib" / "000").stat().st_mode & 0o111


def test_a_second_start_unpacks_nothing(embedded: Application) -> None:
    embedded.run()
    before = embedded.runtime().stat().st_ino
    assert embedded.run().stderr == ""
    assert embedded.runtime().stat().st_ino == before


def test_started_with_closed_files_it_writes_no_message_into_another_file(embedded: Application) -> None:
    done = embedded.run(before=["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"])
    assert done.returncode == 0
    assert started_from(embedded, embedded.runtime())
    assert embedded.runtime().with_name(embedded.runtime().name + ".lock").read_bytes() == b""


def test_a_python_of_the_machine_that_fits_is_preferred_unless_the_application_says_else(
    embedded: Application,
) -> None:
    embedded.path = [Path(sys.executable).parent]
    embedded.settings["prefer"] = "system"
    embedded.configure()
    embedded.run()
    assert embedded.started() is not None
    assert not embedded.runtime().exists()
    embedded.run("--python", VERSION)
    assert started_from(embedded, embedded.runtime())


@pytest.mark.fault("two slots unpack the same runtime at once", "32 starts at once")
def test_32_starts_at_once_unpack_once(embedded: Application, held: Held) -> None:
    slots = [embedded.root / "slots" / str(number) for number in range(1, 33)]
    for slot in slots:
        shutil.copytree(embedded.slot, slot)
    running = [
        subprocess.Popen(
            embedded.argv(), cwd=slot, env=embedded.environment(), stderr=subprocess.PIPE, text=True
        )
        for slot in slots
    ]
    said = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0] * 32
    assert all((slot / "started.txt").exists() for slot in slots)
    assert "".join(said).count("unpacked ") == 1
    assert is_whole(embedded.runtime())
    assert leftovers(embedded.project) == []
    held("starts at once", 32)


@pytest.mark.fault("two slots unpack the same runtime at once")
def test_those_who_wait_go_on_when_the_one_that_unpacks_is_killed(embedded: Application) -> None:
    require(shutil.which("strace"), "strace (apt-get install strace)")
    # Held at its third file for as long as nobody kills it.
    hold = ["strace", "-qq", "-e", "trace=write", "-e", "inject=write:delay_enter=600000000:when=3"]
    log = ["-o", str(embedded.root / "trace")]
    start = {"cwd": embedded.slot, "env": embedded.environment()}
    held = subprocess.Popen([*hold, *log, *embedded.argv()], start_new_session=True, **start)  # type: ignore[call-overload]
    try:
        deadline = time.monotonic() + 30
        while not list(embedded.project.glob("*.tmp/lib")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        waiting = subprocess.Popen(embedded.argv(), stderr=subprocess.DEVNULL, **start)  # type: ignore[call-overload]
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.3)
    finally:
        os.killpg(held.pid, signal.SIGKILL)
        held.wait()
    assert waiting.wait(60) == 0
    assert started_from(embedded, embedded.runtime())
    assert leftovers(embedded.project) == []


def as_before_boots_were_named(marker: Path) -> None:
    """Make it the marker of an earlier launcher, which named no start of the machine."""
    first, rest = marker.read_text(encoding="utf-8").split("\n", 1)
    marker.write_text(f"PyMW runtime 2 {first.split()[3]}\n{rest}", encoding="utf-8")


def put_link(path: Path) -> None:
    """Put a link in a file's place."""
    path.unlink()
    path.symlink_to("/bin/sh")


@pytest.mark.fault(
    "a runtime half unpacked by an earlier crash", "the runtime is deleted or damaged between two starts"
)
@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "lib" / "007").unlink(),
        lambda folder: (folder / "lib" / "007").write_bytes(b"short"),
        lambda folder: (folder / ".pymw_complete").unlink(),
        lambda folder: (folder / ".pymw_complete").write_bytes(b""),
        lambda folder: (folder / ".pymw_complete").write_text("PyMW runtime 1\nend 0\n"),
        lambda folder: as_before_boots_were_named(folder / ".pymw_complete"),
        lambda folder: os.truncate(folder / ".pymw_complete", (folder / ".pymw_complete").stat().st_size - 2),
        lambda folder: shutil.rmtree(folder / "lib"),
        lambda folder: put_link(folder / "python"),
        lambda folder: folder.rename(folder.with_name("gone")).joinpath("python").rename(folder),
    ],
)
def test_a_damaged_runtime_is_unpacked_again(embedded: Application, damage: object) -> None:
    embedded.run()
    assert callable(damage)
    damage(embedded.runtime())
    done = embedded.run()
    assert started_from(embedded, embedded.runtime()), done.stderr
    assert f"the runtime {embedded.runtime()} is damaged" in done.stderr
    assert leftovers(embedded.project) == []


def test_what_a_python_adds_to_its_runtime_is_no_damage(embedded: Application) -> None:
    embedded.run()
    (embedded.runtime() / "lib" / "__pycache__").mkdir()
    assert embedded.run().stderr == ""


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("flipped", marks=pytest.mark.fault("one bit of the payload flipped")),
        pytest.param("truncated", marks=pytest.mark.fault("the payload is truncated")),
        "longer",
        "empty",
        "missing",
    ],
)
def test_a_damaged_payload_is_never_unpacked(embedded: Application, damage: str) -> None:
    payload = embedded.project / embedded.settings["payload"].name
    data = payload.read_bytes()
    middle = len(data) // 2
    payload.unlink()
    if damage != "missing":
        payload.write_bytes(
            {
                "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
                "truncated": data[:-1],
                "longer": data + b"\0",
                "empty": b"",
            }[damage]
        )
    done = embedded.run("--python", VERSION)
    assert done.returncode == 206
    assert not embedded.runtime().exists()
    assert leftovers(embedded.project) == []
    assert f"the payload {payload}" in done.stderr
    assert "reset the project" in done.stderr


def archive(*members: tarfile.TarInfo) -> bytes:
    """The bytes of an archive with these members, each with content if it is a file."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as made:
        for member in members:
            made.addfile(member, io.BytesIO(b"x" * member.size))
    return plain.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    """A member of an archive."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, 0o755
    info.size = 10 if kind == tarfile.REGTYPE else 0
    return info


PYTHON = member("python")


@pytest.mark.parametrize(
    ("plain", "reason"),
    [
        (archive(PYTHON, member("../evil")), "a member has a path that leads out of it"),
        (archive(PYTHON, member("/evil")), "a member has a path that leads out of it"),
        (archive(PYTHON, member("lib/../../evil")), "a member has a path that leads out of it"),
        (archive(PYTHON, member("C:evil")), "a member has a path that leads out of it"),
        (archive(PYTHON, member("a\\..\\evil")), "a member has a path that leads out of it"),
        (archive(PYTHON, member("link", tarfile.SYMTYPE, "/etc")), "it has a link"),
        (archive(PYTHON, member("hard", tarfile.LNKTYPE, "python")), "TarUnsupportedHeader"),
        (archive(PYTHON, member("device", tarfile.FIFOTYPE)), "TarUnsupportedHeader"),
        (archive(member("other")), "it has no python"),
        (archive(PYTHON)[:700], ""),
        (b"no archive at all" * 100, "TarHeader"),
    ],
)
def test_a_payload_that_is_no_plain_archive_is_refused(
    embedded: Application, plain: bytes, reason: str
) -> None:
    embedded.add_archive(plain, 10, VERSION)
    embedded.configure()
    done = embedded.run("--python", VERSION)
    assert done.returncode == 206
    assert f"failed to unpack {embedded.settings['payload'].name}: {reason}" in done.stderr
    assert not embedded.runtime().exists()
    assert leftovers(embedded.project) == []
    assert not list(embedded.root.rglob("evil"))


def test_an_application_without_a_fitting_payload_says_so(embedded: Application) -> None:
    done = embedded.run("--python", "9.8")
    assert done.returncode == 206
    assert "of that in the package: it is 9.9, the job needs 9.8" in done.stderr
    assert not embedded.runtime().exists()


def test_explain_tells_the_runtime_s_state_and_unpacks_nothing(embedded: Application) -> None:
    shown = embedded.run("--explain").stdout
    assert f"{embedded.runtime()}  absent" in shown
    assert shown.splitlines()[-1] == f"choice: {embedded.settings['payload'].name}"
    assert not embedded.runtime().exists()
    assert list(embedded.temporary.iterdir()) == []
    embedded.run()
    assert f"{embedded.runtime()}  ready" in embedded.run("--explain").stdout
    (embedded.runtime() / "lib" / "007").unlink()
    assert f"{embedded.runtime()}  damaged" in embedded.run("--explain").stdout
    assert "passed over" not in embedded.run("--explain").stderr
