"""The windows_intelx86 package on a 32-bit Windows: which Python it takes, and how it obeys a client."""

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


@pytest.mark.fault("suspended and resumed")
def test_suspend_and_resume_reach_the_task(windows: Windows) -> None:
    seen = windows.play("suspend_and_resume", jobs.count, 60, 0.1)
    assert seen["obeyed"] < 1
    assert seen["silent"]
    assert 0 < seen["before"] <= seen["after"] < 1
    assert seen["exit"] == 0, windows.stderr()
    assert value_in(windows.project / "pymw_result") == sum(range(60))


@pytest.mark.fault("quit, and resumed from a checkpoint", "quit while the task runs")
def test_a_task_that_quit_goes_on_from_its_checkpoint(windows: Windows) -> None:
    seen = windows.play("quit_and_start_again", jobs.count_with_checkpoints, 20, 0.2)
    assert seen == {"quit": 0, "finish file": "", "exit": 0}, windows.stderr()
    done, starts = value_in(windows.project / "pymw_result")
    assert done == sum(range(20))
    assert len(starts) == 2 and 0 == starts[0] < starts[1]


@pytest.mark.fault("aborted")
def test_an_aborted_task_ends_with_all_its_processes(windows: Windows) -> None:
    assert windows.play("abort", jobs.count, 1000, 0.1) == {"exit": 194, "left": []}


@pytest.mark.fault("kill -9 of the launcher")
def test_no_process_outlives_a_launcher_that_is_killed(windows: Windows) -> None:
    seen = windows.play("kill_the_launcher", jobs.count, 1000, 0.1)
    assert len(seen["running"]) >= 2, "the worker's two processes"
    assert seen["left"] == []


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


@pytest.mark.fault("exits with another status")
def test_a_task_whose_process_dies_is_an_error_with_its_reason_in_stderr(windows: Windows) -> None:
    windows.install_python(windows.wine.c / "Python25")
    assert windows.play("run", jobs.vanish, 7) == {"exit": 195}
    assert "exit status 7" in windows.stderr()
