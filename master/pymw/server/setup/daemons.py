"""The daemons of config.xml: which PyMW needs, which are there, and the changes that make the difference."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pymw_packager.names import APP

from pymw.errors import ProjectError
from pymw.server.home import ASSIMILATOR
from pymw.server.setup.xml_text import New, Node, XmlText

TRIVIAL, BITWISE = "sample_trivial_validator", "sample_bitwise_validator"
COMMON = {
    "feeder": "feeder -d 3 --sleep_interval 1",
    "transitioner": "transitioner -d 3 --sleep_interval 1",
    "file_deleter": "file_deleter -d 3 --sleep_interval 5",
}
# Another application may use the same validator: then bin/start would take the two for one daemon, as it
# knows them by the names of their log and pid files.
VALIDATOR_LOG, VALIDATOR_PID = "pymw_validator.log", "pymw_validator.pid"
_WORD = re.compile(r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+""", re.DOTALL)


@dataclass(frozen=True)
class Daemon:
    """A daemon of config.xml.

    command: its command line. program: name of the program. on: "" or the host that it is to run on. log,
    pid: names of its log and pid files. disabled: bin/start leaves it out.
    """

    node: Node
    command: str
    program: str
    on: str
    log: str
    pid: str
    disabled: bool

    @property
    def validates(self) -> bool:
        """Whether it is a validator of PyMW's results."""
        words = [word.lstrip("-") for word in words_of(self.command)]
        return "validator" in self.program and ("app", APP) in pairwise(words)


def words_of(command: str) -> list[str]:
    """The words of a command line, as bin/start takes it apart; none if a quote has no end."""
    try:
        return shlex.split(command)
    except ValueError:
        return []


def listed(config: XmlText) -> list[Daemon]:
    """The daemons that bin/start reads: those of the first <daemons>."""
    parent = next(config.root.all("daemons"), None)
    return [_daemon(config, node) for node in (parent.children if parent else ()) if node.tag == "daemon"]


def _daemon(config: XmlText, node: Node) -> Daemon:
    def entry(tag: str) -> str:
        found = next(node.all(tag), None)
        return config.text(found).strip() if found else ""

    command = entry("cmd")
    # As bin/start does it: the first word, whatever is quoted.
    words = command.split()[:2] or [""]
    program = Path(words[-1] if words[0] == "run_in_ops" else words[0]).name
    return Daemon(
        node,
        command,
        program,
        on=entry("host"),
        log=entry("output") or f"{program}.log",
        pid=entry("pid_file") or f"{program}.pid",
        disabled=entry("disabled") not in ("", "0"),
    )


def assimilator_command(task_dir: Path) -> str:
    """The command line of the assimilator."""
    return f"{ASSIMILATOR} -d 3 --app {APP} --sleep_interval 1 -p {shlex.quote(str(task_dir))}"


def validator_command(quorum: int) -> str:
    """The command line of the validator: a single result is compared with nothing."""
    return f"{TRIVIAL if quorum == 1 else BITWISE} -d 3 --app {APP} --sleep_interval 1"


def give(config: XmlText, task_dir: Path, quorum: int | None) -> list[str]:
    """Put the daemons that PyMW needs into config.xml, or change them; what was done, in words.

    quorum: None leaves a validator as it is. Raises ProjectError.
    """
    done = [_give_assimilator(config, task_dir)]
    if quorum is not None:
        done.append(_give_validator(config, quorum))
    present = {daemon.program for daemon in listed(config)}
    for program, command in COMMON.items():
        if program not in present:
            _add(config, New("cmd", command))
            done.append(f"{program} is new")
    return [each for each in done if each]


def _give_assimilator(config: XmlText, task_dir: Path) -> str:
    found = [daemon for daemon in listed(config) if daemon.program == ASSIMILATOR]
    if not found:
        _add(config, New("cmd", assimilator_command(task_dir)))
        return f"{ASSIMILATOR} is new, with {task_dir}"
    if len(found) > 1:
        raise ProjectError(f"config.xml has several {ASSIMILATOR}s: leave one of them")
    changed = with_folder(found[0].command, task_dir)
    if words_of(changed) == words_of(found[0].command):
        return ""
    config.set_text(next(found[0].node.all("cmd")), changed)
    return f"{ASSIMILATOR} now has {task_dir}"


def with_folder(command: str, task_dir: Path) -> str:
    """An assimilator's command line with another folder, the rest of it as it was."""
    words = list(_WORD.finditer(command))
    for option, value in pairwise(words):
        if option[0] == "-p":
            return command[: value.start()] + shlex.quote(str(task_dir)) + command[value.end() :]
    return f"{command} -p {shlex.quote(str(task_dir))}"


def _give_validator(config: XmlText, quorum: int) -> str:
    wanted = validator_command(quorum)
    found = [daemon for daemon in listed(config) if daemon.validates]
    if not found:
        _add(config, New("cmd", wanted), New("output", VALIDATOR_LOG), New("pid_file", VALIDATOR_PID))
        return f"{wanted.split()[0]} is new"
    program = found[0].program
    # One of the project's own making stays: it knows more of the results than we do.
    if program not in (TRIVIAL, BITWISE) or program == wanted.split()[0]:
        return ""
    changed = found[0].command.replace(program, wanted.split()[0], 1)
    config.set_text(next(found[0].node.all("cmd")), changed)
    return f"{wanted.split()[0]} in the place of {program}"


def _add(config: XmlText, *entries: New) -> None:
    parent = next(config.root.all("daemons"), None)
    daemon = New("daemon", children=entries)
    if parent is None:
        config.append(config.root, New("daemons", children=(daemon,)))
    else:
        config.append(parent, daemon)
