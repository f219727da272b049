"""A Windows for one test: a copy of what scripts/chroot has set up, with a registry and a C: of its own."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from tests.bench.chroot import ENVIRONMENT, Chroot

TEMPLATE = "var/lib/pymw-wine-prefix"


@dataclass(frozen=True)
class Wine:
    """One Windows.

    Attributes:
        chroot: where Wine is installed.
        prefix: Wine's folder of this Windows.
    """

    chroot: Chroot
    prefix: Path

    @classmethod
    def create(cls, chroot: Chroot, prefix: Path) -> "Wine":
        """Make a Windows in a folder of the chroot. C:\\windows, which is large, is the template's."""
        template = chroot.path / TEMPLATE
        prefix.mkdir()
        for name in ("system.reg", "user.reg", "userdef.reg", ".update-timestamp"):
            shutil.copy2(template / name, prefix / name)
        shutil.copytree(template / "dosdevices", prefix / "dosdevices", symlinks=True)
        windows = template / "drive_c" / "windows"
        shutil.copytree(
            template / "drive_c",
            prefix / "drive_c",
            symlinks=True,
            ignore=lambda folder, names: ["windows"] if folder == str(windows.parent) else [],
        )
        (prefix / "drive_c" / "windows").symlink_to(chroot.inside(windows))
        return cls(chroot, prefix)

    @property
    def c(self) -> Path:
        """The folder C:\\, as we see it."""
        return self.prefix / "drive_c"

    def path(self, path: Path) -> str:
        """Return how Windows sees one of our paths: on C:, or anywhere else in the chroot on Z:."""
        if path.is_relative_to(self.c):
            return str(PureWindowsPath("C:\\", path.relative_to(self.c)))
        return str(PureWindowsPath("Z:\\", path.relative_to(self.chroot.path)))

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the variables for a command in the chroot that calls `wine`.

        mscoree and mshtml are off, because Wine asks to download them when it meets a fresh prefix.
        """
        return {
            **ENVIRONMENT,
            "WINEPREFIX": self.chroot.inside(self.prefix),
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
            "WINEDEBUG": "-all",
            **(more or {}),
        }

    def run(
        self,
        argv: Sequence[str],
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a Windows program to its end and return what it printed.

        Args:
            argv: program and arguments; paths as Windows sees them.
            folder: current folder, as we see it; the default is C:\\.
            environment: variables to add.
            timeout: seconds, after which it and all it started are killed.

        Raises:
            subprocess.TimeoutExpired: it took longer.
        """
        return self.chroot.run(["wine", *argv], folder or self.c, self.environment(environment), timeout)

    def set_registry(self, key: str, name: str, value: str) -> None:
        """Set a string in the registry.

        Args:
            key: such as ``HKCU\\Software\\Python\\PythonCore\\3.11\\InstallPath``.
            name: of the value; empty: the key's default value.
            value: the string.
        """
        entry = ["/v", name] if name else ["/ve"]
        # Wine's server writes the registry down when it ends, for which it must be asked.
        script = 'wine reg add "$@" >/dev/null && wineserver --kill && wineserver --wait'
        command = ["sh", "-c", script, "sh", key, *entry, "/t", "REG_SZ", "/d", value, "/f"]
        done = self.chroot.run(command, self.c, self.environment())
        assert done.returncode == 0, done.stderr
