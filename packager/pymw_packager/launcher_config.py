"""The launcher's configuration: the text file `LAUNCHER.conf` of docs/launcher.md, written and read."""

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from pymw_packager.errors import FormatError
from pymw_packager.files import read_text

FORMAT = 1
Prefer = Literal["system", "embedded"]

_NUMBERS = {"format", "bits", "payload_size"}
_VERSIONS = {"python_min", "python_max", "payload_version"}
_FILES = {"worker", "payload", "payload_python"}


@dataclass(frozen=True, kw_only=True)
class LauncherConfig:
    """What one launcher must know; the fields are the names in the file, in its order.

    Attributes:
        worker: file name of the worker archive.
        python_min: oldest Python that may be used, such as ``2.5``.
        python_max: newest minor version that may be used; None: no limit.
        bits: 32 or 64; None: either.
        modules: that a found Python must have.
        prefer: ``system`` looks for a Python first, ``embedded`` unpacks the payload first.
        payload: file name of the payload; None: there is none, and the fields that follow are None, too.
        payload_sha256: of the compressed file, 64 hexadecimal digits.
        payload_size: bytes of the files unpacked.
        payload_python: the interpreter in the unpacked runtime.
        payload_version: its minor version, such as ``3.11``.
    """

    worker: str
    python_min: str
    python_max: str | None = None
    bits: int | None = None
    modules: tuple[str, ...] = ()
    prefer: Prefer
    payload: str | None = None
    payload_sha256: str | None = None
    payload_size: int | None = None
    payload_python: str | None = None
    payload_version: str | None = None

    def text(self) -> str:
        """Return the file's text, ASCII with LF line ends, the same for equal configurations."""
        lines = [f"format = {FORMAT}"]
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple):
                value = ",".join(value)
            if value not in (None, ""):
                lines.append(f"{field.name} = {value}")
        return "\n".join(lines) + "\n"


def read(path: Path) -> LauncherConfig:
    """Return the configuration that the file holds.

    Raises:
        FormatError: it is no configuration of this format.
        StorageError: the file cannot be read.
    """
    entries: dict[str, str] = {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or name in entries:
            raise FormatError(f"{path.name} line {number} is not a new `name = value`: {line!r}.")
        entries[name] = value
    try:
        return _config(entries)
    except ValueError as error:
        raise FormatError(f"{path.name}: {error}.") from error


def _config(entries: dict[str, str]) -> LauncherConfig:
    """Return the configuration; raise ValueError with what is wrong, without a full stop."""
    if next(iter(entries), None) != "format" or entries.pop("format") != str(FORMAT):
        raise ValueError(f"does not begin with format = {FORMAT}; another version of pymw-package wrote it")
    known = {field.name for field in fields(LauncherConfig)}
    if unknown := entries.keys() - known:
        raise ValueError(f"unknown name {min(unknown)!r}")
    if missing := {"worker", "python_min", "prefer"} - entries.keys():
        raise ValueError(f"lacks {min(missing)!r}")
    payload = {name for name in known if name.startswith("payload")}
    if len(payload & entries.keys()) not in (0, len(payload)):
        raise ValueError(f"has only some of the entries {', '.join(sorted(payload))}")
    values: dict[str, object] = {name: _value(name, text) for name, text in entries.items()}
    return LauncherConfig(**values)  # type: ignore[arg-type]


def _value(name: str, text: str) -> object:
    """Return the entry as its field's type; raise ValueError if it cannot be."""
    if name in _NUMBERS and text.isascii() and text.isdigit():
        return int(text)
    if name == "modules" and all(module.isidentifier() for module in text.split(",")):
        return tuple(text.split(","))
    wanted = {
        **dict.fromkeys(_VERSIONS, r"\d+\.\d+"),
        **dict.fromkeys(_FILES, r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"),
        "payload_sha256": "[0-9a-f]{64}",
        "prefer": "|".join(get_args(Prefer)),
    }
    if name not in wanted or not re.fullmatch(wanted[name], text):
        raise ValueError(f"{name} = {text!r} makes no sense")
    return text
