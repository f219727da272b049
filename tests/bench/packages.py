"""Real app versions, jobs for them, and what came back: each package is built once per session."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymw_platforms
from pymw import functions
from pymw_packager import app_version
from pymw_packager.app_version import Recipe
from pymw_packager.client_folder import Job
from pymw_packager.launcher_config import Prefer
from pymw_packager.progress import Progress
from pymw_worker import log, names, outcome

VERSION = "1.04"


@dataclass(frozen=True)
class Packages:
    """Builds app versions into a folder, each kind once."""

    folder: Path
    _built: dict[tuple[str, str, str, tuple[str, ...], bool], Path] = field(default_factory=dict)

    def get(
        self,
        platform: str,
        interpreter: str = "auto",
        prefer: Prefer = "system",
        trust: tuple[str, ...] = (),
        lean: bool = False,
    ) -> Path:
        """Return the folder of an app version; the arguments are those of pymw-package."""
        key = (platform, interpreter, prefer, trust, lean)
        if key not in self._built:
            recipe = Recipe(
                platform=pymw_platforms.load(platform),
                version=VERSION,
                interpreter=interpreter,
                prefer=prefer,
                trust=trust,
                lean=lean,
            )
            output = self.folder / f"{len(self._built)}"
            self._built[key] = app_version.build(recipe, output, Progress()).folder
        return self._built[key]


def job_of(function: Callable[..., Any], *args: Any) -> Job:
    """Return the job that calls the function: its source, so that any Python of a volunteer will do."""
    bundle = functions.from_source(function)
    inputs = {names.BUNDLE: bundle.data, names.ARGUMENTS: bundle.arguments("test", args)}
    return Job(inputs, (names.RESULT, names.LOG), f"--python {bundle.python}")


def value_in(result: Path) -> Any:
    """Return the value in a result file."""
    what = outcome.read(str(result))
    assert what.status == outcome.VALUE, f"{what.status}: {what.type}: {what.message}"
    return pickle.loads(what.value_bytes)


def log_facts(path: Path) -> dict[str, str]:
    """Return the facts in a log file."""
    return dict(log.read(str(path)).facts)
