"""A Windows volunteer: a BOINC folder on C: with the package in it, and a client played inside."""

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymw_packager import version_xml
from pymw_packager.client_folder import Job
from pymw_packager.names import VERSION_XML

from tests.bench import fake_client
from tests.bench.packages import job_of
from tests.bench.wine import Wine
from tests.windows import scenarios


@dataclass(frozen=True)
class Play:
    """A scenario for the job that calls a function. memory: whether the client shares some."""

    scenario: str
    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    memory: bool = True


class Windows:
    """The volunteer.

    wine: the Windows. python: folder of a Python for Windows, to copy. app_version: folder of the package.
    """

    def __init__(self, wine: Wine, python: Path, app_version: Path) -> None:
        self.wine = wine
        self._python = python
        version = version_xml.read(app_version / VERSION_XML)
        self._main_program = version.main_program
        self.project.mkdir(parents=True)
        for name in version.files:
            shutil.copyfile(app_version / name, self.project / name)
        # Where no launcher looks: what plays the client must not be what the launcher finds.
        self.install_python(self.bench / "python")
        (self.bench / "tests" / "bench").mkdir(parents=True)
        shutil.copy(fake_client.__file__, self.bench / "tests" / "bench")
        shutil.copy(scenarios.__file__, self.bench)

    @property
    def bench(self) -> Path:
        """Folder of what plays the client."""
        return self.wine.c / "bench"

    @property
    def project(self) -> Path:
        """The client's folder of our project."""
        return self.wine.c / "BOINC" / "projects" / "test"

    @property
    def slot(self) -> Path:
        """The slot folder."""
        return self.wine.c / "BOINC" / "slots" / "0"

    @property
    def launcher(self) -> str:
        """Path of the launcher, as Windows sees it."""
        return self.wine.path(self.project / self._main_program)

    def install_python(self, folder: Path) -> str:
        """Install a Python into this folder; return the path of its python.exe as Windows sees it."""
        shutil.copytree(self._python, folder)
        return self.wine.path(folder / "python.exe")

    def play(self, scenario: str, function: Callable[..., Any], *args: Any, path: str = "") -> dict[str, Any]:
        """Play a scenario with the job that calls the function; return what was seen.

        path: folders to put before Windows' own PATH, as Windows sees them.
        """
        (seen,) = self._play(
            [self._request(scenario, self.project, self.slot, job_of(function, *args))], path
        )
        return seen

    def play_all(self, plays: Sequence[Play]) -> list[dict[str, Any]]:
        """Play one scenario after another, which is faster; what belongs to number N is in `part(N)`."""
        requests = []
        for number, play in enumerate(plays):
            part = self.part(number)
            part.mkdir()
            slot = self.slot.with_name(str(number + 1))
            request = self._request(play.scenario, part, slot, job_of(play.function, *play.args))
            requests.append({**request, "memory": play.memory})
        return self._play(requests, "")

    def part(self, number: int) -> Path:
        """The folder of the files of one of several jobs."""
        return self.project / f"job {number}"

    def _request(self, scenario: str, files: Path, slot: Path, job: Job) -> dict[str, Any]:
        for name, data in job.inputs.items():
            (files / name).write_bytes(data)
        return {
            "scenario": scenario,
            "slot": self.wine.path(slot),
            "fields": {"project_dir": self.wine.path(self.project)},
            "memory": True,
            "links": {name: self.wine.path(files / name) for name in [*job.inputs, *job.outputs]},
            "command": [self.launcher, *shlex.split(job.command_line)],
        }

    def _play(self, requests: list[dict[str, Any]], path: str) -> list[dict[str, Any]]:
        (self.bench / "request.json").write_text(json.dumps(requests), encoding="utf-8")
        done = self.bench_python("scenarios.py", "request.json", path=path)
        assert done.returncode == 0, f"{done.stderr}\n{self.stderr()}"
        seen: list[dict[str, Any]] = json.loads(done.stdout)
        return seen

    def bench_python(self, *argv: str, path: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a script with the bench's Python."""
        # Wine puts the WINEPATH before the PATH of its registry.
        environment = {"WINEPATH": path} if path else {}
        python = self.wine.path(self.bench / "python" / "python.exe")
        return self.wine.run([python, *argv], self.bench, environment, timeout=200)

    def stderr(self, slot: int = 0) -> str:
        """Return what launcher and worker wrote into the slot's stderr.txt."""
        path = self.slot.with_name(str(slot)) / "stderr.txt"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
