"""Which of a stock project's daemons run: as far as this computer can see."""

from __future__ import annotations

import os
import shlex
import socket
from pathlib import Path

from pymw.server.home import ServerHome


def running(home: ServerHome) -> dict[str, bool]:
    """Whether each daemon of config.xml runs, by its name. Empty if they run on another computer."""
    host = socket.gethostname().partition(".")[0]
    if home.host != host:
        return {}
    folder = home.folder / f"pid_{host}"
    return {name: _runs(folder / f"{name}.pid") for name in map(_name, home.daemons) if name}


def _name(command: str) -> str:
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    return Path(words[0]).name if words else ""


def _runs(pid_file: Path) -> bool:
    try:
        os.kill(int(pid_file.read_text()), 0)
    except PermissionError:  # it is another user's
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return True
