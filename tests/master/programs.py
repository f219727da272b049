"""Programs of a scientist's in a folder of a test, and calls of their functions in a task process."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pymw_worker
from pymw.functions import CodeBundle
from pymw_worker import names, outcome

START = "import sys;sys.path[0]=sys.argv.pop(1);import pymw_worker.task as m;m.main()"


def run(code: CodeBundle, folder: Path, *args: Any, **kwargs: Any) -> Any:
    """The value of one call in a task process of this Python, or the Outcome if there is no value."""
    return run_files(code.data, code.arguments("one", args, kwargs), folder)


def run_files(code: bytes, arguments: bytes, folder: Path, python: str | Path = sys.executable) -> Any:
    """The same of a bundle and an arguments file. The folder must exist, and no other call have run in it."""
    (folder / names.TASK_FOLDER).mkdir()
    (folder / "bundle").write_bytes(code)
    (folder / "arguments").write_bytes(arguments)
    worker = Path(str(pymw_worker.__file__)).parent.parent
    paths = [str(worker), str(folder / "bundle"), str(folder / "arguments"), str(folder)]
    subprocess.run(
        [python, "-E", "-c", START, *paths],
        cwd=folder / names.TASK_FOLDER,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=True,
    )
    found = outcome.read(folder / names.OUTCOME)
    return pickle.loads(found.value_bytes, encoding="latin-1") if found.status == outcome.VALUE else found


def write(folder: Path, files: dict[str, str]) -> None:
    """Write text files by their relative paths."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def run_program(folder: Path, source: str, *options: str, seed: str = "random") -> Any:
    """Run a script in its folder, or what the options name; return what it pickled to the file `result`."""
    (folder / "program.py").write_text(source)
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    command = [sys.executable, *(options or ["program.py"])]
    done = subprocess.run(
        command, cwd=folder, env=environment, timeout=60, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return pickle.loads((folder / "result").read_bytes())
