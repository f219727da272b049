"""An app version that is built again by another user in another year, folder and language is the same one."""

import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from pymw_packager.files import sha256_of
from pymw_packager.interpreters import cache

from tests.bench.packages import VERSION, Packages
from tests.bench.require import require

ROOT = Path(__file__).parents[2]
PLATFORM = "windows_intelx86"
PARTS = ("packager", "platforms", "worker", "master")

# What asks the C library for the time gets one of two years from now.
LATER = """
    #define _GNU_SOURCE
    #include <sys/syscall.h>
    #include <sys/time.h>
    #include <time.h>
    #include <unistd.h>
    #define TWO_YEARS (2 * 365 * 24 * 3600)
    int clock_gettime(clockid_t clock, struct timespec *now) {
        int failed = syscall(SYS_clock_gettime, clock, now);
        if (clock == CLOCK_REALTIME) now->tv_sec += TWO_YEARS;
        return failed;
    }
    time_t time(time_t *result) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        if (result) *result = now.tv_sec;
        return now.tv_sec;
    }
    int gettimeofday(struct timeval *result, void *zone) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        result->tv_sec = now.tv_sec;
        result->tv_usec = now.tv_nsec / 1000;
        return 0;
    }
"""


SHORT = "import time; print(time.time())"


def clock_of_a_later_year(folder: Path) -> Path:
    """Make a library that shifts the clock of the programs that are started with it."""
    source, made = folder / "later.c", folder / "later.so"
    source.write_text(textwrap.dedent(LATER))
    command = [sys.executable, "-m", "ziglang", "cc", "-shared", "-fPIC", "-o", str(made), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return made


def hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file of an app version by its name."""
    return {path.name: sha256_of(path) for path in folder.iterdir()}


def test_everything_else_may_differ(packages: Packages, tmp_path: Path) -> None:
    require(sys.platform == "linux", "Linux, where a library can shift the clock")
    expected = hashes(packages.get(PLATFORM))
    there = tmp_path / "a folder far away"
    there.mkdir()
    for part in PARTS:
        copied = shutil.copytree(ROOT / part, there / part, ignore=shutil.ignore_patterns("__pycache__"))
        for path in copied.rglob("*"):
            os.utime(path, (1e9, 1e9))
    later = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(str(there / part) for part in PARTS),
        "HOME": str(there),
        "XDG_CACHE_HOME": str(there / "cache"),
        "TMPDIR": str(there),
        "USER": "somebody",
        "LANG": "C",
        "TZ": "Pacific/Auckland",
        "PYTHONHASHSEED": "4711",
        "SOURCE_DATE_EPOCH": "1",
        "LD_PRELOAD": str(clock_of_a_later_year(tmp_path)),
    }
    now = subprocess.run([sys.executable, "-c", SHORT], env=later, capture_output=True, check=True).stdout
    assert float(now) > time.time() + 300 * 24 * 3600
    (there / "cache" / "pymw").mkdir(parents=True)
    for kept in ("wheels", "zig"):  # what was downloaded, and zig's own libraries
        (there / "cache" / "pymw" / kept).symlink_to(cache.folder(kept))
    command = [sys.executable, "-m", "pymw_packager.cli", "--platform", PLATFORM, "--app-version", VERSION]
    done = subprocess.run(
        command, cwd=there, env=later, umask=0o077, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert hashes(there / "apps" / "pymw" / VERSION / PLATFORM) == expected
    assert {path.name for path in (there / "cache" / "pymw" / "programs").rglob("*.exe")} == {
        f"launcher-{PLATFORM}.exe",
        f"python-{PLATFORM}.exe",
    }, "the programs were built anew"
