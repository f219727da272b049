"""A Windows volunteer: a BOINC folder on C: with the package in it, and a client played inside."""

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymw_packager import version_xml
from pymw_packager.names import VERSION_XML

from tests.bench import fake_client
from tests.bench.packages import job_of
from tests.bench.wine import Wine
from tests.windows import scenarios


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
        job = job_of(function, *args)
        for name, data in job.inputs.items():
            (self.project / name).write_bytes(data)
        files = [*job.inputs, *job.outputs]
        request = {
            "scenario": scenario,
            "slot": self.wine.path(self.slot),
            "fields": {"project_dir": self.wine.path(self.project)},
            "links": {name: self.wine.path(self.project / name) for name in files},
            "command": [self.launcher, *shlex.split(job.command_line)],
        }
        (self.bench / "request.json").write_text(json.dumps(request), encoding="utf-8")
        done = self.bench_python("scenarios.py", "request.json", path=path)
        assert done.returncode == 0, f"{done.stderr}\n{self.stderr()}"
        seen: dict[str, Any] = json.loads(done.stdout)
        return seen

    def bench_python(self, *argv: str, path: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a script with the bench's Python."""
        # Wine puts the WINEPATH before the PATH of its registry.
        environment = {"WINEPATH": path} if path else {}
        python = self.wine.path(self.bench / "python" / "python.exe")
        return self.wine.run([python, *argv], self.bench, environment, timeout=200)

    def stderr(self) -> str:
        """Return what launcher and worker wrote into the slot's stderr.txt."""
        path = self.slot / "stderr.txt"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
