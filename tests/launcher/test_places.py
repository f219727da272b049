"""Where the embedded Python is unpacked, and what happens where that cannot be."""

import os
from pathlib import Path

import pytest

from tests.bench.chroot import as_root, can_be_root
from tests.bench.require import require
from tests.launcher.application import Application
from tests.launcher.embedded import VERSION, age, is_whole, leftovers, started_from


def test_by_hand_it_is_unpacked_into_the_user_s_cache(embedded: Application) -> None:
    (embedded.slot / "init_data.xml").unlink()
    embedded.run()
    cache = embedded.home / ".cache" / "pymw"
    assert started_from(embedded, embedded.runtime(cache))
    embedded.run(environment={"XDG_CACHE_HOME": str(embedded.root / "other")})
    assert started_from(embedded, embedded.runtime(embedded.root / "other" / "pymw"))
    embedded.run(environment={"XDG_CACHE_HOME": "relative", "HOME": ""})
    private = embedded.temporary / f"pymw-{os.getuid()}"
    assert started_from(embedded, embedded.runtime(private))
    assert private.stat().st_mode & 0o077 == 0


def mounted(*commands: str) -> list[str]:
    """Return what runs a command after these, in a mount space of its own."""
    require(can_be_root(), "root, or a sudo that asks for no password, and private mounts")
    return [*as_root(), "unshare", "--mount", "sh", "-ec", "\n".join([*commands, 'exec "$@"']), "sh"]


def read_only(folder: Path) -> str:
    """Return the command that makes a folder read-only, for root as well."""
    return f"mount --bind '{folder}' '{folder}' && mount -o remount,ro,bind '{folder}'"


@pytest.mark.fault("the folder for the runtime is read-only")
def test_a_read_only_project_folder_gives_way_to_the_user_s_cache(embedded: Application) -> None:
    done = embedded.run(before=mounted(read_only(embedded.project)))
    assert started_from(embedded, embedded.runtime(embedded.home / ".cache" / "pymw")), done.stderr


@pytest.mark.fault("the folder for the runtime is read-only")
def test_a_runtime_in_a_folder_that_has_become_read_only_is_used_as_long_as_it_is_believed(
    embedded: Application,
) -> None:
    embedded.run()
    before = mounted(read_only(embedded.project))
    assert embedded.run(before=before).stderr == ""
    assert embedded.started() is not None
    age(embedded.runtime() / ".pymw_complete", 7200)
    for said in ("unpacked ", ""):
        done = embedded.run(before=before)
        assert said in done.stderr and bool(said) == bool(done.stderr)
        assert started_from(embedded, embedded.runtime(embedded.home / ".cache" / "pymw")), done.stderr


@pytest.mark.fault("the folder for the runtime is read-only")
def test_with_no_place_to_unpack_the_job_is_postponed_under_a_client(embedded: Application) -> None:
    everywhere = [read_only(folder) for folder in (embedded.project, embedded.home, embedded.temporary)]
    done = embedded.run("--python", VERSION, before=mounted(*everywhere))
    assert done.returncode == 0
    assert embedded.started() is None
    assert_postponed(embedded, str(embedded.project), "Read-only file system")


def assert_postponed(application: Application, *parts: str) -> None:
    """Check the file that tells a client to try again later."""
    seconds, reason, *rest = (application.slot / "boinc_temporary_exit").read_text().split("\n")
    assert 0 < int(seconds) <= 86_400
    assert reason.startswith(f"failed to unpack {application.settings['payload'].name}: ")
    assert all(part in reason for part in parts)
    assert rest == [""]
    assert leftovers(application.project) == []


@pytest.mark.fault("the disk is full while the runtime is unpacked")
def test_a_full_disk_postpones_the_job_under_a_client_and_is_an_error_by_hand(embedded: Application) -> None:
    full = [f"mount -t tmpfs -o size=300k none '{folder}'" for folder in (embedded.home, embedded.temporary)]
    before = mounted(read_only(embedded.project), *full)
    done = embedded.run("--python", VERSION, before=before)
    assert done.returncode == 0, done.stderr
    assert_postponed(embedded, "has less than 2 MB free")
    for name in ("boinc_temporary_exit", "init_data.xml"):
        (embedded.slot / name).unlink()
    done = embedded.run("--python", VERSION, before=before)
    assert done.returncode == 206
    assert "has less than 2 MB free" in done.stderr.splitlines()[-1]
    assert not (embedded.slot / "boinc_temporary_exit").exists()


@pytest.mark.fault("the disk is full while the runtime is unpacked")
def test_a_disk_that_fills_up_while_unpacking_leaves_nothing(embedded: Application) -> None:
    # The configuration promises less than there is, as if another program took the space meanwhile.
    entry = embedded.settings["payload"]
    embedded.settings["payload"] = type(entry)(**{**vars(entry), "size": 1000})
    embedded.configure()
    small = f"mount -t tmpfs -o size=300k none '{embedded.home}'"
    ending = f"find '{embedded.home}' -name '*.tmp' | grep . && exit 9"
    before = mounted(read_only(embedded.project), small)
    keep = ["sh", "-c", f'"$@"; status=$?; {ending}; exit $status', "sh"]
    done = embedded.run(before=[*before, *keep])
    assert done.returncode == 0, done.stderr
    assert started_from(embedded, embedded.runtime(embedded.temporary / f"pymw-{os.getuid()}")), done.stderr


def test_a_runtime_that_another_user_has_planted_is_not_used(embedded: Application) -> None:
    require(os.getuid() == 0, "root, to make another user's folder")
    (embedded.slot / "init_data.xml").unlink()
    planted = embedded.temporary / f"pymw-{os.getuid()}"
    embedded.run(environment={"HOME": ""})
    assert is_whole(embedded.runtime(planted))
    os.chown(planted, 65534, 65534)
    done = embedded.run("--python", VERSION, environment={"HOME": ""})
    assert done.returncode == 206
    assert f"{planted} belongs to another user" in done.stderr
    assert embedded.started() is None
