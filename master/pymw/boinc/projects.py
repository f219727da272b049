"""Which kind of project a folder or URL is, and the backend for it."""

from __future__ import annotations

from pathlib import Path

from pymw.boinc.backend import Backend
from pymw.boinc.embedded import EmbeddedBackend
from pymw.errors import InterfaceError, ProjectError
from pymw.project.project import Project
from pymw.remote.backend import RemoteBackend
from pymw.server.backend import ServerBackend
from pymw.server.home import ServerHome


def open_backend(home: str | Path, app_dir: str | Path | None, account: str | Path | None = None) -> Backend:
    """The backend for the project in a folder, or at a URL. Raises InterfaceError or ProjectError.

    app_dir: app versions to add to an embedded project, as folders VERSION/PLATFORM somewhere in it. account:
    file with the account key for a URL; None: that in the environment, or the one that is kept.
    """
    if not str(home):
        raise InterfaceError("the BOINC interface needs a project: -p names its folder")
    if str(home).startswith(("http://", "https://")):
        if app_dir:
            raise InterfaceError("app versions are added on the server of a project, not from elsewhere")
        return RemoteBackend(str(home), Path(account) if account else None)
    folder = Path(home).expanduser()
    if not folder.is_dir():
        raise InterfaceError(f"there is no folder {folder}: `pymw project create {folder}` makes a project")
    if (folder / "config.xml").exists():
        if app_dir:
            raise InterfaceError(
                f"{folder} is a project of the stock BOINC server: pymw_setup adds application versions to it"
            )
        return ServerBackend(ServerHome.open(folder))
    if app_dir:
        _add_versions(folder, Path(app_dir).expanduser())
    return EmbeddedBackend(folder)


def _add_versions(home: Path, app_dir: Path) -> None:
    folders = sorted({path.parent for path in app_dir.rglob("version.xml")})
    if not folders:
        raise ProjectError(
            f"{app_dir} holds no app version: pymw-package makes them, each with a version.xml"
        )
    with Project.open(home) as project:
        for folder in folders:
            project.add_version(folder)
