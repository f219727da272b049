"""The launchers' sources: what stands in two of them is the same, and runs in the oldest Python."""

import re
import subprocess
import sys
from pathlib import Path

from pymw_packager import programs

ZIG = [sys.executable, "-m", "ziglang"]
PROBE = (programs.SOURCES / "probe.zig").read_text()
START = (programs.SOURCES / "start.zig").read_text()
SCRIPT = (programs.SOURCES / programs.SCRIPT).read_text()
DOCUMENT = Path(__file__).parents[2] / "docs" / "launcher.md"


def question() -> str:
    """The code by which the native launcher asks a Python what it is."""
    return "".join(line + "\n" for line in re.findall(r"^ +\\\\(.*)$", PROBE, re.MULTILINE))


def bootstrap() -> str:
    """The code by which it starts the worker."""
    found = re.search(r'bootstrap = "(.*)";$', START, re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_script_asks_a_python_what_the_native_launcher_asks() -> None:
    assert question().startswith("import sys\n")
    assert f"question='\n{question()}'\n" in SCRIPT


def test_the_worker_is_started_as_documented_by_both_launchers() -> None:
    assert f'exec "$python" -E -c \'{bootstrap()}\' "$archive" "$@"' in SCRIPT
    assert f"PYTHON -E -c '{bootstrap()}' ARCHIVE ARG" in DOCUMENT.read_text(encoding="utf-8")


def test_what_python_is_given_to_run_is_python_2_5(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(question() + bootstrap() + "\n")
    vermin = Path(sys.executable).with_name("vermin")
    command = [str(vermin), "--no-tips", "-t=2.5-", "-t=3.0-", str(tmp_path / "code.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_tests_within_the_sources_pass(tmp_path: Path) -> None:
    command = [*ZIG, "test", "tests.zig", "--cache-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=programs.SOURCES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "tests passed" in done.stderr


def test_the_sources_are_formatted() -> None:
    command = [*ZIG, "fmt", "--check", *map(str, sorted(programs.SOURCES.rglob("*.zig")))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
