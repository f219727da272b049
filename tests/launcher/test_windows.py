"""The launcher on 32-bit Windows, with a real Python."""

import shutil
from pathlib import Path

import pytest

from tests.bench import soak
from tests.bench.wine import Wine
from tests.faults.plugin import Held
from tests.launcher.test_choice import NOT_THIS
from tests.launcher.windows import WindowsApplication, application_in, embed, install_python


def registered(key: str) -> str:
    """The key that PEP 514 has for an installation."""
    return f"HKCU\\Software\\Python\\PythonCore\\{key}\\InstallPath"


def test_a_python_at_c_python25_is_found_and_used(windows: WindowsApplication, runtime: Path) -> None:
    python = install_python(runtime, windows.wine.c / "Python25")
    done = windows.run("--bundle", "x")
    facts = windows.started()
    assert facts is not None, done.stderr
    assert facts["executable"] == windows.wine.path(python / "python.exe")
    assert facts["argv"] == ["-c", "--bundle", "x"]
    assert facts["folder"] == windows.wine.path(windows.slot)
    assert (done.returncode, done.stderr) == (0, "")


def test_path_comes_before_the_registry_and_that_before_install_folders(
    windows: WindowsApplication, runtime: Path
) -> None:
    wine = windows.wine
    said = wine.run(["cmd", "/c", "echo %LOCALAPPDATA%"]).stdout.strip()
    local = wine.c.joinpath(*said.split("\\")[1:])
    folders = [wine.c / "in path", wine.c / "registered", wine.c / "older", local / "Programs" / "Python"]
    in_path, new, old = (install_python(runtime, folder) for folder in folders[:3])
    install_python(runtime, folders[3] / "Python39-32")
    install_python(runtime, folders[3] / "Python310-32")
    install_python(runtime, wine.c / "Python312")
    install_python(runtime, wine.c / "Python27")
    install_python(runtime, wine.c / "Python25")
    wine.set_registry(registered("3.9-32"), "", wine.path(old) + "\\")
    wine.set_registry(registered("3.11-32"), "ExecutablePath", wine.path(new / "python.exe"))
    wine.set_registry("HKLM\\Software\\Python\\Gone\\3.99\\InstallPath", "", "C:\\gone")
    wine.set_registry("HKLM\\Software\\Python\\PyLauncher\\3.98\\InstallPath", "", wine.path(in_path))
    windows.path = [wine.path(in_path)]
    shown = windows.run("--explain").stdout
    found = [line.split("\\python.exe")[0].lower() for line in shown.splitlines() if "\\python.exe  " in line]
    below_local = wine.path(local / "Programs" / "Python").lower()
    assert found == [
        "c:\\in path",
        "c:\\registered",
        "c:\\older",
        f"{below_local}\\python310-32",
        f"{below_local}\\python39-32",
        "c:\\python312",
        "c:\\python27",
        "c:\\python25",
    ]
    assert shown.splitlines()[-1] == "choice: C:\\in path\\python.exe"


