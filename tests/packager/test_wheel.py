"""The wheel: installed into an empty environment, with no compiler in reach, it packages for Windows."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import platformdirs
import pytest
from pymw_platforms import all_platforms

ROOT = Path(__file__).parents[2]
WINDOWS = ["--platform", "windows_intelx86"]


def run(command: list[str | Path], **environment: str) -> str:
    """Run a command that must end well; with no other variables if any are given."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=1200, check=False, env=environment or None
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout; its programs are kept in the user's cache."""
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT])
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that holds the wheel and what it needs, and nothing else."""
    home = tmp_path_factory.mktemp("environment")
    run([sys.executable, "-m", "venv", home])
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    run([programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel])
    return programs


@pytest.fixture(scope="module")
def environment(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables with no compiler on PATH and a cache of its own, which shares only the fetched wheels."""
    cache = tmp_path_factory.mktemp("cache")
    fetched = platformdirs.user_cache_path("pymw", appauthor=False) / "wheels"
    fetched.mkdir(parents=True, exist_ok=True)
    (cache / "pymw").mkdir()
    (cache / "pymw" / "wheels").symlink_to(fetched)
    return {"PATH": str(installed), "XDG_CACHE_HOME": str(cache), "HOME": str(cache)}


def test_the_wheel_carries_the_programs_of_every_platform(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for platform in all_platforms():
        assert f"pymw_platforms/{platform.name}.toml" in names
        assert f"pymw_platforms/programs/launcher-{platform.name}{platform.suffix}" in names
        hosted = f"pymw_platforms/programs/python-{platform.name}{platform.suffix}" in names
        assert hosted == (platform.launcher == "native")
    packages = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert packages == {"pymw", "pymw_packager", "pymw_platforms", "pymw_worker"}


def test_no_compiler_is_in_reach(installed: Path, environment: dict[str, str]) -> None:
    code = "import importlib.util as u; print(u.find_spec('ziglang'))"
    assert run([installed / "python", "-c", code], **environment) == "None\n"
    for compiler in ("zig", "cc", "gcc", "clang"):
        assert shutil.which(compiler, path=environment["PATH"]) is None


@pytest.mark.parametrize(("version", "interpreter"), [("1.00", "none"), ("1.01", "auto")])
def test_it_packages_for_windows(
    version: str, interpreter: str, installed: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    package = installed / "pymw-package"
    options = ["--interpreter", interpreter, "--app-version", version, "--output", str(tmp_path)]
    facts = json.loads(run([package, *WINDOWS, *options, "--json"], **environment))
    (built,) = facts["app_versions"]
    running = ".".join(map(str, sys.version_info[:2]))
    assert (built["python"] or "").startswith(running if interpreter == "auto" else "")
    assert (built["python"] is None) == (interpreter == "none")
    assert "good" in run([package, "--check", tmp_path], **environment)
    assert not Path(environment["XDG_CACHE_HOME"], "pymw", "programs").exists()
