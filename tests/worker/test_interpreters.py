"""The worker keeps its promises under every Python of this machine: runs tests/worker/suite with each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cloudpickle
import pytest

RUNNER = Path(__file__).parent / "suite" / "run.py"
VERSIONS = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
TIME_LIMIT = 300.0


def interpreter(version: str) -> str | None:
    """An interpreter of this minor version, of pyenv or in PATH, that really starts."""
    pyenv = Path.home() / ".pyenv" / "versions"
    candidates = [str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python"))]
    candidates += [found for found in [shutil.which(f"python{version}")] if found]
    if version == "{}.{}".format(*sys.version_info[:2]):
        candidates.append(sys.executable)
    for candidate in candidates:
        question = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        answer = subprocess.run(question, capture_output=True, text=True, timeout=30, check=False)
        if answer.stdout.strip() == version:
            return candidate
    return None


@pytest.mark.parametrize("version", VERSIONS)
def test_the_suite_passes_under_python(version: str) -> None:
    python = interpreter(version)
    if python is None:
        message = f"there is no Python {version} on this machine"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    run = subprocess.run(
        [python, "-W", "error::DeprecationWarning:pymw_worker", str(RUNNER)],
        env={**os.environ, "PYMW_TEST_CLOUDPICKLE": str(Path(cloudpickle.__file__).parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