def test_with_no_python_the_payload_is_unpacked_once_and_used(
    windows: WindowsApplication, runtime: Path
) -> None:
    embed(windows, runtime)
    done = windows.run("a b")
    facts = windows.started()
    assert facts is not None, done.stderr
    assert facts["executable"] == windows.wine.path(windows.runtime() / "python.exe")
    assert "unpacked " in done.stderr
    # Wine's server ends with the last program: to programs, each run is another start of Windows.
    said = windows.drive(
        runtime, "result['said'] = [subprocess.run(command, stderr=-1).stderr for _ in range(2)]"
    )["said"]
    assert b"verified the runtime" in said[0] and said[1] == b""
    (windows.runtime() / "python.exe").unlink()
    assert "is damaged" in windows.run().stderr
    assert windows.started() is not None


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("flipped", marks=pytest.mark.fault("one bit of the payload flipped")),
        pytest.param("truncated", marks=pytest.mark.fault("the payload is truncated")),
    ],
)
def test_a_damaged_payload_is_never_unpacked(windows: WindowsApplication, runtime: Path, damage: str) -> None:
    payload = windows.add_payload({"python.exe": b"x" * 1000}, NOT_THIS, "python.exe")
    windows.configure()
    windows.under_client()
    data = bytearray(payload.read_bytes())
    data[len(data) // 2] ^= 1
    payload.write_bytes(bytes(data) if damage == "flipped" else payload.read_bytes()[:-1])
    done = windows.run("--python", NOT_THIS)
    assert done.returncode == 206
    assert "it is damaged" in done.stderr
    assert not list(windows.project.glob("pymw_runtime_*[0-9a-f]"))


ARGUMENTS = [
    *["a b", "", '"', '\\"', 'a\\\\"b', "c:\\folder\\", "c:\\a folder\\", "\\\\", "*", "%PATH%", "^&|<>"],
    *["ü", "日本語", "\U0001f600", "tab\there", "'single'", '""', "a=b;c,d"],
]


def test_every_argument_arrives_unchanged(windows: WindowsApplication, runtime: Path) -> None:
    install_python(runtime, windows.wine.c / "Python25")
    windows.run(*ARGUMENTS)
    facts = windows.started()
    assert facts is not None
    assert facts["argv"] == ["-c", *ARGUMENTS]


def test_the_exit_status_is_the_worker_s_with_all_its_bits(
    windows: WindowsApplication, runtime: Path
) -> None:
    install_python(runtime, windows.wine.c / "Python25")
    statuses = [0, 1, 195, 206, 0xC0000005, 0xC000013A]
    code = f"""
result["statuses"] = []
for status in {statuses}:
    os.environ["TEST_STATUS"] = str(status)
    result["statuses"].append(subprocess.call(command))
"""
    assert windows.drive(runtime, code)["statuses"] == statuses


@pytest.mark.soak
@pytest.mark.fault("kill -9 of the launcher")
def test_a_launcher_that_is_killed_while_it_starts_its_python_leaves_none(
    windows: WindowsApplication, runtime: Path, held: Held
) -> None:
    install_python(runtime, windows.wine.c / "Python25")
    number = soak.rounds(20, 300)
    result = windows.drive(
        runtime,
        f"""
import random
class Entry(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulong) for name in ("size", "usage", "pid")]
    _fields_ += [("heap", ctypes.c_void_p)]
    _fields_ += [(name, ctypes.c_ulong) for name in ("module", "threads", "parent", "priority", "flags")]
    _fields_ += [("name", ctypes.c_char * 260)]
def pythons():
    kernel32 = ctypes.windll.kernel32
    snapshot = kernel32.CreateToolhelp32Snapshot(2, 0)
    entry = Entry(size=ctypes.sizeof(Entry))
    found, more = set(), kernel32.Process32First(snapshot, ctypes.byref(entry))
    while more:
        if entry.name.lower() == b"python.exe":
            found.add(entry.pid)
        more = kernel32.Process32Next(snapshot, ctypes.byref(entry))
    kernel32.CloseHandle(snapshot)
    return found
os.environ["TEST_WAIT"] = "600"
before = pythons()
result["left"], result["had a Python"] = [], 0
for round in range({number}):
    launcher = subprocess.Popen(command)
    time.sleep(random.Random(round).uniform(0, 0.1))
    result["had a Python"] += bool(pythons() - before)
    launcher.kill()
    launcher.wait()
    deadline = time.monotonic() + 10
    while pythons() - before and time.monotonic() < deadline:
        time.sleep(0.01)
    if pythons() - before:
        result["left"].append(round)
        before |= pythons()
result["before"] = len(before)
""",
    )
    assert result["left"] == []
    assert 0 < result["had a Python"] < number
    held("kills of the launcher while it starts its Python, on Windows", number)


@pytest.mark.fault("kill -9 of the launcher")
def test_whoever_kills_the_launcher_kills_the_worker(windows: WindowsApplication, runtime: Path) -> None:
    install_python(runtime, windows.wine.c / "Python25")
    result = windows.drive(
        runtime,
        """
os.environ["TEST_WAIT"] = "600"
launcher = subprocess.Popen(command)
deadline = time.monotonic() + 60
text = ""
while not text.endswith("}") and time.monotonic() < deadline:
    time.sleep(0.02)
    if os.path.exists("started.txt"):
        text = open("started.txt").read()
pid = eval(text)["pid"]
kernel32 = ctypes.windll.kernel32
kernel32.OpenProcess.restype = ctypes.c_void_p
worker = kernel32.OpenProcess(0x100000, 0, pid)
result["alive before"] = kernel32.WaitForSingleObject(worker, 0) == 0x102
result["is another process"] = pid != launcher.pid
launcher.kill()
result["dead after"] = kernel32.WaitForSingleObject(worker, 20000) == 0
""",
    )
    assert result == {"alive before": True, "is another process": True, "dead after": True}


def test_without_handles_it_speaks_in_stderr_txt_and_so_does_the_worker(
    windows: WindowsApplication, runtime: Path
) -> None:
    (windows.slot / "stderr.txt").write_text("before\n")
    windows.under_client()
    code = """
detached = 0x8
result["status"] = subprocess.Popen(command, creationflags=detached, close_fds=True).wait()
"""
    assert windows.drive(runtime, code, "--python", NOT_THIS)["status"] == 206
    first, second = (windows.slot / "stderr.txt").read_text().splitlines()
    assert first == "before"
    assert "pymw launcher: failed to find a Python" in second


@pytest.mark.fault("letters that are not ASCII in paths", "spaces in paths")
def test_folders_with_spaces_and_letters_of_any_script(wine: Wine, runtime: Path) -> None:
    windows = application_in(wine, wine.c / "Programme für Ödön 日本")
    python = install_python(runtime, wine.c / "Pythön 3")
    windows.path = [wine.path(python)]
    done = windows.run()
    facts = windows.started()
    assert facts is not None, done.stderr
    assert facts["executable"] == wine.path(python / "python.exe")
    assert facts["path"] == wine.path(windows.project / "worker.zip")


@pytest.mark.fault("paths of more than 260 characters")
def test_paths_of_more_than_260_characters(wine: Wine, runtime: Path) -> None:
    windows = application_in(wine, wine.c / "BOINC", "/".join(["x" * 100, "y" * 100, "z" * 60]))
    install_python(runtime, wine.c / "Python25")
    windows.add_payload({f"{'d' * 60}/{'f' * 60}": b"x", "python.exe": b"x"}, NOT_THIS, "python.exe")
    windows.configure()
    windows.under_client()
    done = windows.run()
    assert windows.started() is not None, done.stderr
    assert "unpacked " in windows.run("--python", NOT_THIS).stderr
    assert (windows.runtime() / ("d" * 60) / ("f" * 60)).read_bytes() == b"x"


@pytest.mark.fault("a Python that hangs")
def test_a_python_that_hangs_or_fails_is_passed_over(windows: WindowsApplication, runtime: Path) -> None:
    wine = windows.wine
    hanging = install_python(runtime, wine.c / "hanging")
    (hanging / "Lib" / "site-packages").mkdir(parents=True, exist_ok=True)
    (hanging / "Lib" / "site-packages" / "hang.pth").write_text("import time; time.sleep(600)\n")
    broken = wine.c / "broken"
    broken.mkdir()
    shutil.copy2(runtime / "python.exe", broken)
    install_python(runtime, wine.c / "Python25")
    windows.path = [wine.path(hanging), wine.path(broken)]
    done = windows.run()
    assert windows.started() is not None, done.stderr
    assert f"passed over {wine.path(hanging)}\\python.exe: it did not answer in 5 s" in done.stderr
    assert f"passed over {wine.path(broken)}\\python.exe: it ended with status 126" in done.stderr


@pytest.mark.fault("no Python on the machine")
def test_without_a_fitting_python_it_says_what_it_looked_for_and_ends_with_206(
    windows: WindowsApplication,
) -> None:
    done = windows.run()
    assert done.returncode == 206
    assert "failed to find a Python (2.5 or newer; with zlib, ctypes) in PATH, the registry" in done.stderr
