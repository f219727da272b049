"""`version.xml`: tells BOINC's update_versions which files make up an app version.

Its elements are those of BOINC's app version folders (checked with a stock project of BOINC 8.3.0).

* No logical names and no `copy_file`: the launcher finds its files under their physical names beside
  itself, in the client's project folder, so that nothing is copied into the slot of each job.
* `api_version` must be there: without one, update_versions searches the main program for it, finds none in
  a script, and Unix clients fall back to System V shared memory, which the worker does not speak.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from pymw_packager.errors import FormatError
from pymw_packager.files import read_text

API_VERSION = "7.20.0"


@dataclass(frozen=True)
class VersionXml:
    """What a version.xml says.

    Attributes:
        main_program: physical name of the file that the client starts.
        others: physical names of the other files, in order.
        api_version: the version of BOINC's API that the main program speaks; empty if the file says none.
    """

    main_program: str
    others: tuple[str, ...]
    api_version: str = API_VERSION

    @property
    def files(self) -> tuple[str, ...]:
        """Physical names of all files."""
        return (self.main_program, *self.others)

    def text(self) -> str:
        """Return the file's text."""
        lines = ["<version>", f"    <api_version>{self.api_version}</api_version>"]
        for name in self.files:
            main = "        <main_program/>" if name == self.main_program else None
            physical = f"        <physical_name>{name}</physical_name>"
            lines += [line for line in ("    <file>", physical, main, "    </file>") if line]
        return "\n".join([*lines, "</version>", ""])


def read(path: Path) -> VersionXml:
    """Return what the file says.

    Raises:
        FormatError: it is no XML, or does not name exactly one main program, or a name leads elsewhere.
        StorageError: the file cannot be read.
    """
    text = read_text(path)
    if "<!" in text:
        raise FormatError(f"{path} holds declarations or comments, which BOINC does not write or need.")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise FormatError(f"{path} is not XML: {error}.") from error
    main: list[str] = []
    others: list[str] = []
    for file in root.iter("file"):
        name = (file.findtext("physical_name") or "").strip()
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", name):
            raise FormatError(f"{path} lists a file with the unusable name {name!r}.")
        (others if file.find("main_program") is None else main).append(name)
    if len(main) != 1:
        raise FormatError(f"{path} marks {len(main)} files as the main program, where BOINC wants one.")
    return VersionXml(main[0], tuple(others), (root.findtext("api_version") or "").strip())
