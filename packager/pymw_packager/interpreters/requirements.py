"""Puts packages for the tasks into a runtime: the target platform's wheels, unpacked."""

from collections.abc import Callable, Sequence
from pathlib import Path

from pymw_platforms import Platform


def install(
    platform: Platform,
    minor: str,
    wanted: Sequence[str],
    tree: Path,
    progress: Callable[[str], None],
    *,
    glibc: str | None = None,
) -> None:
    if wanted:
        raise NotImplementedError
