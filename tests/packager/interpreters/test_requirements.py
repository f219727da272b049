"""Packages for the tasks, in runtimes for other systems."""

import sys
from itertools import pairwise
from pathlib import Path

import pymw_platforms
import pytest
from pymw_packager import interpreters
from pymw_packager.errors import FetchError
from pymw_packager.interpreters import Runtime, requirements

from tests.bench.chroot import Chroot
from tests.bench.wine import Wine

# The newest numpy that Wine 8 can load: its C library lacks functions that later ones call.
NUMPY = "numpy==2.0.2"
PROGRAM = """
import importlib.metadata, numpy, sys
matrix = numpy.arange(10000.0).reshape(100, 100)
print(importlib.metadata.version("numpy"), int((matrix @ matrix).trace()), numpy.fft.fft(matrix)[0, 0].real)
"""
PRINTED = "2.0.2 251616502500 4950.0"


def build(name: str, folder: Path) -> Runtime:
    platform = pymw_platforms.load(name)
    return interpreters.build(platform, "auto", None, [NUMPY], folder, lambda step: None)


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="this numpy has no wheels for it")
def test_numpy_works_under_32_bit_windows(wine: Wine) -> None:
    runtime = build("windows_intelx86", wine.c / "runtime")
    assert (runtime.folder / "MSVCP140.dll").is_file(), "numpy is linked to it, and Windows may lack it"
    # Wine has a MSVCP140.dll of its own; the one that travels shall be the one that works.
    ours = {"WINEDLLOVERRIDES": "mscoree,mshtml=;msvcp140,vcruntime140=n"}
    done = wine.run([wine.path(runtime.folder / "python.exe"), "-E", "-c", PROGRAM], environment=ours)
    assert done.stdout.strip() == PRINTED, done.stderr


def test_numpy_works_on_linux_without_a_c_library(empty_chroot: Chroot) -> None:
    runtime = build("x86_64-pc-linux-gnu", empty_chroot.path / "runtime")
    done = empty_chroot.run(["/runtime/python", "-E", "-c", PROGRAM])
    assert done.stdout.strip() == PRINTED, done.stderr
    (packages,) = runtime.folder.glob("lib/python3*/dist-packages")
    assert not list(packages.rglob("tests/test_*.py"))
    (notes,) = packages.glob("numpy-*.dist-info")
    assert {"METADATA", "LICENSE.txt"} <= {path.name for path in notes.iterdir()}
    assert not {"RECORD", "INSTALLER", "REQUESTED"} & {path.name for path in notes.iterdir()}


def test_numpy_works_on_32_bit_linux_for_which_it_has_no_wheels(empty_chroot: Chroot) -> None:
    platform, folder = pymw_platforms.load("i686-pc-linux-gnu"), empty_chroot.path / "runtime"
    steps: list[str] = []
    interpreters.build(platform, "auto", None, ["numpy"], folder, steps.append)
    assert "taking python3-numpy from Debian: there are no wheels for i686-pc-linux-gnu" in steps
    done = empty_chroot.run(["/runtime/python", "-E", "-c", PROGRAM])
    assert done.stdout.split()[1:] == PRINTED.split()[1:], done.stderr
    assert not [path for path in folder.rglob("*") if path.is_symlink()]


def test_a_package_without_wheels_for_the_platform_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        FetchError, match=r"^pip has no numpy==0\.1 for Python 3\.\d+ on windows_intelx86: .*\.$"
    ):
        platform = pymw_platforms.load("windows_intelx86")
        interpreters.build(platform, "auto", None, ["numpy==0.1"], tmp_path / "runtime", lambda step: None)
    assert list(tmp_path.iterdir()) == []


def test_wheels_for_linux_may_ask_for_no_newer_c_library_than_travels() -> None:
    platform = pymw_platforms.load("x86_64-pc-linux-gnu")
    options = requirements._target(platform, "3.11", "2.19")
    tags = [tag for option, tag in pairwise(options) if option == "--platform"]
    assert tags[:4] == [
        "manylinux_2_19_x86_64",
        "manylinux_2_18_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
    ]
    assert tags[-2:] == ["manylinux_2_5_x86_64", "manylinux1_x86_64"]
