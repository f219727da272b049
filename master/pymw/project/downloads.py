"""Files for clients: input files and those of app versions."""

from __future__ import annotations

import stat

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from pymw.project import layout
from pymw.project.layout import Layout

_SMALL = 262_144  # bytes of a file that is read at once
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable"}


class Downloads:
    """Serves a project's files; a client goes on with a Range where a connection broke."""

    def __init__(self, place: Layout) -> None:
        self._place = place

    async def answer(self, http: Request) -> Response:
        """The file that is asked for, whole or from a byte on."""
        name = http.path_params["name"]
        if not layout.is_name(name):
            return PlainTextResponse("no such file\n", 404)
        path = self._place.download(name)
        try:
            about = path.stat()
            if not stat.S_ISREG(about.st_mode):
                raise FileNotFoundError
            if about.st_size <= _SMALL and "range" not in http.headers:
                return Response(path.read_bytes(), headers=_HEADERS, media_type="application/octet-stream")
        except FileNotFoundError:
            return PlainTextResponse("no such file\n", 404)
        return FileResponse(path, headers=_HEADERS, media_type="application/octet-stream", stat_result=about)
