"""Runs the tools that a build needs, with an end to every wait."""

import os
import subprocess
from collections.abc import Mapping, Sequence

from pymw_packager.errors import MissingToolError, PackagerError

LIMIT = 900  # seconds; the longest is a download of some hundred megabytes


def run(
    command: Sequence[str | os.PathLike[str]],
    failure: type[PackagerError],
    problem: str,
    *,
    environment: Mapping[str, str] | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> str:
    """Run a command to its end and return what it printed.

    Args:
        command: the program and its arguments.
        failure: raised if it fails.
        problem: the beginning of that error's sentence; the command's own last word follows.
        environment: instead of our own.
        folder: where it is run; None: here.

    Raises:
        MissingToolError: there is no such program.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            cwd=folder,
            timeout=LIMIT,
            check=False,
        )
    except FileNotFoundError as error:
        raise MissingToolError(f"the program {command[0]} is missing; install it first.") from error
    except subprocess.TimeoutExpired as error:
        raise failure(f"{problem}: {command[0]} did not finish within {LIMIT} s.") from error
    if done.returncode:
        raise failure(f"{problem}: {_last_word(done.stderr) or f'exit status {done.returncode}'}.")
    return done.stdout


def _last_word(stderr: str) -> str:
    """The line of an error output that says most: the first that calls itself an error, else the last."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR:", "E:", "error:"))]
    line = (errors or lines[-1:] or [""])[0]
    return line.removeprefix("ERROR:").removeprefix("error:").removeprefix("E:").strip().rstrip(".")
