"""What the web server shows of a project: its pages, the scheduler, and the files for volunteers."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from urllib.parse import urljoin

from pymw.errors import ProjectError
from pymw.server import facts
from pymw.server.home import ServerHome
from pymw.server.setup.findings import Finding, lacks, stands
from pymw.server.setup.state import State

_PATIENCE = 15  # seconds for one answer
_LARGEST = 4 << 20  # bytes
_PHP_ERROR = re.compile(r"(?:Fatal error|Parse error|Warning|Notice|Deprecated)(?:</b>)?: [^\n]{1,200}")
_SCHEDULER = re.compile(r"<scheduler>\s*([^<\s]+)\s*</scheduler>")
_MESSAGE = re.compile(r"<message[^>]*>([^<]*)</message>")
_LOOK = "see the web server's error log, and the project's *.httpd.conf"


def check(home: ServerHome, state: State) -> Iterator[Finding]:
    """See what a client and a program elsewhere would."""
    base = home.master_url
    if not base:
        yield lacks("config.xml has no <master_url>", "write the URL of html/user into it")
        return
    checks = [_page(base), _configuration(urljoin(base, "get_project_config.php")), _download(home, state)]
    if state.facts:
        checks.append(_facts(urljoin(base, home.facts.name), state.facts))
    for each in checks:
        try:
            yield from each
        except ProjectError as error:
            yield lacks(str(error), _LOOK)


def _page(url: str) -> Iterator[Finding]:
    """The page that clients attach to, and the scheduler that it names."""
    text = _get(url)
    if found := _PHP_ERROR.search(text):
        yield lacks(f"{url} shows an error of PHP: {found[0].strip()}", _LOOK)
    scheduler = _SCHEDULER.search(text)
    if not scheduler:
        yield lacks(f"{url} names no scheduler, so that no client can attach", "see html/user/index.php")
        return
    reply = _get(scheduler[1])
    if "<project_is_down" in reply:
        said = _MESSAGE.search(reply)
        yield lacks(f"the scheduler gives no tasks: {said[1] if said else 'it is down'}", "bin/start")
    elif "<scheduler_reply" not in reply:
        yield lacks(f"{scheduler[1]} does not answer as a scheduler", _LOOK)
    else:
        yield stands(f"{url} and its scheduler answer")


def _configuration(url: str) -> Iterator[Finding]:
    text = _get(url)
    found = _PHP_ERROR.search(text)
    try:
        good = ET.fromstring(text.encode("latin-1", "replace")).tag == "project_config"
    except ET.ParseError:
        good = False
    if not good:
        said = found[0].strip() if found else text.strip()[:100] or "nothing"
        yield lacks(f"{url} says {said!r} where clients expect the project's configuration", _LOOK)


def _facts(url: str, expected: facts.Facts) -> Iterator[Finding]:
    try:
        good = facts.parse(_get(url).encode()) == expected
    except ValueError:
        good = False
    if good:
        yield stands(f"{url} tells programs elsewhere")
    else:
        yield lacks(f"{url} is not the file that pymw_setup has written", _LOOK)


def _download(home: ServerHome, state: State) -> Iterator[Finding]:
    """The web server is another user, who may not be allowed to read what update_versions has copied."""
    try:
        config = ET.fromstring((home.folder / "config.xml").read_bytes())
    except (OSError, ET.ParseError) as error:
        raise ProjectError(f"config.xml cannot be read: {error}") from error
    base = (config.findtext("config/download_url") or "").strip()
    for name in sorted({name for row in state.current().values() for name in row.files}):
        _get(f"{base}/{name}", whole=False)
    if state.rows:
        yield stands(f"{base} gives volunteers the application")


def _get(url: str, *, whole: bool = True) -> str:
    """What a URL shows, a byte of it at least. Raises ProjectError."""
    request = urllib.request.Request(url, headers={"User-Agent": "pymw_setup"})
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            return str(answer.read(_LARGEST if whole else 1).decode("latin-1"))
    except urllib.error.HTTPError as error:
        error.close()
        raise ProjectError(f"{url} answers {error.code} {error.reason}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise ProjectError(f"{url} cannot be reached: {reason}") from error
