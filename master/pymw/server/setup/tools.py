"""Runs the programs in a project's bin/. Most of them exit 0 when they fail: look at what they have done."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

from pymw_packager.client_process import dies_with_us

from pymw.errors import ProjectError

LIMIT = 300  # seconds; update_versions copies, hashes and signs some ten files of at most some ten MB
_ADDED = re.compile(r"App version added successfully; ID=(\d+)")
_TELLING = re.compile(r"error|warning|fail|couldn't|can't|not |no |differ|unknown|denied", re.IGNORECASE)


def run(folder: Path, *command: str) -> str:
    """Run bin/NAME in the project's folder to its end; returns what it printed. Raises ProjectError."""
    program = folder / "bin" / command[0]
    environment = {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    try:
        process = subprocess.Popen(
            [*dies_with_us(), program, *command[1:]],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # so that what it has started can be ended with it
        )
    except OSError as error:
        raise ProjectError(f"{program} cannot be run: {error.strerror}") from error
    try:
        return process.communicate(timeout=LIMIT)[0]
    except subprocess.TimeoutExpired as error:
        raise ProjectError(f"bin/{command[0]} did not end within {LIMIT} s") from error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def added_versions(output: str) -> set[int]:
    """The ids in app_version that update_versions says it has added."""
    return {int(number) for number in _ADDED.findall(output)}


def said(output: str) -> str:
    """Of a tool's output, the line that tells most: the first that sounds like a fault, else the last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line) and not _ADDED.search(line)]
    return (telling or lines[-1:] or ["it printed nothing"])[0][:300].rstrip(".")
