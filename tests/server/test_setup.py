"""pymw_setup on a project whose tools behave as the real ones were measured to, with a real database."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

from pymw import key_files
from pymw.server import facts
from pymw.server.setup.wanted import DEFAULT_PLATFORMS
from pymw.server.task_folder import TaskFolder
from pymw_packager import launcher_config
from pymw_packager.launcher_config import LauncherConfig

from tests.server.made_project import QUICK, MadeProject


def config_of(project: MadeProject, version: str, platform: str) -> LauncherConfig:
    folder = project.folder / "apps" / "pymw" / version / platform
    return launcher_config.read(next(folder.glob("*.conf")))


def test_a_fresh_project_gets_everything(made_project: MadeProject, key: Path, tmp_path: Path) -> None:
    config, project = made_project.folder / "config.xml", made_project.folder / "project.xml"
    before = {path: path.read_bytes() for path in (config, project)}
    config.chmod(0o640)
    said = made_project.setup("-p", tmp_path / "tasks", "--key", key, *QUICK, cwd=made_project.folder / "bin")
    for path in (config, project):
        backup = path.with_name(path.name + ".pymw-backup")
        assert backup.read_bytes() == before[path] != path.read_bytes()
        assert stat.S_IMODE(backup.stat().st_mode) == stat.S_IMODE(path.stat().st_mode)
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    assert made_project.home.task_dir == tmp_path / "tasks"
    assert "sample_trivial_validator -d 3 --app pymw --sleep_interval 1" in made_project.home.daemons
    rows = made_project.versions()
    assert rows.keys() == {(100, platform) for platform in DEFAULT_PLATFORMS}
    public = key_files.read_public(key).public.hex()
    for platform in DEFAULT_PLATFORMS:
        assert config_of(made_project, "1.00", platform).trust == (public,)
        assert f"{platform} added with ID {rows[100, platform]}" in said
    assert facts.read(made_project.home.facts) == facts.Facts("pymw", (public,), 1)
    assert stat.S_IMODE(made_project.home.facts.stat().st_mode) == 0o644
    assert said.splitlines()[-1].startswith("done; start the daemons with bin/start")


def test_a_dry_run_names_each_step_and_changes_nothing(
    made_project: MadeProject, key: Path, tmp_path: Path
) -> None:
    before = made_project.fingerprint()
    said = made_project.setup("-p", tmp_path / "tasks", "--key", key, "--dry-run", "--all", "--restart")
    assert made_project.fingerprint() == before
    assert not (tmp_path / "tasks").exists()
    assert made_project.database.rows("SELECT id FROM app") == []
    steps = said.splitlines()[1:]
    assert [line.split(".")[0].strip() for line in steps] == [str(n) for n in range(1, len(steps) + 1)]
    for words in ("pymw_assimilator is new", "application pymw is new", "windows_arm64", "xadd", "bin/start"):
        assert words in said


def test_called_again_it_changes_the_folder_alone(
    made_project: MadeProject, key: Path, tmp_path: Path
) -> None:
    made_project.setup("-p", tmp_path / "tasks", "--key", key, *QUICK)
    rows, before = made_project.versions(), made_project.fingerprint()
    said = made_project.setup("-p", "../other", cwd=made_project.folder / "bin")
    assert "only its daemons' settings change" in said
    assert made_project.home.task_dir == made_project.folder / "other"
    after = made_project.fingerprint()
    assert {path for path in after if before.get(path) != after[path]} == {
        "config.xml",
        "config.xml.pymw-backup-2",
        "other",
        "other/.lock",
    }
    assert made_project.versions() == rows
    said = made_project.setup("-p", tmp_path / "tasks", "--key", key, status=2)
    assert "--key is for a new version of it: add --upgrade" in said
    said = made_project.setup("-p", made_project.folder / "other", "--quorum", 2)
    assert "sample_bitwise_validator in the place of sample_trivial_validator" in said
    assert facts.read(made_project.home.facts).min_quorum == 2
    assert len(facts.read(made_project.home.facts).task_keys) == 1


def test_the_folder_stays_while_programs_wait_for_results_in_it(
    made_project: MadeProject, key: Path, tmp_path: Path
) -> None:
    made_project.setup("-p", tmp_path / "tasks", "--key", key, *QUICK)
    TaskFolder(tmp_path / "tasks").create("pymw_0123456789ab")
    before = made_project.fingerprint()
    said = made_project.setup("-p", tmp_path / "other", status=2)
    assert "such as those of pymw_0123456789ab" in said
    assert made_project.fingerprint() == before
    TaskFolder(tmp_path / "tasks").remove("pymw_0123456789ab", lambda _: None)
    made_project.setup("-p", tmp_path / "other")
    assert made_project.home.task_dir == tmp_path / "other"


def test_an_upgrade_makes_the_next_version_with_the_same_keys_and_platforms(
    made_project: MadeProject, key: Path, tmp_path: Path
) -> None:
    made_project.setup(
        "-p", tmp_path / "tasks", "--key", key, "--platform", "i686-apple-darwin", "--quorum", 3, *QUICK
    )
    said = made_project.setup("--upgrade", *QUICK)
    assert "version 1.01" in said
    platforms = {*DEFAULT_PLATFORMS, "i686-apple-darwin"}
    assert made_project.versions().keys() == {(n, p) for n in (100, 101) for p in platforms}
    assert made_project.home.task_dir == tmp_path / "tasks"
    public = key_files.read_public(key).public.hex()
    assert facts.read(made_project.home.facts) == facts.Facts("pymw", (public,), 3)
    new = key_files.create(tmp_path / "bob.pem").path
    made_project.setup("--upgrade", "--app-version", "2.0", "--key", new, "--key", key, *QUICK)
    both = (key_files.read_public(new).public.hex(), public)
    assert facts.read(made_project.home.facts).task_keys == both
    made_project.setup("--upgrade", "--revoked", key, *QUICK)
    assert facts.read(made_project.home.facts).task_keys == both[:1]
    assert config_of(made_project, "2.01", "windows_intelx86").revoked == (key_files.read_public(key).id,)
    said = made_project.setup("--upgrade", "--app-version", "2.01", *QUICK, status=2)
    assert "the project has version 2.01, and volunteers get the highest one: give --app-version 2.02" in said


def test_no_application_is_installed_without_a_key_by_mistake(
    made_project: MadeProject, key: Path, tmp_path: Path
) -> None:
    before = made_project.fingerprint()
    said = made_project.setup("-p", tmp_path / "tasks", status=2)
    assert "make one with `pymw keys create`" in said and said.count("\n") == 1
    said = made_project.setup("-p", tmp_path / "tasks", "--key", key, "--revoked", key, status=2)
    assert "all keys are revoked" in said
    assert made_project.fingerprint() == before
    default = key_files.create()  # in the folder that XDG_CONFIG_HOME names
    made_project.setup("-p", tmp_path / "tasks", *QUICK)
    assert facts.read(made_project.home.facts).task_keys == (default.public.hex(),)
    assert "UNSIGNED" in made_project.setup("--upgrade", "--unsigned", *QUICK)
    assert facts.read(made_project.home.facts).task_keys == ()
    assert config_of(made_project, "1.01", "windows_intelx86").trust == ()


def test_the_version_goes_on_from_what_others_have_installed(
    made_project: MadeProject, key: Path, tmp_path: Path
) -> None:
    database = made_project.database
    database.change("INSERT INTO app (id, name) VALUES (7, 'pymw')")
    database.change("INSERT INTO platform (id, name) VALUES (3, 'windows_intelx86')")
    database.change("INSERT INTO app_version (appid, platformid, version_num) VALUES (7, 3, 104)")
    assert "version 1.05" in made_project.setup("-p", tmp_path / "tasks", "--key", key, *QUICK)
    assert (105, "windows_intelx86") in made_project.versions()


def test_two_at_the_same_time_and_a_restart(made_project: MadeProject, key: Path, tmp_path: Path) -> None:
    handle = os.open(made_project.folder / "apps", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    said = made_project.setup("-p", tmp_path / "tasks", "--key", key, status=2)
    assert "another pymw_setup works on" in said
    os.close(handle)
    assert "5 daemons run" in made_project.setup("-p", tmp_path / "tasks", "--key", key, "--restart", *QUICK)
    pids = {path: path.read_text() for path in made_project.folder.glob("pid_*/*.pid")}
    assert {path.name for path in pids} >= {"pymw_assimilator.pid", "pymw_validator.pid", "feeder.pid"}
    said = made_project.setup("-p", tmp_path / "other")
    assert "with --restart, or bin/stop" in said
    assert "5 daemons run" in made_project.setup("-p", tmp_path / "tasks", "--restart")
    assert all(path.read_text() != old for path, old in pids.items())
