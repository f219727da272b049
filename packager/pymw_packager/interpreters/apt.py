"""Fetches packages of any architecture with a configuration of apt that is private to us.

The sources and keyrings are the machine's own, so that signatures are checked as for the machine itself;
lists, state and downloads lie in a folder of ours. Works without root, and leaves the machine's own
packages alone.
"""

import contextlib
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pymw_packager.errors import FetchError, InterpreterError, MissingToolError
from pymw_packager.interpreters import cache, command

FRESH = 3600  # seconds for which indexes are taken as they are


PYTHON_ITSELF = re.compile(r"(lib)?python3(\.\d+)?(-minimal|-stdlib|-distutils|-lib2to3)?$")


@dataclass(frozen=True)
class Package:
    """A binary package as the index describes it.

    Attributes:
        name: such as ``libssl3``.
        version: with Debian's revision, such as ``3.0.17-1~deb12u2``.
        section: such as ``libs``.
        depends: names that it depends on, the first of each set of alternatives.
    """

    name: str
    version: str
    section: str
    depends: tuple[str, ...]

    @property
    def is_library(self) -> bool:
        """Whether it holds shared libraries that other packages are linked to."""
        return self.section.split("/")[-1] == "libs"

    @property
    def is_for_tasks(self) -> bool:
        """Whether a task can need it at run time."""
        return self.is_library or self.name.startswith("python3-")


class Apt:
    """apt for one architecture, with its state in the folder ``state``."""

    def __init__(self, architecture: str, state: Path) -> None:
        self.architecture = architecture
        self._state = state
        for folder in ("lists/partial", "cache/archives/partial"):
            (state / folder).mkdir(parents=True, exist_ok=True)
        (state / "status").touch()
        settings = {
            "APT::Architecture": architecture,
            "APT::Architectures": architecture,
            "APT::Sandbox::User": "",
            "Dir::State": state,
            "Dir::State::lists": state / "lists",
            "Dir::State::status": state / "status",
            "Dir::Cache": state / "cache",
            "Acquire::Languages": "none",
            "Acquire::Retries": "1",
            "APT::Update::Error-Mode": "any",
        }
        self._options = [f"-o{name}={value}" for name, value in settings.items()]

    def refresh(self) -> None:
        """Bring the indexes up to date, unless that was done within the last hour.

        Raises:
            FetchError: they cannot be fetched, and there are none from before.
        """
        stamp = self._state / "stamp"
        if stamp.exists() and 0 <= time.time() - stamp.stat().st_mtime < FRESH:
            return
        try:
            command.run(["apt-get", *self._options, "update"], FetchError, "apt could not fetch its indexes")
            stamp.touch()
        except FetchError:
            # Some of them, or older ones, may be enough; what is fetched by them is verified all the same.
            if not list((self._state / "lists").glob("*_Packages*")):
                raise

    def show(self, names: Sequence[str]) -> list[Package]:
        """Return the newest version of each package.

        Raises:
            InterpreterError: a package is not to be had for this architecture.
        """
        text = command.run(
            ["apt-cache", *self._options, "show", "--no-all-versions", *names],
            InterpreterError,
            f"this machine's package sources lack some of {', '.join(names)} for {self.architecture}, so add "
            f"a source that has them (Ubuntu keeps some apart) or name a Python with --interpreter PATH",
        )
        return [_package(stanza) for stanza in text.split("\n\n") if stanza.strip()]

    def has(self, name: str) -> bool:
        """Whether there is a package of this name for this architecture."""
        try:
            return bool(self.show([name]))
        except InterpreterError:
            return False

    def closure(self, names: Sequence[str]) -> list[Package]:
        """Return these packages and the libraries and packages of Python modules that they need in turn.

        Python itself is taken to be there.

        Raises:
            InterpreterError: a package is not to be had for this architecture.
        """
        found: dict[str, Package] = {}
        asked = set(names)
        while asked:
            shown = self.show(sorted(asked))
            found |= {
                package.name: package for package in shown if package.name in names or package.is_for_tasks
            }
            seen = asked | found.keys()
            asked = {name for package in shown if package.name in found for name in package.depends} - seen
            asked = {name for name in asked if not PYTHON_ITSELF.match(name)}
        return list(found.values())

    def fetch(self, names: Sequence[str]) -> list[Path]:
        """Return the files of these packages, from the cache or verified by apt.

        Raises:
            FetchError: one could not be fetched or verified.
        """
        listed = command.run(
            ["apt-get", *self._options, "--print-uris", "download", *names],
            FetchError,
            f"apt does not say where {', '.join(names)} are",
        )
        kept: list[Path] = []
        missing: list[tuple[str, str]] = []
        for line in listed.splitlines():
            _, name, _, digest = line.split()
            sha256 = digest.removeprefix("SHA256:")
            file = cache.find("debs", name, sha256)
            if file is None:
                missing.append((name, sha256))
            else:
                kept.append(file)
        return kept + (self._download(missing) if missing else [])

    def _download(self, missing: Sequence[tuple[str, str]]) -> list[Path]:
        """Fetch the files of these names and hashes into the cache."""
        with tempfile.TemporaryDirectory(prefix="pymw-debs-") as folder:
            packages = [name.split("_")[0] for name, _ in missing]
            command.run(
                ["apt-get", *self._options, "--quiet", "download", *packages],
                FetchError,
                f"apt could not fetch {', '.join(packages)} for {self.architecture}",
                folder=folder,
            )
            return [cache.keep(Path(folder, name), "debs", sha256) for name, sha256 in missing]


@contextmanager
def opened(architecture: str) -> Iterator[Apt]:
    """Yield apt for an architecture, with indexes as fresh as the network allows.

    The indexes are kept from build to build; each build works on a copy of its own.

    Raises:
        MissingToolError: this is no Debian or Ubuntu.
        FetchError: there are no indexes at all.
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise MissingToolError(
            "an embedded Python for Linux is made of Debian's packages, and this machine lacks apt-get or "
            "dpkg-deb; use a Debian or Ubuntu machine, or name an interpreter with --interpreter PATH."
        )
    kept = cache.folder("apt") / architecture
    with tempfile.TemporaryDirectory(prefix=f".{architecture}.", dir=kept.parent) as work:
        state = Path(work, "state")
        with contextlib.suppress(OSError):
            shutil.copytree(kept, state, copy_function=shutil.copy2)
        apt = Apt(architecture, state)
        apt.refresh()
        yield apt
        with contextlib.suppress(OSError):
            if kept.exists():
                kept.rename(Path(work, "old"))
            state.rename(kept)


def _package(stanza: str) -> Package:
    """Read one paragraph of the index."""
    facts = dict(
        line.split(": ", 1) for line in stanza.splitlines() if ": " in line and not line.startswith(" ")
    )
    groups = f"{facts.get('Depends', '')}, {facts.get('Pre-Depends', '')}".split(",")
    depends = tuple(group.split("|")[0].split()[0].split(":")[0] for group in groups if group.strip())
    return Package(facts["Package"], facts["Version"], facts.get("Section", ""), depends)
