"""One definition file per BOINC platform, and the code that loads them."""

from pymw_platforms.platform import (
    DefinitionError,
    Platform,
    PlatformError,
    UnknownPlatformError,
    all_platforms,
    load,
    this_host,
)

__all__ = [
    "DefinitionError",
    "Platform",
    "PlatformError",
    "UnknownPlatformError",
    "all_platforms",
    "load",
    "this_host",
]
