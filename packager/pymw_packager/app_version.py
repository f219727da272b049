"""Builds one app version: the folder `OUTPUT/pymw/VERSION/PLATFORM/` that BOINC's update_versions takes.

It is assembled in a temporary folder beside and renamed when it is whole. A folder that is there already is
never changed: BOINC knows a file by its name and takes no second one of the same name.
"""

import filecmp
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pymw_platforms import Platform

from pymw_packager import executables, interpreters, payload, programs, worker_archive
from pymw_packager.errors import FormatError, ImmutableError, UsageError
from pymw_packager.files import reported, sha256_of, write_bytes
from pymw_packager.interpreters import Runtime
from pymw_packager.launcher_config import MODULES, PYTHON_MIN, LauncherConfig, PayloadEntry, Prefer
from pymw_packager.names import APP, VERSION_XML, config_name, launcher_name
from pymw_packager.progress import Progress
from pymw_packager.version_xml import VersionXml


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What to build.

    Attributes:
        platform: for which BOINC platform.
        version: of the application, as `normal_version` returns it.
        interpreter: ``auto``, ``none``, ``freeze``, or the path of a folder or archive with a Python.
        python_version: minor version of the embedded Python, such as ``3.11``; None: the source's choice.
        prefer: whether the launcher looks for a Python first, or unpacks the payload first.
        requirements: packages for the embedded Python, as pip's arguments.
        lean: leave out of it what tasks seldom need.
        trust, revoked: as in LauncherConfig.
    """

    platform: Platform
    version: str
    interpreter: str = "auto"
    python_version: str | None = None
    prefer: Prefer = "system"
    requirements: tuple[str, ...] = ()
    lean: bool = False
    trust: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()

    @property
    def launcher(self) -> str:
        """Name of the launcher."""
        return launcher_name(self.version, self.platform)


@dataclass(frozen=True)
class PackagedFile:
    """One file of an app version: what it is, its physical name, its size in bytes and its hash."""

    role: str
    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class AppVersion:
    """A built app version.

    Attributes:
        recipe: what was asked for.
        folder: where it lies.
        python: version of the embedded Python, such as ``3.11.9``; None: there is none.
        files: what a volunteer downloads.
        unchanged: whether the same app version lay there already.
    """

    recipe: Recipe
    folder: Path
    python: str | None
    files: tuple[PackagedFile, ...]
    unchanged: bool

    @property
    def download(self) -> int:
        """Bytes that each volunteer downloads, once."""
        return sum(file.size for file in self.files)


def build(recipe: Recipe, output: Path, progress: Progress) -> AppVersion:
    """Build the app version `output/pymw/VERSION/PLATFORM/`.

    Raises:
        PackagerError: it cannot be built; `output` holds then what it held before.
    """
    destination = output / APP / recipe.version / recipe.platform.name
    with _workshop(destination) as workshop:
        made = workshop / "app_version"
        made.mkdir()
        runtime = _runtime(recipe, workshop / "runtime", progress)
        entry = _pack(recipe, runtime, made, progress) if runtime else None
        python = runtime.version if runtime else None
        worker = worker_archive.build_for(entry.version, progress.say) if entry else worker_archive.build()
        files = _write_files(recipe, made, python, entry, worker)
        unchanged = _install(made, destination)
        return AppVersion(recipe, destination, python, files, unchanged)


@contextmanager
def _workshop(destination: Path) -> Iterator[Path]:
    """Yield a folder for all that is made on the way, on the destination's file system; it goes away.

    It stands in the application's folder, where update_versions passes over what is no version number.
    """
    home = destination.parents[1]
    new = [folder for folder in (home, home.parent) if not folder.exists()]
    prefix = f".{destination.parent.name}-{destination.name}."
    with reported(home, "written"):
        try:
            home.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(".tmp", prefix, home, ignore_cleanup_errors=True) as folder:
                yield Path(folder)
        finally:
            for empty in new:  # rmdir leaves one in which something was built
                with suppress(OSError):
                    empty.rmdir()


def _runtime(recipe: Recipe, folder: Path, progress: Progress) -> Runtime | None:
    """Make the runtime that comes along, if there is to be one.

    Raises:
        UsageError: there is none that could hold the packages.
    """
    platform, source = recipe.platform, recipe.interpreter
    if platform.launcher == "script" and source not in ("auto", "none"):
        raise UsageError(
            f"the launcher of {platform.name} is a script, which cannot unpack a Python; "
            "leave --interpreter out, and its volunteers' own is used."
        )
    if source == "none" or (source == "auto" and platform.interpreter == "none"):
        if recipe.requirements or recipe.lean or recipe.prefer == "embedded":
            raise UsageError(
                f"no Python comes along for {platform.name}, so there is none to prefer, to make lean or to "
                "add packages to; leave out --interpreter none, or --prefer, --lean and the packages."
            )
        return None
    version, requirements = recipe.python_version, recipe.requirements
    return interpreters.build(platform, source, version, requirements, folder, progress.say, lean=recipe.lean)


def _pack(recipe: Recipe, runtime: Runtime, folder: Path, progress: Progress) -> PayloadEntry:
    """Write the payload, and return what the launcher must know of it."""
    kind = "_lean" if recipe.lean else ""
    stem = f"{APP}_python{runtime.version}{kind}_{recipe.platform.name}"
    packed = payload.pack(runtime.folder, stem, folder, recipe.platform, progress)
    return PayloadEntry(
        name=packed.path.name,
        sha256=packed.sha256,
        size=packed.size,
        python=runtime.executable,
        version=runtime.minor,
    )


def _write_files(
    recipe: Recipe, folder: Path, python: str | None, entry: PayloadEntry | None, worker: tuple[str, bytes]
) -> tuple[PackagedFile, ...]:
    """Write everything but the payload, and return what a volunteer downloads."""
    worker_file, archive = worker
    config = LauncherConfig(
        worker=worker_file,
        python_min=PYTHON_MIN,
        modules=MODULES[recipe.platform.system],
        prefer=recipe.prefer,
        payload=entry,
        trust=recipe.trust,
        revoked=recipe.revoked,
    )
    config_file = config_name(recipe.launcher)
    roles = {"launcher": recipe.launcher, "configuration": config_file, "worker": worker_file}
    write_bytes(folder / roles["launcher"], _launcher(recipe.platform), 0o755)
    write_bytes(folder / roles["configuration"], config.text().encode("ascii"))
    write_bytes(folder / roles["worker"], archive)
    if entry:
        roles[f"Python {python}"] = entry.name
    main, *others = roles.values()
    write_bytes(folder / VERSION_XML, VersionXml(main, tuple(others)).text().encode("ascii"))
    return tuple(
        PackagedFile(role, name, (folder / name).stat().st_size, sha256_of(folder / name))
        for role, name in roles.items()
    )


def _launcher(platform: Platform) -> bytes:
    """Return the launcher's bytes, after a look at whether they are of the platform."""
    path = programs.launcher(platform.name)
    if platform.launcher == "native" and not executables.fits(found := executables.machines(path), platform):
        raise FormatError(f"the launcher {path} is {executables.describe(found)}, not for {platform.title}.")
    with reported(path, "read"):
        return path.read_bytes()


def _install(made: Path, destination: Path) -> bool:
    """Rename the new folder to its place; return True if the same one stood there already.

    Raises:
        ImmutableError: another one stands there.
    """
    if not destination.exists():
        destination.parent.mkdir(exist_ok=True)
        made.rename(destination)
        return False
    files = {path.name for folder in (made, destination) for path in folder.iterdir()}
    files = {name for name in files if not name.endswith(".sig")}  # BOINC's signatures come in later
    _, differing, missing = filecmp.cmpfiles(made, destination, files, shallow=False)
    if others := sorted(differing + missing):
        raise ImmutableError(
            f"{destination} holds another build of this version (it differs in {', '.join(others)}), "
            "and BOINC never takes a second file of the same name: give a higher --app-version."
        )
    return True
