"""BOINC's `create_work --stdin`: a line for each workunit, and what it cannot take in one.

It splits a line at white space, and takes what stands between double quotes as one word, without any escape;
puts it into an SQL statement as it is, where ' and \\ have a meaning; and the client reads it as XML. All
three are content with a character's number as XML writes it, which only the client turns back, byte by byte.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from pymw_packager.client_process import dies_with_us
from pymw_packager.names import APP

from pymw.errors import ProjectError

LONGEST = 4094  # bytes of a line, its end included
_PATIENCE = 600.0  # seconds for one call
_SPECIAL = re.compile(rb"[^A-Za-z0-9 _.,:;=+*/@%~^()\[\]{}!?#$|>-]")
# What it says when it would have worked at another time.
_PASSING = re.compile("error opening database|server has gone away|Lost connection|Deadlock|Lock wait")
_SHOWN = 500  # characters of what it said


def escaped(command_line: str) -> str:
    """A command line as XML that is safe in a line and in a statement."""
    return _SPECIAL.sub(lambda found: b"&#%d;" % found[0][0], command_line.encode()).decode("ascii")


def line(name: str, templates: tuple[str, str], command_line: str, files: Iterable[str]) -> bytes:
    """The line for a workunit.

    templates: paths of both, in the project's folder. files: words for its inputs, in the template's order.
    Raises ProjectError if it is too long.
    """
    words = ["--wu_name", name, "--wu_template", templates[0], "--result_template", templates[1]]
    if command_line.strip():  # it reads past the end of an empty word in quotes
        words += ["--command_line", f'"{escaped(command_line)}"']
    made = " ".join([*words, *files]).encode("ascii") + b"\n"
    if len(made) > LONGEST:
        raise ProjectError(f"the command line of the workunit {name} is too long for BOINC's create_work")
    return made


def elsewhere(url: str, nbytes: int, md5: str) -> str:
    """The words for an input that is known already, so that it is not read again for each workunit."""
    return f"--remote_file {url} {nbytes} {md5}"


def run(project: Path, lines: Iterable[bytes]) -> str:
    """Create workunits; returns what create_work said.

    Its exit status says little: ask the database which are there. Raises ProjectError if it cannot be run.
    """
    program = project / "bin" / "create_work"
    # The variable may name another project, and wins over the current folder.
    environment = {**os.environ, "BOINC_PROJECT_DIR": str(project)}
    try:
        done = subprocess.run(
            [*dies_with_us(), str(program), "--appname", APP, "--stdin"],
            cwd=project,
            env=environment,
            input=b"".join(lines),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE,
            check=False,
        )
    except OSError as error:
        raise ProjectError(f"{program} cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ProjectError(f"{program} did not end within {_PATIENCE:g} s") from error
    said = " ".join(done.stdout.decode("utf-8", "replace").split())[-_SHOWN:]
    return said or f"exit status {done.returncode}"


def may_work_later(said: str) -> bool:
    """Whether create_work failed since the database was away, or busy."""
    return _PASSING.search(said) is not None
