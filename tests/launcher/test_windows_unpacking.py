"""Unpacking under faults on 32-bit Windows, as far as Wine shows it."""

import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench import soak
from tests.bench.chroot import leash
from tests.faults.plugin import Held
from tests.launcher.embedded import age, flip, leftovers
from tests.launcher.test_places import mounted, read_only
from tests.launcher.windows import WindowsApplication, embed


def content(folder: Path) -> dict[str, bytes]:
    """The files of a runtime."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".pymw_")
    }


@pytest.mark.soak
@pytest.mark.fault("killed at every step of unpacking", "kill -9 of the launcher")
def test_killed_at_any_moment_the_next_start_works(
    windows: WindowsApplication, runtime: Path, held: Held
) -> None:
    embed(windows, runtime)
    number = soak.rounds(5, 30)
    result = windows.drive(
        runtime,
        f"""
import glob, random, shutil
def content(folder):
    found = dict()
    for path, _, names in os.walk(folder):
        for name in names:
            if not name.startswith(".pymw_"):
                whole = os.path.join(path, name)
                found[os.path.relpath(whole, folder)] = open(whole, "rb").read()
    return found
wanted = content({windows.wine.path(runtime)!r})
usual, launcher = os.path.split(command[0])
result["statuses"], result["left"], result["whole"], result["seen half made"] = [], [], 0, 0
for number in range({number}):
    project = usual + str(number)
    shutil.copytree(usual, project)
    command[0] = os.path.join(project, launcher)
    killed = subprocess.Popen(command)
    time.sleep(random.Random(number).uniform(0, 0.4))
    killed.kill()
    killed.wait()
    result["seen half made"] += bool(glob.glob(os.path.join(project, "*.tmp")))
    result["statuses"].append(subprocess.call(command))
    result["left"] += glob.glob(os.path.join(project, "*.tmp"))
    (made,) = [path for path in glob.glob(os.path.join(project, "pymw_runtime_*")) if os.path.isdir(path)]
    result["whole"] += content(made) == wanted
    # A Python that was killed with its launcher may keep its file for a while.
    shutil.rmtree(project, ignore_errors=True)
""",
    )
    assert result["statuses"] == [0] * number
    assert (result["whole"], result["left"]) == (number, [])
    assert result["seen half made"] > 0
    held("kills of the launcher on Windows", number)


@pytest.mark.soak
@pytest.mark.fault("two slots unpack the same runtime at once", "32 starts at once")
def test_starts_at_once_unpack_once_and_a_killed_one_leaves_nothing_half_made(
    windows: WindowsApplication, runtime: Path, held: Held
) -> None:
    embed(windows, runtime)
    number = soak.rounds(6, 32)
    result = windows.drive(
        runtime,
        f"""
import glob
work = os.path.join(os.path.dirname(command[0]), "*.tmp")
killed = subprocess.Popen(command)
deadline = time.monotonic() + 60
while not glob.glob(work) and time.monotonic() < deadline:
    time.sleep(0.001)
killed.kill()
result["killed"] = killed.wait()
result["left"] = len(glob.glob(work))
running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range({number})]
said = [process.communicate()[1] for process in running]
result["statuses"] = [process.returncode for process in running]
result["unpacked"] = sum(b"unpacked" in text for text in said)
result["left after"] = len(glob.glob(work))
""",
    )
    assert result["left"] == 1
    assert result["statuses"] == [0] * number
    assert (result["unpacked"], result["left after"]) == (1, 0)
    held("starts at once on Windows", number)


@pytest.mark.fault("old runtimes are removed")
def test_a_runtime_is_removed_when_nobody_has_used_it_for_long_but_never_in_use(
    windows: WindowsApplication, runtime: Path
) -> None:
    embed(windows, runtime)
    assert windows.run().returncode == 0
    first = windows.runtime()
    newer = windows.project / windows.launcher.replace("1.00", "2.00")
    shutil.copy2(windows.project / windows.launcher, newer)
    old_config = (windows.project / windows.launcher).with_suffix(".conf")
    kept = old_config.read_bytes()
    embed(windows, runtime, {"newer": b"x"})
    old_config.rename(newer.with_suffix(".conf"))
    old_config.write_bytes(kept)
    result = windows.drive(
        runtime,
        f"""
folder = {windows.wine.path(first)!r}
os.remove("started.txt")
launcher = subprocess.Popen(command, env=dict(os.environ, TEST_WAIT="600"))
deadline = time.monotonic() + 60
while not os.path.exists("started.txt") and time.monotonic() < deadline:
    time.sleep(0.02)
result["touched"] = abs(time.time() - os.stat(folder).st_mtime) < 60
newer = [command[0].replace("1.00", "2.00")]
result["stays"] = []
for days in (0, 15):
    os.utime(folder, (time.time() - days * 86400,) * 2)
    subprocess.check_call(newer)
    result["stays"].append(os.path.exists(folder + "\\\\python.exe"))
