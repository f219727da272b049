"""What config.xml says about a project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pymw.errors import ProjectError
from pymw.server.home import ServerHome

GENERATED = """\
<?xml version="1.0" ?>
<boinc>
    <config>
        <db_name>sandbox</db_name>
        <db_user>boincadm</db_user>
        <db_passwd>a &amp; b</db_passwd>
        <db_host>
        </db_host>
        <host>vm</host>
        <!-- a comment -->
        <upload_dir>/projects/sandbox/upload</upload_dir>
        <key_dir>/projects/sandbox/keys/</key_dir>
        <log_dir>/projects/sandbox/log_vm</log_dir>
    </config>
    <tasks>
        <task><cmd>antique_file_deleter -d 2</cmd></task>
    </tasks>
    <daemons>
        <daemon>
            <cmd>
                feeder -d 3
            </cmd>
        </daemon>
        <daemon><cmd>pymw_assimilator -d 3 --app pymw -p "/data/my tasks"</cmd></daemon>
    </daemons>
</boinc>
"""


def home(tmp_path: Path, text: str = GENERATED) -> ServerHome:
    """A project with this config.xml."""
    (tmp_path / "config.xml").write_text(text, encoding="utf-8")
    return ServerHome.open(tmp_path)


def test_what_the_generated_file_says(tmp_path: Path) -> None:
    found = home(tmp_path)
    access = found.database
    assert (access.name, access.user, access.password, access.host) == ("sandbox", "boincadm", "a & b", "")
    assert "a & b" not in repr(found)
    assert found.upload_dir == Path("/projects/sandbox/upload")
    assert found.key_dir == Path("/projects/sandbox/keys")
    assert found.download_dir == tmp_path / "download"
    assert found.fanout == 1024
    assert found.daemons[0] == "feeder -d 3"
    assert found.task_dir == Path("/data/my tasks")


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("pymw_assimilator -p /t", "/t"),
        ("bin/pymw_assimilator --app pymw -p /t -d 3", "/t"),
        ("pymw_assimilator --pymw /t", "/t"),
        ("pymw_assimilator -pymw /t", "/t"),
        ("pymw_assimilator --pymw=/t", "/t"),
        ("pymw_assimilator", None),
        ("pymw_assimilator -p", None),
        ("pymw_assimilator -p 'unfinished", None),
        ("other_assimilator -p /t", None),
        ("", None),
    ],
)
def test_the_task_folder_is_what_the_assimilator_gets(
    tmp_path: Path, command: str, place: str | None
) -> None:
    found = home(tmp_path, GENERATED.replace('pymw_assimilator -d 3 --app pymw -p "/data/my tasks"', command))
    if place:
        assert found.task_dir == Path(place)
    else:
        with pytest.raises(ProjectError, match="has no pymw_assimilator: run pymw_setup -p TASK_DIR"):
            _ = found.task_dir


@pytest.mark.parametrize("fanout", ["0", "-3", "x", "", "²"])
def test_an_impossible_fanout_is_boinc_s_own(tmp_path: Path, fanout: str) -> None:
    text = GENERATED.replace("</config>", f"<uldl_dir_fanout>{fanout}</uldl_dir_fanout></config>")
    assert home(tmp_path, text).fanout == 1024


def test_files_are_where_boinc_puts_them(tmp_path: Path) -> None:
    # What dir_hier_path of a stock server says of these names.
    places = {"assim_in_1": "255", "assim_in_2": "143", "assim_in_5": "398"}
    found = home(tmp_path)
    assert {name: found.in_download(name).parent.name for name in places} == places
    assert found.in_upload("assim_in_1") == Path("/projects/sandbox/upload/255/assim_in_1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<boinc>", "is no XML"),
        ("", "is no XML"),
        ("<boinc/>", "names no database"),
        ("<boinc><config/></boinc>", "names no database"),
        ("<boinc><config><db_name> </db_name></config></boinc>", "names no database"),
    ],
)
def test_what_is_no_configuration_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ProjectError, match=words):
        home(tmp_path, text)


def test_what_is_no_project_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"is no project of the BOINC server: it has no config\.xml"):
        ServerHome.open(tmp_path)
    (tmp_path / "config.xml").mkdir()
    with pytest.raises(ProjectError, match="cannot be read: Is a directory"):
        ServerHome.open(tmp_path)


def test_who_does_not_use_a_stock_project_does_not_load_the_database_s_module() -> None:
    code = "import pymw, pymw.cli, sys; sys.exit('pymysql' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
