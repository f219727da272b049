"""The physical names of an app version's files.

BOINC keeps files by name, on servers and on every volunteer's disk, and takes no second one of the same name.
So each name carries the app version and the platform, or the hash of the content.
"""

import re

from pymw_platforms import Platform

from pymw_packager.errors import UsageError

APP = "pymw"
VERSION_XML = "version.xml"
HASH_DIGITS = 16
_CONTENT = re.compile(rf"_([0-9a-f]{{{HASH_DIGITS}}})\.(zip|tar\.zst)")


def normal_version(text: str) -> str:
    """Return the version as BOINC shows it: ``1.4`` and ``1.04`` are both its number 104, shown as ``1.04``.

    Raises:
        UsageError: it is not MAJOR.MINOR with a minor below 100, or it is 0.0.
    """
    match = re.fullmatch(r"(\d{1,4})\.(\d{1,2})", text, re.ASCII)
    if not match or not any(map(int, match.groups())):
        raise UsageError(
            f"{text!r} is no version that BOINC takes; give MAJOR.MINOR, such as 1.04, with MINOR below 100."
        )
    return f"{int(match[1])}.{int(match[2]):02d}"


def version_num(version: str) -> int:
    """Return BOINC's number of a normal version: 104 for ``1.04``."""
    major, minor = version.split(".")
    return 100 * int(major) + int(minor)


def launcher_name(version: str, platform: Platform) -> str:
    """Return the name of an app version's main program."""
    return f"{APP}_{version}_{platform.name}{platform.suffix}"


def config_name(launcher: str) -> str:
    """Return the name under which the launcher looks for its configuration."""
    return launcher.removesuffix(".exe") + ".conf"


def content_name(stem: str, sha256: str, suffix: str) -> str:
    """Return the name of a file that is known by its content: `STEM_<hash16>SUFFIX`."""
    return f"{stem}_{sha256[:HASH_DIGITS]}{suffix}"


def hash_in(name: str) -> str | None:
    """Return the first digits of the SHA-256 that a name carries, or None."""
    match = _CONTENT.search(name)
    return match and match[1]