launcher.kill()
launcher.wait()
subprocess.check_call(newer)
result["goes"] = not os.path.exists(folder)
""",
    )
    assert result == {"touched": True, "stays": [True, True], "goes": True}
    assert leftovers(windows.project) == []


@pytest.mark.fault(
    "one bit of an unpacked runtime flipped", "the runtime is deleted or damaged between two starts"
)
def test_a_runtime_with_a_flipped_bit_is_unpacked_again(windows: WindowsApplication, runtime: Path) -> None:
    embed(windows, runtime)
    windows.run()
    names = sorted(name for name, data in content(windows.runtime()).items() if data)
    chance = random.Random(1)
    for name in chance.sample(names, 2):
        flip(windows.runtime() / name, chance)
        age(windows.runtime() / ".pymw_complete", 2 * 3600)
        done = windows.run()
        assert "is damaged; it is unpacked again" in done.stderr, name
        assert content(windows.runtime()) == content(runtime)


@pytest.mark.fault("one bit of an unpacked runtime flipped")
def test_after_a_start_that_came_to_nothing_all_of_it_is_read(
    windows: WindowsApplication, runtime: Path
) -> None:
    embed(windows, runtime)
    windows.run()
    result = windows.drive(
        runtime,
        f"""
def start():
    done = subprocess.run(command, stderr=-1)
    return done.returncode == 0, done.stderr
path = {windows.wine.path(windows.runtime() / "python.exe")!r}
start()
before = os.stat(path)
with open(path, "r+b") as file:
    file.write(b"X")
os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
result["starts"] = [start() for _ in range(3)]
""",
    )
    works, said = zip(*result["starts"], strict=True)
    assert works == (False, True, True)
    assert b"is damaged; it is unpacked again" in said[1]
    assert said[2] == b""


@pytest.mark.fault("the power fails after a runtime was unpacked")
def test_what_a_power_failure_left_is_read_and_unpacked_again(
    windows: WindowsApplication, runtime: Path
) -> None:
    embed(windows, runtime)
    windows.run()
    first, *_ = (windows.runtime() / ".pymw_complete").read_text(encoding="utf-8").splitlines()
    assert not first.endswith(" synced")
    # To programs, each run is another start of Windows: Wine's server ends with the last of them.
    assert "verified the runtime" in windows.run().stderr
    path = windows.runtime() / "python.exe"
    before = path.stat()
    path.write_bytes(bytes(before.st_size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "is damaged; it is unpacked again" in windows.run().stderr
    assert content(windows.runtime()) == content(runtime)


def user_cache(windows: WindowsApplication) -> Path:
    """Where a runtime is unpacked that the project folder does not take."""
    said = windows.wine.run(["cmd", "/c", "echo %LOCALAPPDATA%"]).stdout.strip()
    return windows.wine.c.joinpath(*said.split("\\")[1:], "pymw", "Cache")


@pytest.mark.fault("the runtime is deleted while in use")
def test_a_damaged_runtime_that_is_in_use_gives_way_to_another_place(
    windows: WindowsApplication, runtime: Path
) -> None:
    embed(windows, runtime, {"unused": b"x"})
    windows.run()
    result = windows.drive(
        runtime,
        f"""
folder = {windows.wine.path(windows.runtime())!r}
os.remove("started.txt")
launcher = subprocess.Popen(command, env=dict(os.environ, TEST_WAIT="600"))
deadline = time.monotonic() + 60
while not os.path.exists("started.txt") and time.monotonic() < deadline:
    time.sleep(0.02)
os.remove(folder + "\\\\unused")
result["status"] = subprocess.call(command)
result["goes on"] = launcher.poll() is None and os.path.exists(folder + "\\\\python.exe")
launcher.kill()
""",
    )
    assert result == {"status": 0, "goes on": True}
    other = windows.runtime(user_cache(windows))
    assert (other / "unused").exists()
    facts = windows.started()
    assert facts is not None and facts["executable"] == windows.wine.path(other / "python.exe")


def read_only_project(windows: WindowsApplication) -> list[str]:
    """The mounts for it."""
    return [read_only(windows.project)]


def small_project(windows: WindowsApplication) -> list[str]:
    """The mounts for a disk that fills up: it has 20 MB free; the configuration says that this is enough."""
    entry = windows.settings["payload"]
    windows.settings["payload"] = type(entry)(**{**vars(entry), "size": 1000})
    windows.configure()
    size = sum(path.stat().st_size for path in windows.project.iterdir()) + 20_000_000
    kept = windows.root / "kept"
    shutil.copytree(windows.project, kept)
    return [
        f"mount -t tmpfs -o size={size} none '{windows.project}'",
        f"cp -r '{kept}/.' '{windows.project}'",
    ]


@pytest.mark.parametrize(
    "mounts",
    [
        pytest.param(read_only_project, marks=pytest.mark.fault("the folder for the runtime is read-only")),
        pytest.param(
            small_project, marks=pytest.mark.fault("the disk is full while the runtime is unpacked")
        ),
    ],
)
def test_where_the_project_folder_takes_no_runtime_the_user_s_cache_does(
    windows: WindowsApplication, runtime: Path, mounts: Callable[[WindowsApplication], list[str]]
) -> None:
    embed(windows, runtime)
    wine = windows.wine
    ending = f"ls '{windows.project}'"
    with leash() as held:
        prefix = wine.chroot.prefix(windows.slot, wine.environment(windows.variables()))
        before = [*mounted(*mounts(windows)), "sh", "-c", f'"$@"; status=$?; {ending}; exit $status', "sh"]
        done = subprocess.run(
            [*before, *prefix, "wine", windows.program()],
            stdin=held,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert windows.started() is not None, done.stderr
    assert content(windows.runtime(user_cache(windows))) == content(runtime)
    assert [name for name in done.stdout.split() if "pymw_runtime" in name and ".lock" not in name] == []
