"""The systemd unit of a project's server."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from pymw.project.settings import Settings


def text(folder: Path, settings: Settings) -> str:
    """A unit that serves the project from when the computer starts, as the user who asks for it.

    It may write into the project's folder and nowhere else.
    """
    return f"""\
[Unit]
Description=BOINC project {settings.name}
After=network-online.target
Wants=network-online.target

[Service]
User={getpass.getuser()}
ExecStart={_quoted(sys.executable)} -m pymw.project serve {_quoted(str(folder))}
Restart=on-failure
RestartSec=5
TimeoutStopSec=30
LimitNOFILE=65536
NoNewPrivileges=true
PrivateTmp=true
ProtectSystem=strict
ReadWritePaths={_quoted(str(folder))}

[Install]
WantedBy=multi-user.target
"""


def _quoted(word: str) -> str:
    """A word as systemd reads it: % begins a specifier there."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
