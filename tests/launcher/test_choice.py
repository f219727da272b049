"""Which Python is started, and how: what the native launcher and the script have in common."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.launcher.application import Application
from tests.launcher.conftest import MakeFake

THIS = sys.version_info[:2]
NOT_THIS = "9.0"
FindReal = Callable[[tuple[int, int]], Path]


def forward(log: Path | None = None) -> str:
    """Return the text of a script that is this Python, and may keep count of its starts."""
    return (f"echo x >>'{log}'\n" if log else "") + f"exec '{sys.executable}' \"$@\""


def answer(version: str = "3.9", kind: str = "cpython", bits: int = 64, missing: str = "-") -> str:
    """Return the text of a script that answers as such a Python would."""
    return f"echo 'PyMW-Python 1 {kind} posix {version} {bits} {missing}'"


def test_the_worker_is_started_from_its_archive_in_the_slot(application: Application, fake: MakeFake) -> None:
    application.path = [fake("python3", forward()).parent]
    done = application.run("--bundle", "a b", "", "*", "x'y\"z\\", "ü")
    facts = application.started()
    assert facts is not None, done.stderr
    assert facts["argv"] == ["-c", "--bundle", "a b", "", "*", "x'y\"z\\", "ü"]
    assert facts["path"] == str(application.project / "worker.zip")
    assert facts["folder"] == str(application.slot)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("status", [1, 195, 206])
def test_the_exit_status_is_the_worker_s(application: Application, fake: MakeFake, status: int) -> None:
    application.path = [fake("python3", forward()).parent]
    assert application.run(environment={"TEST_STATUS": str(status)}).returncode == status


def test_the_client_s_process_becomes_python(application: Application, fake: MakeFake) -> None:
    application.path = [fake("python3", forward()).parent]
    done = application.run(before=["sh", "-c", 'echo $$; exec "$@"', "sh"])
    facts = application.started()
    assert facts is not None
    assert facts["pid"] == int(done.stdout)


def test_names_are_tried_newest_first(application: Application, fake: MakeFake) -> None:
    for name in ("python2", "python", "python3.9", "python3.10", "python3", "python3.2-config", "pythonw"):
        fake(name, "exit 3")
    application.path = [fake("python3", "exit 3").parent]
    lines = application.run("--python", NOT_THIS).stderr.splitlines()
    tried = [line.split("passed over ")[1].split(":")[0] for line in lines if "fakes" in line]
    names = ["python3", "python3.10", "python3.9", "python", "python2"]
    assert tried == [str(Path(application.path[0], name)) for name in names]


def test_folders_of_path_come_before_the_usual_ones_and_relative_ones_do_not_count(
    application: Application, fake: MakeFake
) -> None:
    trap = application.slot / "python3"
    trap.write_text("#!/bin/sh\ntouch trapped")
    trap.chmod(0o755)
    good = fake("python3", forward())
    application.path = [".", "", good.parent]
    assert application.run("--explain").stdout.splitlines()[-1] == f"choice: {good}"
    assert not (application.slot / "trapped").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("exit 1", "it ended with status 1"),
        pytest.param(
            "echo Python was not found",
            "its answer was not that of a Python",
            marks=pytest.mark.fault("the Microsoft Store's stub in the place of a Python"),
        ),
        ("echo 'PyMW-Python 1 cpython'", "its answer was not that of a Python"),
        ("", "its answer was not that of a Python"),
        (answer("2.4"), "it is 2.4, the application needs 2.5"),
        (answer(kind="pypy"), "it is"),
        pytest.param(
            answer(bits=32),
            "it has 32 bits, the application needs 64",
            marks=pytest.mark.fault("a Python of the wrong bitness"),
        ),
        (answer(missing="zlib,ctypes"), "it lacks zlib,ctypes"),
        pytest.param("yes garbage", "it", marks=pytest.mark.fault("a Python that prints garbage")),
    ],
)
def test_an_unsuitable_python_is_passed_over_with_one_line(
    application: Application, fake: MakeFake, text: str, reason: str
) -> None:
    bad, good = fake("python3", text), fake("other/python3", forward())
    application.path = [bad.parent, good.parent]
    application.settings = {"bits": 64, "modules": ("zlib",)}
    application.configure()
    done = application.run()
    assert application.started() is not None, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert f"pymw launcher: passed over {bad}: {reason}" in done.stderr


@pytest.mark.fault("a Python that hangs")
def test_a_python_that_hangs_is_killed_after_five_seconds(application: Application, fake: MakeFake) -> None:
    hanging = fake("python3", f"echo $$ >'{application.root}/pid'; exec sleep 600")
    application.path = [hanging.parent, fake("other/python3", forward()).parent]
    began = time.monotonic()
    done = application.run()
    assert application.started() is not None, done.stderr
    assert f"passed over {hanging}: it did not answer in 5 s" in done.stderr
    assert time.monotonic() - began < 20
    pid = int((application.root / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ("3.9", True),
        ("3.8-3.10", True),
        ("3.9-3.9", True),
        ("2.7-", True),
        ("3.10-", False),
        ("3.8", False),
        ("2.5-3.8", False),
        ("2.9", False),
    ],
)
def test_the_job_may_ask_for_a_version(
    application: Application, fake: MakeFake, wanted: str, fits: bool
) -> None:
    python = fake("python3", answer("3.9"))
    application.path = [python.parent]
    shown = application.run("--explain", "--python", wanted).stdout.splitlines()
    (line,) = [line for line in shown if line.startswith(f"{python}  ")]
    assert ("fits" in line) == fits
    assert fits or f"it is 3.9, the job needs {wanted[:3]}" in line or "or older" in line or "to 3.8" in line


@pytest.mark.parametrize("wanted", ["3", "3.x", "3.8-3", "-3.8", "3.9-3.8", "", "3.11.", "+3.1"])
def test_a_version_that_is_none_is_an_error(application: Application, wanted: str) -> None:
    done = application.run("--python", wanted)
    assert done.returncode == 206
    assert f'failed to understand --python "{wanted}"' in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.fault("Python 2")
def test_the_application_s_limits_hold_for_real_pythons(application: Application, real: FindReal) -> None:
    old, new = real((3, 6)), real((3, 12))
    application.path = [old.parent, new.parent]
    application.settings = {"python_min": "3.7", "python_max": "3.12"}
    application.configure()
    done = application.run("--python", "3.12-")
    facts = application.started()
    assert facts is not None, done.stderr
    assert facts["version"] == (3, 12)
    assert "the application needs 3.7" in done.stderr


@pytest.mark.parametrize("version", [(2, 7), (3, 6), (3, 8), (3, 11), (3, 13)])
def test_the_probe_and_the_start_work_in_old_and_new_pythons(
    application: Application, real: FindReal, version: tuple[int, int]
) -> None:
    application.path = [real(version).parent]
    application.settings = {"modules": ("zlib", "ctypes", "sqlite3")}
    application.configure()
    done = application.run("--python", "{}.{}".format(*version), "a b")
    facts = application.started()
    assert facts is not None, done.stderr
    assert (facts["version"], facts["argv"]) == (version, ["-c", "a b"])


def test_nothing_in_the_slot_can_disturb_the_probe(application: Application, fake: MakeFake) -> None:
    for name in ("struct.py", "os.py", "zlib.py"):
        (application.slot / name).write_text("raise SystemExit(3)")
    application.path = [fake("python3", forward()).parent]
    assert application.run().stderr == ""


@pytest.mark.fault("no Python on the machine")
def test_without_a_fitting_python_it_says_what_it_looked_for_and_ends_with_206(
    application: Application, fake: MakeFake
) -> None:
    application.path = [fake("python3", answer("2.4")).parent]
    done = application.run("--python", NOT_THIS)
    assert done.returncode == 206
    last = done.stderr.splitlines()[-1]
    assert "pymw launcher: failed to find a Python" in last
    assert NOT_THIS in last
    assert "PATH, /usr/bin" in last
    assert "install" in last
    assert application.started() is None


def test_explain_shows_everything_and_starts_nothing(application: Application, fake: MakeFake) -> None:
    bad, good = fake("python3", "exit 1"), fake("other/python3", forward())
    application.path = [bad.parent, good.parent]
    done = application.run("--explain", "--bundle", "x")
    assert done.returncode == 0
    assert f"{bad}  it ended with status 1" in done.stdout
    assert f"{good}  fits: Python {THIS[0]}.{THIS[1]}" in done.stdout
    assert done.stdout.splitlines()[-1] == f"choice: {good}"
    assert application.started() is None
    assert list(application.slot.iterdir()) == []
    nothing = application.run("--explain", "--python", NOT_THIS)
    assert (nothing.returncode, nothing.stdout.splitlines()[-1]) == (206, "choice: none fits")


def test_what_follows_two_dashes_belongs_to_the_worker(application: Application, fake: MakeFake) -> None:
    application.path = [fake("python3", forward()).parent]
    assert application.run("a", "--", "--explain", "--", "--python", "9.0").returncode == 0
    facts = application.started()
    assert facts is not None
    assert facts["argv"] == ["-c", "a", "--explain", "--", "--python", "9.0"]


@pytest.mark.fault("LD_LIBRARY_PATH set by the client")
def test_relative_library_folders_of_the_client_reach_no_python(
    application: Application, fake: MakeFake
) -> None:
    log = application.root / "log"
    application.path = [fake("python3", f"echo \"$LD_LIBRARY_PATH\" >>'{log}'\n" + forward()).parent]
    application.run(environment={"LD_LIBRARY_PATH": "../../project:.:/opt/lib::../..", "TEST_STATUS": "0"})
    facts = application.started()
    assert facts is not None
    assert facts["environment"]["LD_LIBRARY_PATH"] == "/opt/lib"
    application.run(environment={"LD_LIBRARY_PATH": "../../project:.:../.."})
    facts = application.started()
    assert facts is not None
    assert "LD_LIBRARY_PATH" not in facts["environment"]
    assert log.read_text().splitlines() == ["/opt/lib", "/opt/lib", "", ""]


def test_a_file_with_many_names_is_asked_once(application: Application, fake: MakeFake) -> None:
    log = application.root / "log"
    first = fake("python3", f"echo x >>'{log}'; exit 1")
    for name in ("python3.9", "python", "python2"):
        (first.parent / name).symlink_to(first)
    application.path = [first.parent, first.parent]
    application.run("--python", NOT_THIS)
    assert log.read_text() == "x\n"
