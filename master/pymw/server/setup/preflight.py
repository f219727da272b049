"""What must be right before the first change: pymw_setup does all or, as far as can be known, nothing."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import xml.etree.ElementTree as ET
from importlib.util import find_spec
from pathlib import Path

from pymw_packager.names import APP, version_num

from pymw.errors import ProjectError
from pymw.server.home import ServerHome
from pymw.server.setup import project_xml, tools
from pymw.server.setup.state import State
from pymw.server.setup.wanted import Wanted
from pymw.server.setup.xml_text import XmlText
from pymw.server.task_folder import TaskFolder

MODULE = "pymw.server.assimilator"
_TOOLS = ("start", "stop", "xadd", "update_versions", "sign_executable")
_KEY = "code_sign_private"
_SIGNATURE = re.compile(r"[0-9a-f\s]{64,}\.\s*")
_NEEDED = ("bin", "apps", "html/user", "html/inc")


def find(given: Path | None) -> ServerHome:
    """The project: the named one, or that in whose folder or bin/ we are. Raises ProjectError."""
    start = (given or Path.cwd()).expanduser().absolute()
    folder = start
    if not (folder / "config.xml").exists() and folder.name == "bin":
        folder = folder.parent
    if not (folder / "config.xml").exists():
        raise ProjectError(
            f"{start} is no project of the BOINC server, nor its bin/: there is no config.xml; call this "
            "there, or name the project's folder with --project-home"
        )
    return ServerHome.open(folder)


def check_folder(home: ServerHome) -> None:
    """See that it is a whole project, and that we may change it. Raises ProjectError."""
    folder = home.folder
    needed = [folder / name for name in _NEEDED] + [home.download_dir]
    missing = [path for path in needed if not path.is_dir()]
    files = [folder / "project.xml", *(folder / "bin" / tool for tool in _TOOLS)]
    missing += [path for path in files if not path.is_file()]
    if missing:
        raise ProjectError(
            f"{folder} is no whole project of the BOINC server: it lacks {missing[0].relative_to(folder)}"
            if missing[0].is_relative_to(folder)
            else f"the folder {missing[0]} that {folder}/config.xml names is not there"
        )
    _check_entries(folder)
    _check_owner(folder)
    for path in [folder, *(folder / name for name in _NEEDED[:-1]), home.download_dir]:
        if not os.access(path, os.W_OK | os.X_OK):
            raise ProjectError(f"you may not write into {path}: be the user that the project belongs to")
    if not shutil.which("php"):
        raise ProjectError("there is no `php` in PATH, which programs in bin/ need: install it")


def _check_entries(folder: Path) -> None:
    """update_versions reads these out of config.xml, and knows no defaults."""
    config = ET.fromstring((folder / "config.xml").read_bytes())
    for entry in ("download_url", "download_dir", "key_dir"):
        if not (config.findtext(f"config/{entry}") or "").strip():
            raise ProjectError(f"{folder}/config.xml has no <{entry}>: write it, as make_project does")


def _check_owner(folder: Path) -> None:
    """What we write must belong to the user that the daemons run as; nobody else could keep the owner."""
    for name in ("config.xml", "project.xml"):
        path = (folder / name).resolve()
        owner = path.stat().st_uid
        if owner != os.geteuid():
            try:
                user = pwd.getpwuid(owner).pw_name
            except KeyError:
                user = f"#{owner}"
            raise ProjectError(f"{path} belongs to {user}: run this as that user (sudo -u {user})")
        if not os.access(path, os.R_OK):
            raise ProjectError(f"you may not read {path}: chmod u+r it")


def check_wanted(home: ServerHome, state: State, wanted: Wanted, project: XmlText) -> None:
    """See that what is wanted can be done, as far as can be known before. Raises ProjectError."""
    _check_task_dir(wanted.task_dir)
    _check_nobody_waits(home, wanted.task_dir)
    if find_spec(MODULE) is None:
        raise ProjectError(f"this installation of PyMW has no {MODULE}: install it whole")
    if wanted.mode == "folder":
        return
    declared = state.apps | project_xml.names(project, "app") | {APP}
    others = [path.name for path in (home.folder / "apps").iterdir() if not path.name.startswith(".")]
    for name in sorted(set(others) - declared):
        raise ProjectError(
            f"apps/{name} is no application that the database knows, and update_versions stops at it: "
            "declare it in project.xml, or move it elsewhere"
        )
    if os.access(home.key_dir / _KEY, os.R_OK):
        _check_signing(home)
    elif not _is_signed(home, state, wanted):
        raise ProjectError(
            f"{home.key_dir} has no {_KEY} for update_versions to sign with: bring it for this "
            f"call, or build with `pymw-package --app-version {wanted.version} --output {home.folder}/apps`, "
            "sign each file with bin/sign_executable into FILE.sig, and call this again"
        )


def _check_task_dir(task_dir: Path) -> None:
    there = task_dir
    while not there.exists():
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise ProjectError(
            f"you may not write into {there}, where {task_dir} is to be: name another, or chmod it"
        )


def _check_nobody_waits(home: ServerHome, task_dir: Path) -> None:
    """Programs look for their results where the assimilator put them when they began."""
    try:
        before = home.task_dir
    except ProjectError:
        return  # it has none yet
    if before != task_dir and (batches := TaskFolder(before).batches()):
        raise ProjectError(
            f"programs wait for results in {before} (such as those of {batches[0]}), which would "
            "not come there any more: let them end, or remove what killed ones have left with "
            f'pymw.interfaces.boinc.Manager("{home.folder}").delete_batch("{batches[0]}")'
        )


def _check_signing(home: ServerHome) -> None:
    """See that update_versions can sign: with a damaged key it adds versions that clients refuse."""
    output = tools.run(
        home.folder, "sign_executable", str(home.folder / "project.xml"), str(home.key_dir / _KEY)
    )
    if not _SIGNATURE.fullmatch(output):
        raise ProjectError(
            f"bin/sign_executable does not sign with {home.key_dir / _KEY}: {tools.said(output)}"
        )


def _is_signed(home: ServerHome, state: State, wanted: Wanted) -> bool:
    """Whether every file that update_versions will take has been signed elsewhere."""
    for platform in wanted.platforms:
        if state.row(version_num(wanted.version), platform.name):
            continue
        folder = home.folder / "apps" / APP / wanted.version / platform.name
        files = {path.name for path in folder.glob("*")} - {"version.xml"}
        unsigned = {name for name in files if not name.endswith(".sig") and name + ".sig" not in files}
        if not files or unsigned:
            return False
    return True
