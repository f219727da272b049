"""Puts the built launchers into wheels, so that an installed pymw-package needs no compiler."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent


class LauncherHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds all native programs with the ziglang wheel and adds them under pymw_platforms/programs/."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        sys.path[:0] = [str(ROOT / "packager"), str(ROOT / "platforms")]
        from pymw_packager import programs  # noqa: PLC0415 - not installed yet, but beside this file

        for name, path in programs.build_all().items():
            build_data["force_include"][str(path)] = f"pymw_platforms/programs/{name}"
