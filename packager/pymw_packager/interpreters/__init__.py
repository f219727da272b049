"""Where embedded Pythons come from.

    wheels     Windows and macOS: CPython's own files, out of a wheel
    debian     Linux, any architecture: the packages of Debian or Ubuntu, with their C library
    freeze     this host: the running Python, by PyInstaller
    archive    anywhere: a folder or archive that the user names

Each puts its Python into a folder in the layout of `runtime`; `requirements` adds packages for the tasks.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from pymw_platforms import Platform

from pymw_packager.errors import UsageError
from pymw_packager.interpreters import archive, debian, freeze, wheels
from pymw_packager.interpreters.runtime import Runtime, staged

__all__ = ["Runtime", "build"]

SOURCES: dict[str, Callable[..., str]] = {
    "wheels": wheels.assemble,
    "debian": debian.assemble,
    "freeze": freeze.assemble,
}
LEANABLE = ("wheels", "debian")


def build(
    platform: Platform,
    source: str,
    python_version: str | None,
    requirements: Sequence[str],
    destination: Path,
    progress: Callable[[str], None],
    *,
    lean: bool = False,
) -> Runtime:
    """Make a runtime for a platform.

    Args:
        platform: that it shall run on.
        source: ``auto`` (as the platform's definition says), ``freeze``, or the path of a folder or archive.
        python_version: the minor version wanted, such as ``3.11``; None: whatever the source has.
        requirements: pip's arguments that name packages for the tasks.
        destination: the new folder; it appears when it is complete.
        progress: told in a few words what is being done.
        lean: leave out what tasks seldom need; of wheels and Debian's packages only.

    Raises:
        PackagerError: one sentence that says what is wrong and what to do.
    """
    source = platform.interpreter if source == "auto" else source
    assemble = SOURCES.get(source) or partial(archive.assemble, Path(source))
    if lean and source not in LEANABLE:
        raise UsageError(
            f"--lean chooses from a Python's wheels or packages, of which {platform.name} gets none here; "
            "leave it out."
        )
    assemble = partial(assemble, lean=True) if lean else assemble
    with staged(destination) as tree:
        version = assemble(platform, python_version, requirements, tree, progress)
    return Runtime(destination, platform.python, version)
