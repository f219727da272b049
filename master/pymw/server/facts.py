"""What pymw_setup has installed in a project, for whoever submits: `html/user/pymw.json`.

It is public (URL/pymw.json), so that a program on another computer, which holds the task key, knows whose
signature volunteers ask for. It is written by pymw_setup alone.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from pymw_worker import durable

from pymw.errors import ProjectError

FORMAT = 1
_KEY = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Facts:
    """What a project offers.

    app: name of the application. task_keys: public keys whose tasks volunteers run, 64 hexadecimal digits
    each; none: they run unsigned tasks. min_quorum: equal results that a task needs if its program says
    nothing else.
    """

    app: str
    task_keys: tuple[str, ...]
    min_quorum: int

    def text(self) -> str:
        """What the file says."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n"

    def write(self, path: Path) -> None:
        """Write the file. Raises ProjectError."""
        try:
            durable.write_bytes(str(path), self.text().encode("ascii"))
            path.chmod(0o644)
        except OSError as error:
            raise ProjectError(f"{path} cannot be written: {error.strerror}") from error


def read(path: Path) -> Facts:
    """The facts in a file. Raises ProjectError."""
    try:
        return parse(path.read_bytes())
    except FileNotFoundError as error:
        raise ProjectError(f"there is no {path}: run pymw_setup in this project first") from error
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ProjectError(f"{path} {error}: run pymw_setup --upgrade again") from error


def parse(data: bytes) -> Facts:
    """The facts in these bytes. Raises ValueError, with what is wrong with them."""
    try:
        found = json.loads(data)
    except RecursionError as error:
        raise ValueError("is no JSON that anybody has written") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError("is of another version of PyMW")
    app, keys, quorum = (found.get(name) for name in ("app", "task_keys", "min_quorum"))
    if not isinstance(app, str) or not re.fullmatch(r"\w{1,64}", app, re.ASCII):
        raise ValueError("names no application")
    if not isinstance(keys, list) or not all(isinstance(key, str) and _KEY.fullmatch(key) for key in keys):
        raise ValueError("holds something else than keys")
    if not isinstance(quorum, int) or isinstance(quorum, bool) or not 1 <= quorum <= 100:
        raise ValueError("asks for an impossible quorum")
    return Facts(app, tuple(keys), quorum)
