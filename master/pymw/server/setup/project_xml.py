"""The application, and platforms that the project does not know, in project.xml."""

from __future__ import annotations

from collections.abc import Iterable

from pymw_packager.names import APP
from pymw_platforms import Platform

from pymw.server.setup.xml_text import New, XmlText

FRIENDLY_NAME = "PyMW"


def names(project: XmlText, tag: str) -> set[str]:
    """The names of the `app` or `platform` elements."""
    return {project.text(name).strip() for each in project.root.all(tag) for name in each.all("name")}


def give(project: XmlText, platforms: Iterable[Platform]) -> list[str]:
    """Put in the application and these platforms, where they are not; what was done. Raises ProjectError."""
    done = []
    known = names(project, "platform")
    for platform in platforms:
        if platform.name not in known:
            _add(project, "platform", platform.name, platform.title)
            done.append(f"the platform {platform.name} is new")
    if APP not in names(project, "app"):
        _add(project, "app", APP, FRIENDLY_NAME)
        done.append(f"the application {APP} is new")
    return done


def _add(project: XmlText, tag: str, name: str, friendly: str) -> None:
    project.append(project.root, New(tag, children=(New("name", name), New("user_friendly_name", friendly))))
