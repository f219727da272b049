"""Fetches the wheels that `wheels.toml` names, each with its SHA-256, through pip and the cache."""

import sys
import tempfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from pymw_packager.errors import InterpreterError
from pymw_packager.interpreters import cache, requirements

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def fetch(kind: str, tag: str, minor: str, progress: Callable[[str], None]) -> Path:
    """Return a wheel, from the cache or fetched.

    Args:
        kind: a table of `wheels.toml`: ``cpython`` or ``visual_cpp``.
        tag: the wheel's platform tag, such as ``win32``.
        minor: the version of Python that the wheel is tagged with, such as ``3.11``.
        progress: told what is being done.

    Raises:
        InterpreterError: there is no such wheel.
        FetchError: it cannot be fetched, or is not the one that we know.
    """
    text = resources.files(__package__).joinpath("wheels.toml").read_text(encoding="utf-8")
    wheels = tomllib.loads(text)[kind]
    sha256 = wheels.get(tag, {}).get(minor)
    if sha256 is None:
        raise InterpreterError(f"no wheel brings Python {minor} for {tag}; name one with --interpreter PATH.")
    python = f"cp{minor.replace('.', '')}"
    name = f"{wheels['project']}-{wheels['version']}-{python}-{python}-{tag}.whl"
    kept = cache.find("wheels", name, sha256)
    if kept is not None:
        return kept
    progress(f"fetching {name}")
    with tempfile.TemporaryDirectory(prefix="pymw-wheels-") as folder:
        wanted = Path(folder, "wanted.txt")
        pin = f"{wheels['project']}=={wheels['version']} --hash=sha256:{sha256}\n"
        wanted.write_text(pin, encoding="utf-8")
        requirements.download(wanted, tag, minor, Path(folder))
        return cache.keep(Path(folder, name), "wheels", sha256)
