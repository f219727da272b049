"""Runs commands with another folder as their root: the 32-bit Debian of scripts/chroot, or an empty one.

Each command has mounts and process ids of its own. So nothing stays mounted, and whatever it started
ends with it, or with us: a shell beside it reads from a pipe that we hold, and kills everything when the
pipe closes.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/games", "HOME": "/tmp", "LC_ALL": "C.UTF-8"}

# Started as the first process of a process id space. kill -1 means everybody else in it.
_LEASH = """
exec 3<&0 </dev/null
(cat <&3 >/dev/null; kill -KILL -1) &
exec 3<&-
if [ -d "$1/proc" ]; then mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" || exit 125; fi
shift
"$@"
"""


@dataclass(frozen=True)
class Chroot:
    """A folder that commands see as their root.

    Attributes:
        path: the folder, as we see it.
    """

    path: Path

    def prefix(self, folder: Path, environment: Mapping[str, str] | None = None) -> list[str]:
        """Return the command that runs another one in here, as the user that we are.

        It needs a pipe as its standard input, and ends when that closes.

        Args:
            folder: the command's current folder, as we see it.
            environment: all its variables; the default is ENVIRONMENT.
        """
        variables = [f"{name}={value}" for name, value in (environment or ENVIRONMENT).items()]
        unshare = shutil.which("unshare") or "unshare"
        root = f"--root={self.path}"
        user = [f"--setuid={os.getuid()}", f"--setgid={os.getgid()}"]
        return [
            *as_root(),
            *(
                unshare,
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "sh",
                "-c",
                _LEASH,
                "sh",
                str(self.path),
            ),
            *("env", "-i", *variables, unshare, root, f"--wd={self.inside(folder)}", *user),
        ]

    def inside(self, path: Path) -> str:
        """Return how a command in here sees one of our paths."""
        return "/" + path.relative_to(self.path).as_posix().removeprefix(".")

    def run(
        self,
        argv: Sequence[str],
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end and return what it printed.

        Args:
            argv: program and arguments; paths as seen from inside.
            folder: current folder, as we see it; the default is the root.
            environment: all its variables; the default is ENVIRONMENT.
            timeout: seconds, after which it is killed.

        Raises:
            subprocess.TimeoutExpired: it took longer.
        """
        with leash() as held:
            return subprocess.run(
                [*self.prefix(folder or self.path, environment), *argv],
                stdin=held,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
            )

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Yield a new folder in here that is ours; it goes away."""
        with tempfile.TemporaryDirectory(
            prefix="pymw-", dir=self.path / "tmp", ignore_cleanup_errors=True
        ) as name:
            yield Path(name)


@contextmanager
def leash() -> Iterator[int]:
    """Yield what a command's standard input must be: it ends at the latest when this block does."""
    reader, writer = os.pipe()
    try:
        yield reader
    finally:
        os.close(reader)
        os.close(writer)


def as_root() -> list[str]:
    """Return the command that runs another one as root: none if we are, else a sudo that asks no password."""
    return [] if os.getuid() == 0 else ["sudo", "-n"]


def can_be_root() -> bool:
    """Whether as_root works, and root may have mounts of its own here (in some containers it may not)."""
    try:
        probe = [*as_root(), "unshare", "--mount", "--pid", "--fork", "true"]
        return (
            subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0
        )
    except FileNotFoundError:
        return False
