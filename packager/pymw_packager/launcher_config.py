"""The launcher's configuration: the text file `LAUNCHER.conf` of docs/launcher.md, written and read."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

from pymw_packager.errors import FormatError
from pymw_packager.files import read_text

FORMAT = "1"
# The oldest Python that the worker runs under, and the modules that it cannot do without.
PYTHON_MIN = "2.5"
MODULES = {"linux": ("zlib",), "macos": ("zlib",), "windows": ("zlib", "ctypes")}
Prefer = Literal["system", "embedded"]


@dataclass(frozen=True, kw_only=True)
class PayloadEntry:
    """What the launcher must know of a payload.

    Attributes:
        name: the file's.
        sha256: of the compressed file, 64 hexadecimal digits.
        size: bytes of the files unpacked.
        python: the interpreter in the unpacked runtime.
        version: its minor version, such as ``3.11``.
    """

    name: str
    sha256: str
    size: int
    python: str
    version: str


@dataclass(frozen=True, kw_only=True)
class LauncherConfig:
    """What one launcher must know.

    Attributes:
        worker: file name of the worker archive.
        python_min: oldest Python that may be used, such as ``2.5``.
        python_max: newest minor version that may be used; None: no limit.
        bits: 32 or 64; None: either.
        modules: that a found Python must have.
        prefer: ``system`` looks for a Python first, ``embedded`` unpacks the payload first.
        payload: None: there is none.
        trust: public keys that may sign tasks, 64 hexadecimal digits each; none: unsigned tasks run as well.
        revoked: ids of former keys, 16 hexadecimal digits each.
    """

    worker: str
    python_min: str
    python_max: str | None = None
    bits: int | None = None
    modules: tuple[str, ...] = ()
    prefer: Prefer = "system"
    payload: PayloadEntry | None = None
    trust: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the file's text, ASCII with LF line ends, the same for equal configurations."""
        entries = {
            "format": FORMAT,
            **asdict(self),
            **{name: ",".join(getattr(self, name)) for name in _LISTS},
        }
        payload = entries.pop("payload") or {}
        entries |= {_entry_name(field): value for field, value in payload.items()}
        return "".join(f"{name} = {value}\n" for name, value in entries.items() if value not in (None, ""))


_LISTS = ("modules", "trust", "revoked")
_VERSION = r"\d+\.\d+"
_FILE = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_ENTRIES = {
    "worker": _FILE,
    "python_min": _VERSION,
    "python_max": _VERSION,
    "bits": "32|64",
    "modules": r"\w+(,\w+)*",
    "prefer": "system|embedded",
    "trust": "[0-9a-f]{64}(,[0-9a-f]{64})*",
    "revoked": "[0-9a-f]{16}(,[0-9a-f]{16})*",
}
_PAYLOAD = {"name": _FILE, "sha256": "[0-9a-f]{64}", "size": r"\d+", "python": _FILE, "version": _VERSION}


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
        raise FormatError(f"{path.name} {error}.") from error


def _config(entries: dict[str, str]) -> LauncherConfig:
    """Return the configuration; raise ValueError with what is wrong with it."""
    if next(iter(entries), None) != "format" or entries.pop("format") != FORMAT:
        raise ValueError(f"does not begin with format = {FORMAT}; another pymw-package wrote it")
    patterns = _ENTRIES | {_entry_name(field): pattern for field, pattern in _PAYLOAD.items()}
    for name, text in entries.items():
        if name not in patterns:
            raise ValueError(f"has the unknown entry {name!r}")
        if not re.fullmatch(patterns[name], text, re.ASCII):
            raise ValueError(f"has a {name} that makes no sense: {text!r}")
    needed = {"worker", "python_min", "prefer"}
    if any(name.startswith("payload") for name in entries):
        needed |= {_entry_name(field) for field in _PAYLOAD}
    if missing := needed - entries.keys():
        raise ValueError(f"lacks the entry {min(missing)!r}")
    return LauncherConfig(
        worker=entries["worker"],
        python_min=entries["python_min"],
        python_max=entries.get("python_max"),
        bits=int(entries["bits"]) if "bits" in entries else None,
        **{name: tuple(entries[name].split(",")) for name in _LISTS if name in entries},
        prefer=cast(Prefer, entries["prefer"]),
        payload=_payload(entries) if "payload" in entries else None,
    )


def _payload(entries: dict[str, str]) -> PayloadEntry:
    """Return the entry of a payload from checked entries."""
    fields: dict[str, Any] = {field: entries[_entry_name(field)] for field in _PAYLOAD}
    fields["size"] = int(fields["size"])
    return PayloadEntry(**fields)


def _entry_name(field: str) -> str:
    """Return the file's name of a field of PayloadEntry."""
    return "payload" if field == "name" else f"payload_{field}"
