"""Whether the daemons of a project run, and starting them again."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from pymw.errors import ProjectError
from pymw.server.home import ServerHome
from pymw.server.setup import daemons, tools
from pymw.server.setup.daemons import Daemon
from pymw.server.setup.xml_text import XmlText

PATIENCE = 60.0  # seconds for all daemons to end; a transitioner or validator ends its round first
_MOMENT = 0.1


@dataclass(frozen=True)
class Running:
    """A daemon that bin/start would start on this computer.

    pid: of its process, None if it does not run. since: when it was started, unix time.
    """

    daemon: Daemon
    pid: int | None
    since: float = 0.0

    @property
    def arguments(self) -> list[str]:
        """What it was started with; empty if it does not run, or cannot be looked at."""
        try:
            line = Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:
            return []
        return [os.fsdecode(word) for word in line.split(b"\0")]


def short_host() -> str:
    """What bin/start takes for this computer's name."""
    return socket.gethostname().split(".")[0]


def here(home: ServerHome) -> list[Running]:
    """The daemons of this computer. Raises ProjectError."""
    listed = daemons.listed(XmlText((home.folder / "config.xml").read_bytes(), "config.xml"))
    ours = [each for each in listed if (each.on or home.host) == short_host() and not each.disabled]
    return [_running(home, each) for each in ours]


def _running(home: ServerHome, daemon: Daemon) -> Running:
    """A daemon's file stays when it dies, and another process may get its number."""
    file = home.folder / f"pid_{short_host()}" / daemon.pid
    try:
        pid, since = int(file.read_text(encoding="ascii").strip()), file.stat().st_mtime
        at = Path(f"/proc/{pid}/cwd").readlink()
    except PermissionError:
        return Running(daemon, pid, since)  # another user's: there is no more to be learnt
    except (OSError, ValueError):
        return Running(daemon, None)  # one that has ended and that nobody has waited for has no folder either
    ours = at == (home.folder / f"tmp_{short_host()}").resolve()
    return Running(daemon, pid, since) if ours else Running(daemon, None)


def restart(home: ServerHome) -> str:
    """Stop all daemons and start them; what runs now. Raises ProjectError."""
    before = [each.pid for each in here(home) if each.pid]
    tools.run(home.folder, "stop")
    # bin/stop does not wait for them under Python 3, and bin/start passes over those that still run.
    _wait_for_end(before)
    output = tools.run(home.folder, "start")
    deadline = time.monotonic() + PATIENCE
    while missing := [each.daemon.program for each in here(home) if not each.pid]:
        if time.monotonic() > deadline:
            raise ProjectError(
                f"bin/start has not started {missing[0]}, and said: {tools.said(output)}; "
                f"{home.folder / f'log_{short_host()}' / missing[0]}.log may tell more"
            )
        time.sleep(_MOMENT)
    return f"{len(here(home))} daemons run"


def _wait_for_end(pids: list[int]) -> None:
    deadline = time.monotonic() + PATIENCE
    while alive := [pid for pid in pids if _lives(pid)]:
        if time.monotonic() > deadline:
            raise ProjectError(f"the daemon with process id {alive[0]} did not end within {PATIENCE:.0f} s")
        time.sleep(_MOMENT)


def _lives(pid: int) -> bool:
    try:
        Path(f"/proc/{pid}/cwd").readlink()
    except FileNotFoundError:
        return False
    except PermissionError:
        return True
    return True
