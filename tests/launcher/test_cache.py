"""What the launcher remembers of the Pythons of this machine (pymw_pythons.txt)."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.launcher.application import Application
from tests.launcher.conftest import MakeFake
from tests.launcher.test_choice import NOT_THIS, THIS


@pytest.fixture
def counted(native: Application) -> Path:
    """A Python of the application's own, a real program; each start is a line of the file returned."""
    home = native.root / "python"
    log = home / "starts"
    packages = home / "lib" / "python{}.{}".format(*THIS) / "site-packages"
    packages.mkdir(parents=True)
    (home / "bin").mkdir()
    shutil.copy2(Path(sys.executable).resolve(), home / "bin" / "python3")
    (home / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).resolve().parent}\n")
    (packages / "sitecustomize.py").write_text(f"open({str(log)!r}, 'a').write('start\\n')\n")
    native.path = [home / "bin"]
    return log


def starts(log: Path) -> int:
    """How often the Python was started since the last call."""
    count = len(log.read_text().splitlines()) if log.exists() else 0
    log.unlink(missing_ok=True)
    return count


def cache(application: Application) -> Path:
    """The cache file of an application that is started by hand."""
    return application.home / ".cache" / "pymw" / "pymw_pythons.txt"


def test_a_later_start_costs_no_further_process(native: Application, counted: Path) -> None:
    native.run()
    assert native.started() is not None
    assert starts(counted) == 2
    native.run()
    assert native.started() is not None
    assert starts(counted) == 1


def test_under_a_client_the_cache_lies_in_the_project_folder(native: Application, counted: Path) -> None:
    native.under_client()
    native.run()
    assert (native.project / "pymw_pythons.txt").exists()
    assert not cache(native).exists()


def test_a_python_that_has_changed_is_asked_again(native: Application, counted: Path) -> None:
    native.run()
    starts(counted)
    os.utime(Path(native.path[0], "python3"), (1, 1))
    native.run()
    assert starts(counted) == 2


def test_other_modules_are_asked_for_again(native: Application, counted: Path) -> None:
    native.run()
    starts(counted)
    native.settings["modules"] = ("zlib",)
    native.configure()
    native.run()
    assert starts(counted) == 2


def test_a_version_is_compared_with_the_cache_without_asking(native: Application, counted: Path) -> None:
    native.run()
    starts(counted)
    done = native.run("--python", NOT_THIS)
    assert done.returncode == 206
    assert (
        f"passed over, as before: {Path(native.path[0], 'python3')} (it is {THIS[0]}.{THIS[1]}" in done.stderr
    )
    assert starts(counted) == 0
    assert native.run("--explain", "--python", "{}.{}".format(*THIS)).returncode == 0
    assert starts(counted) == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("PyMW pythons 1", "PyMW pythons 2"),
        lambda text: text.replace("python ", "snake "),
        lambda text: text.replace("\t", " "),
        lambda text: "\0\n" * 100,
    ],
)
def test_a_damaged_cache_is_no_cache(native: Application, counted: Path, damage: object) -> None:
    native.run()
    starts(counted)
    assert callable(damage)
    cache(native).write_text(damage(cache(native).read_text()))
    assert native.run().returncode == 0
    assert starts(counted) == 2
    assert native.run().returncode == 0
    assert starts(counted) == 1


def test_a_python_that_failed_is_not_asked_again_for_a_day(native: Application) -> None:
    broken = native.root / "bin" / "python3"
    broken.parent.mkdir()
    shutil.copy2("/bin/false", broken)
    native.path = [broken.parent]
    assert f"passed over {broken}: it ended with status 1" in native.run("--python", NOT_THIS).stderr
    assert f"passed over, as before: {broken} (it ended" in native.run("--python", NOT_THIS).stderr
    lines = cache(native).read_text().splitlines()
    fields = [line.split("\t") for line in lines]
    aged = [[*f[:2], str(int(f[2]) - 86_500), *f[3:]] if f[-1] == str(broken) else f for f in fields]
    cache(native).write_text("".join("\t".join(f) + "\n" for f in aged))
    assert f"passed over {broken}: it ended with status 1" in native.run("--python", NOT_THIS).stderr


def test_a_script_is_asked_at_each_start_for_it_may_forward_to_another_python(
    native: Application, fake: MakeFake
) -> None:
    shim = fake("python3", "exit 1")
    native.path = [shim.parent]
    native.run()
    shim.write_text(f"#!/bin/sh\nexec '{sys.executable}' \"$@\"\n")
    os.utime(shim, (1, 1))
    native.run()
    facts = native.started()
    assert facts is not None
    assert facts["version"] == THIS
    assert str(shim) not in cache(native).read_text() if cache(native).exists() else True


def test_explain_writes_no_cache(native: Application, counted: Path) -> None:
    assert native.run("--explain").returncode == 0
    assert not cache(native).exists()
