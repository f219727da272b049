"""The project's pages as a browser asks for them, without a server."""

import asyncio
import re

import httpx
from pymw.project.app import Application
from pymw.project.layout import Layout
from pymw.project.project import Project
from pymw.project.settings import Settings

OWNER = "/pymw/owner"
PRIVATE = ("running", "failed", "all", "batches", "computers", "task/1")


class Site:
    """The application, without a server. What it says is kept in `answer`."""

    def __init__(self, project: Project, **settings: object) -> None:
        self.project = project
        about = {"name": project.settings.name, "url": project.settings.url, **settings}
        self._application = Application(Layout(project.folder), Settings(**about))  # type: ignore[arg-type]
        self._asgi = self._application.asgi()
        self.cookies = httpx.Cookies()

    def ask(self, method: str, path: str, **more: object) -> httpx.Response:
        """One request, as a browser that keeps cookies."""

        async def answered() -> httpx.Response:
            transport = httpx.ASGITransport(self._asgi, client=("192.0.2.9", 1))
            base = "http://127.0.0.1:8080"
            async with httpx.AsyncClient(transport=transport, base_url=base, cookies=self.cookies) as http:
                answer = await http.request(method, path, **more)  # type: ignore[arg-type]
                self.cookies = http.cookies
                return answer

        return asyncio.run(answered())

    def get(self, path: str, **parameters: str) -> httpx.Response:
        return self.ask("GET", path, params=parameters or None)

    def post(self, path: str, origin: str = "http://127.0.0.1:8080", **form: str) -> httpx.Response:
        return self.ask("POST", path, data=form, headers={"Origin": origin})

    def sign_in(self) -> httpx.Response:
        return self.post(f"{OWNER}/sign_in", key=self.project.owner_key())

    def form_token(self) -> str:
        found = re.search(r'name="form_token" value="([^"]+)"', self.get(f"{OWNER}/running").text)
        assert found is not None
        return found[1]

    def close(self) -> None:
        self._application._pages.close()
        self._application._writer.close()
        self._application._reader.close()


def read(site: Site, path: str, **parameters: str) -> str:
    answer = site.get(path, **parameters)
    assert answer.status_code == 200, answer.text
    return answer.text
