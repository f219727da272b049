"""What stands before the web application: the limits, and a short way to what clients ask for all the time.

Requests to the scheduler, downloads and uploads are nearly all there are. They are recognized here by their
path alone, which costs a small part of what routes and middleware take. Everything else goes to the
application.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pymw.errors import ProjectError
from pymw.project.limits import Broken, Rate, TooLarge

log = logging.getLogger(__name__)

_CLOSE = {"Connection": "close"}  # the rest of the body is not waited for
Handler = Callable[[Request], Awaitable[Response]]


class Front:
    """Turns away who asks too often, and answers what goes wrong in a word, without a traceback.

    Only 5xx lets a client try again later: to it, any 4xx means that the file is not there.
    """

    def __init__(self, app: ASGIApp, rate: Rate, posts: dict[str, Handler], gets: dict[str, Handler]) -> None:
        """posts: what answers a POST, by path. gets: what answers the GET of a file, by its folder's path."""
        self._app = app
        self._rate = rate
        self._posts = posts
        self._gets = gets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as a web server asks for it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        address = (scope.get("client") or ("",))[0]
        if not self._rate.allows(address):
            log.warning("%s asks too often", address)
            await busy()(scope, receive, send)
            return
        try:
            await self._pass_on(scope, receive, send)
        except TooLarge as error:
            log.warning("%s: %s", address, error)
            await PlainTextResponse("too large\n", 413, _CLOSE)(scope, receive, send)
        except Broken as error:
            log.info("%s: %s", address, error)
            await PlainTextResponse("too slow\n", 408, _CLOSE)(scope, receive, send)
        except (ProjectError, sqlite3.Error) as error:
            log.error("%s: %s", address, error)
            await busy()(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler, method = None, scope["method"]
        if method == "POST":
            handler = self._posts.get(scope["path"])
        elif method in ("GET", "HEAD"):
            folder, slash, name = scope["path"].rpartition("/")
            handler = self._gets.get(folder + slash)
            scope["path_params"] = {"name": name}
        if handler is None:
            await self._app(scope, receive, send)
        else:
            response = await handler(Request(scope, receive))
            await response(scope, receive, send)


def busy() -> Response:
    """What a client gets that is to come again later."""
    return PlainTextResponse("busy, try again later\n", 503, {"Retry-After": "60"})
