"""The windows_intelx86 package on a 32-bit Windows: which Python it takes, and what reaches it."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.bench.packages import Packages, log_facts, value_in
from tests.bench.wine import Wine
from tests.client import jobs
from tests.windows.volunteer import Windows


@pytest.fixture
def windows(wine: Wine, windows_python: Path, packages: Packages) -> Windows:
    return Windows(wine, windows_python, packages.get("windows_intelx86"))


def executable(windows: Windows, path: str = "") -> str:
    """Run a task and return which Python ran it."""
    seen = windows.play("run", jobs.where, path=path)
    assert seen == {"exit": 0}, windows.stderr()
    return str(value_in(windows.project / "pymw_result"))


@pytest.mark.fault("no Python on the machine")
def test_without_a_python_the_payload_is_unpacked_and_used(windows: Windows) -> None:
    used = executable(windows)
    (runtime,) = [path for path in windows.project.glob("pymw_runtime_*") if path.is_dir()]
    assert used == windows.wine.path(runtime / "python.exe")
    assert "Windows" in log_facts(windows.project / "pymw_log")["platform"]


def test_a_lean_package_runs_a_task_and_says_what_it_lacks(
    wine: Wine, windows_python: Path, packages: Packages
) -> None:
    windows = Windows(wine, windows_python, packages.get("windows_intelx86", lean=True))
    assert windows.play("run", jobs.encrypt) == {"exit": 0}, windows.stderr()
    executable, digest, error = value_in(windows.project / "pymw_result")
    assert "pymw_runtime_" in executable
    assert digest.startswith("e3b0c442")
    assert error.startswith("the lean Python of this app version has no ssl; build it without --lean")


def test_a_python_in_c_python25_is_found_and_the_payload_left_packed(windows: Windows) -> None:
    python = windows.install_python(windows.wine.c / "Python25")
    assert executable(windows).lower() == python.lower()
    assert list(windows.project.glob("pymw_runtime_*")) == []


@pytest.mark.parametrize("hive", ["HKCU", "HKLM"])
def test_a_python_in_the_registry_is_preferred_to_c_python25(windows: Windows, hive: str) -> None:
    windows.install_python(windows.wine.c / "Python25")
    python = windows.install_python(windows.wine.c / "somewhere else")
    key = f"{hive}\\Software\\Python\\PythonCore\\3.11-32\\InstallPath"
    windows.wine.set_registry(key, "", "C:\\somewhere else\\")
    assert executable(windows).lower() == python.lower()


def test_a_python_in_path_is_preferred_to_the_registry_s(windows: Windows) -> None:
    windows.install_python(windows.wine.c / "registered")
    key = "HKCU\\Software\\Python\\PythonCore\\3.11-32\\InstallPath"
    windows.wine.set_registry(key, "", "C:\\registered\\")
    python = windows.install_python(windows.wine.c / "in path")
    assert executable(windows, "C:\\in path").lower() == python.lower()


def test_arguments_arrive_unchanged(windows: Windows) -> None:
    hard = [
        "plain",
        "two words",
        "",
        'a "quoted" word',
        "C:\\folder\\",
        "C:\\a folder\\",
        'back\\slash\\"quote',
        "gr\u00fcn \u03b1\u03b2 \u65e5\u672c",
        "%PATH% ^ & | < >",
    ]
    (worker,) = windows.project.glob("pymw_worker_*.zip")
    spy = "import json, sys\ndef main():\n    json.dump(sys.argv[1:], open('seen.json', 'w'))\n"
    with zipfile.ZipFile(worker, "w") as archive:
        archive.writestr("pymw_worker/__init__.py", "")
        archive.writestr("pymw_worker/__main__.py", spy)
    windows.install_python(windows.wine.c / "Python25")
    call = "sys.exit(subprocess.call(json.load(open('call.json', encoding='utf-8'))))"
    (windows.bench / "call.py").write_text(f"import json, subprocess, sys\n{call}\n")
    (windows.bench / "call.json").write_text(json.dumps([windows.launcher, "--", *hard]), encoding="utf-8")
    done = windows.bench_python("call.py")
    assert done.returncode == 0, done.stderr
    assert json.loads((windows.bench / "seen.json").read_text()) == hard


@pytest.mark.fault("one bit of the payload flipped")
def test_a_damaged_payload_is_refused_in_one_sentence(windows: Windows) -> None:
    (payload,) = windows.project.glob("*.tar.zst")
    content = bytearray(payload.read_bytes())
    content[len(content) // 2] ^= 1
    payload.write_bytes(content)
    assert windows.play("run", jobs.where) == {"exit": 206}
    assert payload.name in windows.stderr()
    assert [path.name for path in windows.project.glob("pymw_runtime_*") if path.is_dir()] == []
