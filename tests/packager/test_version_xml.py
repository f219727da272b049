"""version.xml, for BOINC's update_versions."""

from pathlib import Path

import pytest
from pymw_packager.errors import FormatError
from pymw_packager.version_xml import VersionXml, read

GOOD = VersionXml(
    "pymw_1.04_windows_intelx86.exe", ("pymw_1.04_windows_intelx86.conf", "pymw_worker_3f2a.zip")
)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "version.xml"
    path.write_text(GOOD.text())
    assert read(path) == GOOD


def test_the_file_is_as_update_versions_wants_it() -> None:
    assert GOOD.text() == (
        "<version>\n"
        "    <api_version>7.20.0</api_version>\n"
        "    <file>\n"
        "        <physical_name>pymw_1.04_windows_intelx86.exe</physical_name>\n"
        "        <main_program/>\n"
        "    </file>\n"
        "    <file>\n"
        "        <physical_name>pymw_1.04_windows_intelx86.conf</physical_name>\n"
        "    </file>\n"
        "    <file>\n"
        "        <physical_name>pymw_worker_3f2a.zip</physical_name>\n"
        "    </file>\n"
        "</version>\n"
    )


def test_a_missing_api_version_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "version.xml"
    path.write_text(GOOD.text().replace("    <api_version>7.20.0</api_version>\n", ""))
    assert read(path).api_version == ""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("</version>", "", "is not XML"),
        ("        <main_program/>\n", "", "marks 0 files as the main program"),
        (".conf</physical_name>", ".conf</physical_name><main_program/>", "marks 2 files"),
        ("pymw_worker_3f2a.zip", "../pymw_worker.zip", "unusable name '../pymw_worker.zip'"),
        ("<physical_name>pymw_worker_3f2a.zip</physical_name>", "", "unusable name ''"),
        ("<version>", "<!DOCTYPE version [<!ENTITY a 'b'>]><version>", "holds declarations"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(old: str, new: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "version.xml"
    assert old in GOOD.text()
    path.write_text(GOOD.text().replace(old, new, 1))
    with pytest.raises(FormatError, match=message):
        read(path)
