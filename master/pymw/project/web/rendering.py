"""Turns templates into answers. Everything that is put into one is escaped, whoever it came from."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pymw.project.settings import Settings
from pymw.project.web import words

_FOLDER = Path(__file__).parent / "templates"
_STATIC = {"style.css": "text/css", "icon.svg": "image/svg+xml"}
# No script at all, and nothing from elsewhere: whatever a stranger's text contains, it runs nothing.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": with that, browsers do not say where a form comes from either.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Renderer:
    """The pages of a project."""

    def __init__(self, settings: Settings) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            settings=settings,
            path=settings.path,
            words=words,
            style=hashlib.sha256((_FOLDER / "style.css").read_bytes()).hexdigest()[:12],
        )
        self.path = settings.path

    def page(self, template: str, status: int = 200, private: bool = True, **content: Any) -> Response:
        """A page. private: whether nobody may keep it."""
        text = self._templates.get_template(template).render(content)
        cache = "no-store" if private else "no-cache"
        return HTMLResponse(text, status, {**_HEADERS, "Cache-Control": cache})

    def see(self, place: str) -> Response:
        """Send the browser to another page of the project."""
        return RedirectResponse(self.path + place, 303, {**_HEADERS, "Cache-Control": "no-store"})

    async def static(self, request: Request) -> Response:
        """A file that never changes under its address."""
        name = str(request.path_params["name"])
        if name not in _STATIC:
            return Response("not found\n", 404, _HEADERS, "text/plain")
        headers = {**_HEADERS, "Cache-Control": "max-age=86400"}
        return Response((_FOLDER / name).read_bytes(), 200, headers, _STATIC[name])
