"""What can be set in a project: `pymw_project.toml`, which its owner may edit."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pymw.errors import ProjectError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_KINDS: dict[str, tuple[type, ...]] = {"str": (str,), "bool": (bool,), "int": (int,), "float": (int, float)}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be set. Each field is an entry of the file; its comment there is its first sentence here.

    Attributes:
        name: of the project, as clients show it.
        url: the master URL: where clients attach. It can't change later without their attaching again.
        description: what the project is for, on its web page; an empty line begins a paragraph.
        home_page: where more is to be read, a URL that its web page links to.
        contact: whom to ask, an e-mail address or a URL, on its web page.
        show_account_names: whether its web page shows the names of accounts beside the top computers.
        unsigned: whether app versions may run tasks that nobody has signed.
        create_accounts: whether anybody may make an account; otherwise only the owner's key attaches.
        one_result_per_account: whether an account (and not only a computer) may have but one result of a
            workunit. For projects of strangers that check results against each other.
        next_rpc_delay: seconds until a client asks again by itself. Small: quick answers, more requests.
        deadline_grace: seconds after a deadline, and after the server's start, in which results that are late
            are waited for.
        retry_patience: seconds that a task which failed waits for a computer that has not tried it, if all
            that were heard of in the last day have. Then it has failed for good.
        max_in_progress: tasks that a computer may have at once, for each of its processors.
        max_results_per_rpc: tasks that one reply hands out at most.
        requests_per_minute: from one address, of any kind, before it is told to wait.
        connections_per_address: open at once.
    """

    name: str
    url: str
    description: str = ""
    home_page: str = ""
    contact: str = ""
    show_account_names: bool = False
    unsigned: bool = False
    create_accounts: bool = True
    one_result_per_account: bool = False
    next_rpc_delay: float = 5.0
    deadline_grace: float = 60.0
    retry_patience: float = 600.0
    max_in_progress: int = 100
    max_results_per_rpc: int = 200
    requests_per_minute: int = 6000
    connections_per_address: int = 200

    def __post_init__(self) -> None:
        """Raises ProjectError for what makes no sense."""
        if not re.fullmatch(r"[^\x00-\x1f\x7f<>&\"]{1,100}", self.name):
            raise ProjectError("a project's name has 1 to 100 characters, without quotes, < > and &")
        object.__setattr__(self, "url", normal_url(self.url))
        self._check_words()
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, bool) and isinstance(value, int | float) and not 0 < value < 1e9:
                raise ProjectError(f"the setting {field.name} must be greater than 0, and is {value}")

    def _check_words(self) -> None:
        if len(self.description) > 5000 or not self.description.replace("\n", "").isprintable():
            raise ProjectError("a project's description is a text of at most 5000 characters")
        if self.home_page and not is_web_page(self.home_page):
            raise ProjectError(f"the setting home_page must be a URL with http(s), and is {self.home_page!r}")
        if self.contact and not (is_web_page(self.contact) or is_email(self.contact)):
            raise ProjectError(f"the setting contact must be an e-mail address or URL: {self.contact!r}")

    @property
    def path(self) -> str:
        """The path of the master URL, which starts and ends with a slash."""
        return urlsplit(self.url).path


def normal_url(url: str) -> str:
    """The URL as clients write it. Raises ProjectError if they would refuse it.

    A client wants http or https, and a dot in what follows (`http://localhost/` is "Invalid URL" to it), and
    adds a slash at the end. What it escapes or rewrites is not allowed here at all.
    """
    parts = urlsplit(url.strip())
    path = re.sub("/+", "/", parts.path + "/")
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ProjectError(f"{url!r} is no URL: {error}") from error
    good = parts.scheme in ("http", "https") and "." in host and not (parts.query or parts.fragment)
    if not good or not re.fullmatch(r"[a-z0-9.-]+", host) or not re.fullmatch(r"[A-Za-z0-9._/-]+", path):
        raise ProjectError(
            f"BOINC clients take no project URL like {url!r}: give http(s)://HOST/PATH/ with a dotted name "
            "or an IPv4 address, such as http://192.0.2.7:8080/pymw/"
        )
    result = f"{parts.scheme}://{host}{f':{port}' if port else ''}{path}"
    if ".." in path or len(result) > 200:
        raise ProjectError(f"the URL {url!r} is too long, or has .. in it")
    return result


def is_web_page(text: str) -> bool:
    """Whether this is a URL that a page may link to: no other scheme, and nothing that breaks a line."""
    return re.fullmatch(r"https?://[^\s<>\"\x00-\x20]{1,300}", text) is not None


def is_email(text: str) -> bool:
    """Whether this looks like an e-mail address."""
    return re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,200}", text) is not None


def is_loopback(url: str) -> bool:
    """Whether only this computer can reach the URL."""
    try:
        return ipaddress.ip_address(urlsplit(url).hostname or "").is_loopback
    except ValueError:
        return False


def read(path: Path) -> Settings:
    """The settings in a file. Raises ProjectError."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ProjectError(f"{path} cannot be read: {error}") from error
    known = {field.name: field for field in dataclasses.fields(Settings)}
    if unknown := sorted(set(found) - set(known)):
        raise ProjectError(f"{path} has the unknown setting {unknown[0]!r}")
    for name, value in found.items():
        _check_type(path, name, value, str(known[name].type))
    try:
        return Settings(**found)
    except TypeError as error:
        raise ProjectError(f"{path} lacks the project's name or url") from error
    except ProjectError as error:
        raise ProjectError(f"{path}: {error}") from error


def text(settings: Settings) -> str:
    """The text of the file."""
    documentation = re.split(r"\n +(\w+): ", (Settings.__doc__ or "").partition("Attributes:")[2])
    about = dict(zip(documentation[1::2], documentation[2::2], strict=True))
    lines = ["# The settings of a PyMW project. The server reads them when it starts.", ""]
    for name, value in dataclasses.asdict(settings).items():
        lines += [
            f"# {' '.join(about[name].split())}",
            f"{name} = {json.dumps(value, ensure_ascii=False)}",
            "",
        ]
    return "\n".join(lines)


def _check_type(path: Path, name: str, value: Any, kind: str) -> None:
    if not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "bool"):
        raise ProjectError(f"{path}: the setting {name} must be of the type {kind}, and is {value!r}")
