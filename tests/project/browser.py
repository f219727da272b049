"""Headless Chromium, driven by what every browser's driver speaks: WebDriver, JSON over HTTP."""

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymw_packager.client_process import dies_with_us, free_port

from tests.project.server import wait_for

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key by which WebDriver names an element
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--no-proxy-server", "--disable-dev-shm-usage"),
)


class Browser:
    """A window. width, height: in pixels of CSS."""

    def __init__(self, http: httpx.Client, session: str) -> None:
        self._http, self._session = http, session

    def size(self, width: int, height: int = 844, dark: bool = False) -> None:
        """Become a screen of this size, by day or night."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.devtools("Emulation.setDeviceMetricsOverride", **metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.devtools("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, url: str) -> None:
        """Open a page."""
        self._call("POST", "url", url=url)

    def script(self, text: str) -> Any:
        """Run a function's body in the page; returns what it returns."""
        return self._call("POST", "execute/sync", script=text, args=[])

    def click(self, selector: str) -> None:
        """Click on an element."""
        self._call("POST", f"element/{self._find(selector)}/click")

    def type(self, selector: str, text: str) -> None:
        """Type into an element."""
        self._call("POST", f"element/{self._find(selector)}/value", text=text)

    def text(self, selector: str = "main") -> str:
        """What is to be read in an element, "" if it is not there."""
        return str(self.script(f"return document.querySelector({selector!r})?.innerText ?? ''"))

    def sees(self, text: str, selector: str = "main") -> None:
        """Wait until this is to be read: a click does not wait for the page that it leads to."""
        wait_for(lambda: text in self.text(selector), 20, text, lambda: self.text("body"))

    def errors(self) -> list[str]:
        """What the console says."""
        return [entry["message"] for entry in self._call("POST", "se/log", type="browser")]

    def screenshot(self, path: Path) -> None:
        """Take a picture of the whole page."""
        made = self.devtools("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(made["data"]))

    def devtools(self, command: str, **parameters: object) -> Any:
        """Chromium's own protocol."""
        return self._call("POST", "goog/cdp/execute", cmd=command, params=parameters)

    def close(self) -> None:
        """Close the window, and with it Chromium."""
        self._call("DELETE", "")

    def _find(self, selector: str) -> str:
        found = self._call("POST", "element", using="css selector", value=selector)
        return str(found[_ELEMENT])

    def _call(self, method: str, command: str, **parameters: object) -> Any:
        path = f"/session/{self._session}/{command}".rstrip("/")
        answer = self._http.request(method, path, json=parameters if method == "POST" else None)
        value = answer.json()["value"]
        assert answer.status_code == 200, f"{command}: {value}"
        return value


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that ends with the block. Skips the test where there is none, but in CI."""
    driver = shutil.which("chromedriver") or ""
    if not driver:
        problem = "needs chromium and chromedriver (scripts/apt-packages)"
        pytest.fail(problem) if os.environ.get("CI") else pytest.skip(problem)
    port = free_port()
    process = subprocess.Popen([*dies_with_us(), driver, f"--port={port}"], stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
            try:
                wait_for(lambda: _ready(http), 20, "chromedriver", str)
                browser = Browser(http, _session(http, profile))
                try:
                    yield browser
                finally:
                    browser.close()
            finally:
                process.terminate()
                process.wait(10)


def _ready(http: httpx.Client) -> bool:
    with suppress(httpx.HTTPError):
        return bool(http.get("/status").json()["value"]["ready"])
    return False


def _session(http: httpx.Client, profile: str) -> str:
    wanted = {
        "goog:chromeOptions": {"args": [*_OPTIONS, f"--user-data-dir={profile}"]},
        "goog:loggingPrefs": {"browser": "ALL"},
    }
    answer = http.post("/session", json={"capabilities": {"alwaysMatch": wanted}})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["value"]["sessionId"])
