"""The command line: what it prints, and how it ends."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pymw_platforms import all_platforms

COMMAND = [sys.executable, "-m", "pymw_packager.cli"]
LINUX = ["--platform", "x86_64-pc-linux-gnu", "--interpreter", "none"]


def run(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, **options)  # type: ignore[call-overload,no-any-return]


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on stderr of a command that could not be done."""
    assert (done.returncode, done.stdout) == (2, ""), done
    (line,) = done.stderr.splitlines()
    assert line.startswith("pymw-package: ")
    assert line.endswith((".", "?"))
    return line


def test_the_help_shows_every_option_with_examples() -> None:
    text = run("--help").stdout
    options = "platform all list check output app-version json"
    options += " interpreter python-version prefer requirement package"
    assert all(f"--{option}" in text for option in options.split())
    assert "examples:" in text
    assert max(map(len, text.splitlines())) <= 110


def test_list_shows_every_platform_and_who_accepts_it() -> None:
    text = " ".join(run("--list").stdout.split())
    assert all(platform.name in text for platform in all_platforms())
    facts = json.loads(run("--list", "--json").stdout)
    assert [each["platform"] for each in facts] == [platform.name for platform in all_platforms()]
    assert all(each["accepted_by"] and each["launcher"] for each in facts)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "name one of --platform, --all, --list and --check"),
        (["--list", "--all"], "name one of --platform"),
        (["--platform", "windows_intel86"], "did you mean windows_intelx86"),
        ([*LINUX, "--app-version", "1.4.2"], "MAJOR.MINOR"),
        ([*LINUX, "--prefer", "mine"], "invalid choice: 'mine'"),
        ([*LINUX, "--requirement", "absent.txt"], "--requirement absent.txt: there is no such file"),
        ([*LINUX, "--package", "numpy"], "no Python comes along for x86_64-pc-linux-gnu"),
        ([*LINUX, "--frob"], "unrecognized arguments: --frob"),
        ([*LINUX, "--output", "/dev/null"], "/dev/null/pymw cannot be written: Not a directory"),
        (["--check", "absent"], "absent is no folder"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(arguments: list[str], text: str, tmp_path: Path) -> None:
    assert text in sentence(run(*arguments, cwd=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_build_reports_each_file_and_the_download(tmp_path: Path) -> None:
    done = run(*LINUX, "--app-version", "1.4", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "pymw" / "1.04" / "x86_64-pc-linux-gnu"
    for path in folder.iterdir():
        if path.name != "version.xml":
            assert path.name in done.stdout
            assert f"{path.stat().st_size:,}" in done.stdout
    assert "a volunteer with Linux, 64-bit x86 downloads" in done.stdout
    assert run("--check", tmp_path).returncode == 0


def test_json_says_the_same(tmp_path: Path) -> None:
    done = run(*LINUX, "--app-version", "1.04", "--output", tmp_path, "--json")
    facts = json.loads(done.stdout)
    (built,) = facts["app_versions"]
    assert facts["errors"] == []
    assert (built["version"], built["version_num"], built["python"]) == ("1.04", 104, None)
    assert built["download"] == sum(file["size"] for file in built["files"])
    (verdict,) = json.loads(run("--check", tmp_path, "--json").stdout)
    hashes = {file["name"]: file["sha256"] for file in verdict["files"]}
    assert {file["name"]: file["sha256"] for file in built["files"]}.items() <= hashes.items()
    assert verdict["faults"] == []


def test_check_ends_with_1_and_a_line_for_each_fault(tmp_path: Path) -> None:
    run(*LINUX, "--output", tmp_path)
    folder = tmp_path / "pymw" / "1.00" / "x86_64-pc-linux-gnu"
    (folder / "stray").write_text("")
    (folder / "pymw_1.00_x86_64-pc-linux-gnu").chmod(0o644)
    done = run("--check", tmp_path)
    assert done.returncode == 1
    assert sorted(done.stderr.splitlines()) == [
        "pymw-package: 1.00/x86_64-pc-linux-gnu: pymw_1.00_x86_64-pc-linux-gnu has no execute permission.",
        "pymw-package: 1.00/x86_64-pc-linux-gnu: stray is not listed in version.xml, "
        "so that no volunteer would get it.",
    ]


def test_a_platform_that_fails_leaves_the_others(tmp_path: Path) -> None:
    taken = tmp_path / "pymw" / "1.00" / "x86_64-pc-linux-gnu"
    taken.mkdir(parents=True)
    (taken / "mine").write_text("keep")
    done = run(*LINUX, "--platform", "i686-apple-darwin", "--output", tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("pymw-package: x86_64-pc-linux-gnu: ")
    assert "give a higher --app-version" in line
    assert [path.name for path in taken.iterdir()] == ["mine"]
    assert "a volunteer with macOS, 32-bit x86 downloads" in done.stdout
    assert run("--check", tmp_path / "pymw" / "1.00" / "i686-apple-darwin").returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="no such limit on Windows")
def test_a_file_that_cannot_grow_leaves_nothing(tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    output = tmp_path / "output"
    assert "cannot be written: File too large" in sentence(run(*LINUX, "--output", output, preexec_fn=limit))
    assert not output.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")
@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_leaves_nothing(which: signal.Signals, tmp_path: Path) -> None:
    output = tmp_path / "output"
    command = [*COMMAND, "--platform", "windows_intelx86", "--output", str(output)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not list(output.glob("pymw/.*/app_version")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(which)
        printed, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert printed == ""
    assert told.splitlines()[-1] == "pymw-package: interrupted; nothing half-written is left."
    assert "Traceback" not in told
    assert not output.exists()
