"""The fixtures: what is dear to make is made once per session, what a test may spoil, once per test."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pymw_platforms
import pytest
from pymw_packager import interpreters

from tests.bench import mariadb as database_server
from tests.bench.chroot import Chroot, can_be_root
from tests.bench.mariadb import MariaDB
from tests.bench.packages import Packages
from tests.bench.require import require
from tests.bench.wine import Wine

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Python:
    """An interpreter on this machine: its path and its version, such as (2, 7)."""

    path: Path
    version: tuple[int, int]


@pytest.fixture(scope="session")
def chroot() -> Chroot:
    """A 32-bit Debian with Wine, a BOINC client and Python."""
    require(can_be_root(), "root, or a sudo that asks for no password, and private mounts")
    require(shutil.which("debootstrap"), "debootstrap (apt-get install debootstrap)")
    made = subprocess.run([ROOT / "scripts" / "chroot"], stdout=subprocess.PIPE, text=True, check=False)
    require(made.returncode == 0, "the 32-bit system that scripts/chroot builds (it says why above)")
    return Chroot(Path(made.stdout.strip()))


@pytest.fixture
def chroot_folder(chroot: Chroot) -> Iterator[Path]:
    """A new folder in the 32-bit Debian; its commands may write there."""
    with chroot.folder() as folder:
        yield folder


@pytest.fixture
def wine(chroot: Chroot, chroot_folder: Path) -> Wine:
    """A fresh 32-bit Windows."""
    return Wine.create(chroot, chroot_folder / "windows")


@pytest.fixture
def empty_chroot(tmp_path: Path) -> Chroot:
    """A root with no Python, no C library, no shell: only /tmp, and the kernel's own /dev and /proc."""
    require(can_be_root(), "root, or a sudo that asks for no password, and private mounts")
    root = tmp_path / "empty_root"
    for name in ("tmp", "dev", "proc"):
        (root / name).mkdir(parents=True)
    return Chroot(root)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The folder of a disk of 4 MiB, whose end a test can see."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    mounted = os.name == "posix" and subprocess.run(command, capture_output=True, check=False).returncode == 0
    require(mounted, "to mount a small tmpfs, as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="session")
def boinc_client() -> None:
    """A test that uses this needs BOINC's client on this machine."""
    for tool in ("boinc", "boinccmd"):
        require(shutil.which(tool), f"{tool} (apt-get install boinc-client)")


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """A database server that runs; whoever stops it starts it again."""
    program = database_server.find()
    require(program, "MariaDB's server (apt-get install mariadb-server-core)")
    assert program is not None
    server = MariaDB(program)
    yield server
    server.remove()


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """App versions as pymw-package builds them."""
    return Packages(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def windows_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real 32-bit CPython for Windows, of the minor version that runs the tests."""
    folder = tmp_path_factory.mktemp("windows") / "python"
    platform = pymw_platforms.load("windows_intelx86")
    interpreters.build(platform, "auto", None, (), folder, lambda text: None)
    return folder


@pytest.fixture(scope="session")
def pythons() -> tuple[Python, ...]:
    """Every Python here that runs: in PATH and under pyenv, one of each minor version, oldest first."""
    folders = [Path(folder) for folder in os.get_exec_path()]
    # pyenv's shims start only the versions that its user has switched on; its folder holds them all.
    pyenv = [Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))]
    pyenv += [folder.parent for folder in folders if folder.name == "shims"]
    folders += [folder for root in pyenv for folder in sorted((root / "versions").glob("*/bin"))]
    candidates = [path for folder in folders for path in sorted(folder.glob("python*"))]
    found: dict[tuple[int, int], Python] = {}
    for path in candidates:
        if re.fullmatch(r"python[0-9.]*", path.name) and (python := _probe(path)):
            found.setdefault(python.version, python)
    return tuple(found[version] for version in sorted(found))


@pytest.fixture(scope="session")
def find_python(pythons: tuple[Python, ...]) -> Callable[[str], Path]:
    """Finds the interpreter of a minor version such as "2.7"; a test that asks for one needs it."""

    def find(version: str) -> Path:
        found = [python.path for python in pythons if "{}.{}".format(*python.version) == version]
        require(found, f"Python {version} (in PATH or under pyenv)")
        return found[0]

    return find


def _probe(path: Path) -> Python | None:
    """Return what this program is, None if it is no Python that runs (pyenv's shims need not)."""
    code = "import sys; print('%d %d' % sys.version_info[:2]); print(sys.executable)"
    try:
        done = subprocess.run([path, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    except OSError:
        return None
    if done.returncode != 0:
        return None
    version, executable = done.stdout.splitlines()
    major, minor = version.split()
    return Python(Path(executable), (int(major), int(minor)))
