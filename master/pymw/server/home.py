"""The folder of a project of the stock BOINC server, as its config.xml describes it."""

from __future__ import annotations

import hashlib
import re
import shlex
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from pymw.errors import ProjectError

ASSIMILATOR = "pymw_assimilator"
_TASK_DIR = re.compile(r"-p|--?pymw(?:=(.+))?")  # its option, as its command line takes it
FANOUT = 1024  # BOINC's own default of uldl_dir_fanout


@dataclass(frozen=True)
class DatabaseAccess:
    """How to reach the project's database. host: "" or localhost is this computer."""

    name: str
    user: str
    password: str = field(repr=False)
    host: str


@dataclass(frozen=True)
class ServerHome:
    """A project's folder.

    Attributes:
        folder: absolute path of the project (what BOINC's documents call the project root).
        host: that its daemons run on, a short name; "" if config.xml does not say.
        master_url: where clients attach. download_url: of download_dir, without a slash at its end.
        database: how to reach it.
        download_dir, upload_dir, app_dir, key_dir, log_dir: as config.xml names them.
        fanout: folders that download_dir and upload_dir are spread over.
        daemons: their command lines, in the file's order.
    """

    folder: Path
    host: str
    master_url: str
    download_url: str
    database: DatabaseAccess
    download_dir: Path
    upload_dir: Path
    app_dir: Path
    key_dir: Path
    log_dir: Path
    fanout: int
    daemons: tuple[str, ...]

    @classmethod
    def open(cls, folder: Path) -> ServerHome:
        """Read config.xml in this folder. Raises ProjectError."""
        folder = folder.expanduser().absolute()
        path = folder / "config.xml"
        try:
            root = ET.fromstring(path.read_bytes())
        except FileNotFoundError as error:
            raise ProjectError(f"{folder} is no project of the BOINC server: it has no config.xml") from error
        except OSError as error:
            raise ProjectError(f"{path} cannot be read: {error.strerror}") from error
        except ET.ParseError as error:
            raise ProjectError(f"{path} is no XML: {error}") from error
        config = root.find("config")
        if config is None or not _text(config, "db_name"):
            raise ProjectError(f"{path} names no database: it is not the configuration of a BOINC project")
        return cls._read(folder, config, root)

    @classmethod
    def _read(cls, folder: Path, config: ET.Element, root: ET.Element) -> ServerHome:
        def place(entry: str, name: str) -> Path:
            return Path(_text(config, entry) or folder / name)

        host = _text(config, "host")
        fanout = _text(config, "uldl_dir_fanout")
        return cls(
            folder=folder,
            host=host,
            master_url=_text(config, "master_url"),
            download_url=_text(config, "download_url").rstrip("/"),
            database=DatabaseAccess(
                name=_text(config, "db_name"),
                user=_text(config, "db_user"),
                password=_text(config, "db_passwd"),
                host=_text(config, "db_host"),
            ),
            download_dir=place("download_dir", "download"),
            upload_dir=place("upload_dir", "upload"),
            app_dir=place("app_dir", "apps"),
            key_dir=place("key_dir", "keys"),
            log_dir=place("log_dir", f"log_{host}"),
            fanout=int(fanout) if fanout.isdecimal() and int(fanout) else FANOUT,
            daemons=tuple(_text(each, "cmd") for each in root.iterfind("daemons/daemon")),
        )

    def in_download(self, name: str) -> Path:
        """Where clients get the input file of this name."""
        return self.download_dir / self._spread(name) / name

    def url_of(self, name: str) -> str:
        """The URL of an input file."""
        return f"{self.download_url}/{self._spread(name)}/{name}"

    def in_upload(self, name: str) -> Path:
        """Where an output file of this name comes in."""
        return self.upload_dir / self._spread(name) / name

    def _spread(self, name: str) -> str:
        # BOINC's dir_hier_path: 7 hexadecimal digits of the name's MD5, modulo the fanout.
        digits = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()[1:8]
        return f"{int(digits, 16) % self.fanout:x}"

    @property
    def task_dir(self) -> Path:
        """The folder that pymw_setup gave to pymw_assimilator. Raises ProjectError if it has none."""
        for command in self.daemons:
            words = _words(command)
            if words and Path(words[0]).name == ASSIMILATOR:
                for flag, value in pairwise([*words, ""]):
                    found = _TASK_DIR.fullmatch(flag)
                    if found and (place := found[1] or value):
                        return Path(place)
        raise ProjectError(
            f"the project {self.folder} has no {ASSIMILATOR}: run pymw_setup -p TASK_DIR "
            f"--project-home {self.folder}, on the server, first"
        )

    @property
    def facts(self) -> Path:
        """The file that tells the public what pymw_setup has installed (facts.py)."""
        return self.folder / "html" / "user" / "pymw.json"


def _text(element: ET.Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:  # a quote without its end: not one of ours
        return []
