"""An embedded Python for the tests: small, and told apart from every Python of this machine."""

import os
import random
import sys
import time
from pathlib import Path

from tests.launcher.application import Application

# A version that no Python of this machine has: a job that asks for it can only have the payload.
VERSION = "9.9"
FILES = {
    "python": f"#!/bin/sh\nexec '{sys.executable}' \"$@\"\n".encode(),
    "lib/empty": b"",
    "lib/with a space/ünï.txt": b"text",
    **{f"lib/{number:03d}": bytes([number]) * 20_000 for number in range(60)},
}


def is_whole(folder: Path) -> bool:
    """Whether a runtime holds every file of the payload, and nothing else but what we say about it."""
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    ours = {name for name in found if name.startswith(".pymw_")}
    return (
        found.keys() - ours == FILES.keys()
        and ".pymw_complete" in ours
        and all(found[name].read_bytes() == content for name, content in FILES.items())
    )


def leftovers(folder: Path) -> list[str]:
    """Names of work folders that are still there."""
    return [path.name for path in folder.glob("*.tmp")]


def started_from(application: Application, folder: Path) -> bool:
    """Whether the worker was started by the embedded Python in that folder."""
    return application.started() is not None and is_whole(folder)


def age(path: Path, seconds: float) -> None:
    """Give it a time of change that long ago."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def flip(path: Path, chance: random.Random) -> None:
    """Flip one bit of a file as a disk does: the file has the times that it had."""
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
