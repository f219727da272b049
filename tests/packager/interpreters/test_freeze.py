"""The Python that runs the tests, frozen for this host."""

import subprocess
import sys
from pathlib import Path

import pymw_platforms
import pytest
from pymw_packager import interpreters
from pymw_packager.errors import InterpreterError
from pymw_packager.interpreters import Runtime

from tests.packager.interpreters import probing

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def run(argv: list[str | Path], text: str = "", **more: str) -> "subprocess.CompletedProcess[str]":
    environment = {**ENVIRONMENT, **more}
    return subprocess.run(
        argv, input=text, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_it_is_a_whole_python(frozen_runtime: Runtime, tmp_path: Path) -> None:
    folder = probing.copy(frozen_runtime, tmp_path)
    python = str(folder / frozen_runtime.executable)
    bits = 64 if sys.maxsize > 2**32 else 32
    facts = probing.check(
        lambda argv: run(list(argv)),
        python,
        str(tmp_path / "probe.py"),
        frozen_runtime,
        system="linux",
        bits=bits,
    )
    assert facts["path"][0] == str(tmp_path)
    assert all(path.startswith(str(folder)) for path in facts["path"][1:])
    assert not [path for path in folder.rglob("*") if path.is_symlink()]


def test_it_starts_the_worker_as_the_launcher_does(frozen_runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "pymw_example.py").write_text("import sys; print(__name__, sys.argv)")
    code = "import sys;sys.path[0]=sys.argv.pop(1);import pymw_example"
    python = frozen_runtime.folder / frozen_runtime.executable
    done = run([python, "-E", "-c", code, tmp_path, "two words", "-x"])
    assert (done.stdout, done.stderr) == ("pymw_example ['-c', 'two words', '-x']\n", "")


@pytest.mark.parametrize(
    ("arguments", "text", "printed"),
    [
        (["-m", "json.tool", "--compact"], "[1, 2]", "[1,2]\n"),
        (["-"], "import sys; print(sys.argv)", "['-']\n"),
        ([], "print(__name__)", "__main__\n"),
        (["-uBs", "-W", "ignore", "-Xutf8", "-c", "print(6 * 7)"], "", "42\n"),
        (["--version"], "", f"Python {sys.version.split()[0]}\n"),
    ],
)
def test_it_takes_the_arguments_of_python(
    frozen_runtime: Runtime, arguments: list[str | Path], text: str, printed: str
) -> None:
    done = run([frozen_runtime.folder / frozen_runtime.executable, *arguments], text)
    assert (done.stdout, done.stderr) == (printed, "")


def test_its_exit_status_is_the_programs(frozen_runtime: Runtime) -> None:
    python = frozen_runtime.folder / frozen_runtime.executable
    assert run([python, "-c", "raise SystemExit(206)"]).returncode == 206
    assert run([python, "-c", "1/0"]).returncode == 1


def test_other_programs_see_the_volunteers_libraries(frozen_runtime: Runtime) -> None:
    python = frozen_runtime.folder / frozen_runtime.executable
    code = "import os; print({n: v for n, v in os.environ.items() if n.startswith(('LD_', '_PYI'))})"
    assert run([python, "-c", code]).stdout == "{}\n"
    assert run([python, "-c", code], LD_LIBRARY_PATH="/opt/x").stdout == "{'LD_LIBRARY_PATH': '/opt/x'}\n"


def test_strings_hash_alike_on_every_volunteer(frozen_runtime: Runtime) -> None:
    command = ["-c", "print(hash('pymw'))"]
    found = {run([frozen_runtime.folder / frozen_runtime.executable, *command]).stdout for _ in range(2)}
    assert found == {run([sys.executable, *command], PYTHONHASHSEED="0").stdout}


@pytest.mark.parametrize(("name", "version"), [("windows_intelx86", None), ("this host", "3.2")])
def test_only_the_running_python_can_be_frozen(name: str, version: str | None, tmp_path: Path) -> None:
    platform = pymw_platforms.this_host() if name == "this host" else pymw_platforms.load(name)
    assert platform is not None
    with pytest.raises(InterpreterError, match=r"; (run|use) .*\.$"):
        interpreters.build(platform, "freeze", version, [], tmp_path / "runtime", lambda step: None)
    assert list(tmp_path.iterdir()) == []
