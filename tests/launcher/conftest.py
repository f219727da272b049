"""Applications with each kind of launcher, and Pythons for them to find."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pymw_packager import interpreters, programs
from pymw_platforms import load

from tests.bench.chroot import Chroot
from tests.bench.fixtures import Python
from tests.bench.require import require
from tests.bench.wine import Wine
from tests.launcher.application import Application
from tests.launcher.embedded import FILES, VERSION
from tests.launcher.windows import PLATFORM, WindowsApplication, application_in

# The script launcher runs under whatever stands as /bin/sh on a Mac of its time, or on a test machine.
SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}

MakeFake = Callable[[str, str], Path]


@pytest.fixture
def native(tmp_path: Path) -> Application:
    """An application with the native launcher of this machine."""
    require(sys.platform == "linux", "a Linux machine")
    made = Application(tmp_path / "app", "pymw_1.00_x86_64-pc-linux-gnu")
    made.install(programs.launcher("x86_64-pc-linux-gnu"))
    made.configure()
    return made


@pytest.fixture
def embedded(native: Application) -> Application:
    """An application under a client that prefers its payload."""
    native.settings["prefer"] = "embedded"
    native.add_payload(FILES, VERSION)
    native.configure()
    native.under_client()
    return native


@pytest.fixture(scope="module")
def runtime(chroot: Chroot) -> Iterator[Path]:
    """A 32-bit Python for Windows, on the file system of the test bench's Windows."""
    with chroot.folder() as folder:
        made = interpreters.build(load(PLATFORM), "auto", None, [], folder / "python", lambda text: None)
        yield made.folder


@pytest.fixture
def windows(wine: Wine) -> WindowsApplication:
    """An application on a Windows without Python."""
    return application_in(wine, wine.c / "BOINC")


def script(tmp_path: Path, shell: str) -> Application:
    """An application with the script launcher, run by one shell."""
    command = SHELLS[shell]
    require(shutil.which(command[0]), f"{command[0]} (apt-get install {command[0]})")
    made = Application(tmp_path / "app", "pymw_1.00_i686-apple-darwin", command)
    made.install(programs.launcher("i686-apple-darwin"))
    made.configure()
    return made


@pytest.fixture(params=["native", *SHELLS])
def application(request: pytest.FixtureRequest, tmp_path: Path) -> Application:
    """An application with each launcher that runs here: what they promise in common is tested with all."""
    if request.param == "native":
        made: Application = request.getfixturevalue("native")
        return made
    return script(tmp_path, request.param)


@pytest.fixture
def fake(tmp_path: Path) -> MakeFake:
    """Makes scripts that stand under the name of a Python, such as ``python3`` or ``other/python3``."""

    def make(name: str, text: str) -> Path:
        path = tmp_path / "fakes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n" + text + "\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def real(pythons: tuple[Python, ...]) -> Callable[[tuple[int, int]], Path]:
    """Finds a real Python of a version on this machine."""

    def find(version: tuple[int, int]) -> Path:
        found = [python.path for python in pythons if python.version == version]
        require(found, "Python {}.{}".format(*version))
        return found[0]

    return find
