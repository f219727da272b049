"""Plays a BOINC client inside Windows: `python scenarios.py FILE`, where the JSON in FILE says what to do.

FILE holds a list, each with `scenario` (the name of a function below), `slot`, `fields` (of init_data.xml),
`memory` (whether there is some to share), `links` (logical name: path) and `command`. They are played one
after the other; what they saw is printed as a list in JSON.
"""

import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import fake_client  # copied too, into the same folders

SECONDS = 90


def finish(client: Any, process: subprocess.Popen[bytes]) -> int:
    """Beat and read, as a client does, until the application has ended; return its exit status."""

    def over() -> bool:
        client.heartbeat()
        client.receive()
        return process.poll() is not None

    fake_client.wait_for(over, SECONDS, "the application to end")
    return int(process.wait())


def wait_for_progress(client: Any) -> float:
    """Wait until the application reports that something is done; return how much."""
    done = 0.0

    def progressed() -> bool:
        nonlocal done
        done = float(client.status(SECONDS)["fraction_done"])
        return done > 0

    fake_client.wait_for(progressed, SECONDS, "progress")
    return done


def run(client: Any, command: list[str]) -> dict[str, Any]:
    """Let the task run to its end."""
    return {"exit": finish(client, client.start(command))}


def suspend_and_resume(client: Any, command: list[str]) -> dict[str, Any]:
    """Suspend the task when it has reported progress, listen in silence for 3 s, and let it go on."""
    process = client.start(command)
    before = wait_for_progress(client)
    obeyed = client.send("<suspend/>")
    time.sleep(0.5)
    client.receive()
    time.sleep(3)
    silent = client.receive() == ""
    client.send("<resume/>")
    after = float(client.status()["fraction_done"])
    return {
        "obeyed": obeyed,
        "before": before,
        "silent": silent,
        "after": after,
        "exit": finish(client, process),
    }


def quit_and_start_again(client: Any, command: list[str]) -> dict[str, Any]:
    """Make the application quit when it has reported a checkpoint, and start it again in the same slot."""
    process = client.start(command)
    fake_client.wait_for(lambda: client.status(SECONDS)["checkpoint_cpu_time"] > 0, SECONDS, "a checkpoint")
    client.send("<quit/>")
    first = finish(client, process)
    finished = client.read("boinc_finish_called")
    return {"quit": first, "finish file": finished, "exit": finish(client, client.start(command))}


def abort(client: Any, command: list[str]) -> dict[str, Any]:
    """Abort the task when it has reported progress."""
    process = client.start(command)
    wait_for_progress(client)
    client.send("<abort/>")
    return {"exit": finish(client, process), "left": list(others())}


def kill_the_launcher(client: Any, command: list[str]) -> dict[str, Any]:
    """Kill the main program, and that alone, as a client does that lost patience."""
    process = client.start(command)
    wait_for_progress(client)
    running = list(others())
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while others() and time.monotonic() < deadline:
        time.sleep(0.05)
    return {"running": running, "left": list(others())}


def kill_the_worker(client: Any, command: list[str]) -> dict[str, Any]:
    """Kill the worker when its task has reported progress; its launcher ends with it."""
    return kill(client, command, lambda parent: parent not in others())


def kill_the_task(client: Any, command: list[str]) -> dict[str, Any]:
    """Kill the task's process when it has reported progress."""
    return kill(client, command, lambda parent: parent in others())


def kill(client: Any, command: list[str], condition: Callable[[int], bool]) -> dict[str, Any]:
    """Kill the one Python whose parent is such a process."""
    process = client.start(command)
    wait_for_progress(client)
    (victim,) = [pid for pid, parent in others().items() if condition(parent)]
    os.kill(victim, 9)  # the exit status of what it terminates
    return {"exit": finish(client, process), "left": list(others())}


def throttle(client: Any, command: list[str]) -> dict[str, Any]:
    """Suspend and resume the task each second, then let it go on to its end."""
    process = client.start(command)
    wait_for_progress(client)
    delays = []
    for _ in range(2):
        for message in ("<suspend/>", "<resume/>"):
            delays.append(client.send(message))
            client.receive()
            time.sleep(1)
    return {"slowest": max(delays), "exit": finish(client, process)}


def quit_while_suspended(client: Any, command: list[str]) -> dict[str, Any]:
    """Make the application quit while it is suspended."""
    process = client.start(command)
    wait_for_progress(client)
    client.send("<suspend/>")
    client.send("<quit/>")
    return {"exit": finish(client, process), "left": list(others())}


def run_finished(client: Any, command: list[str]) -> dict[str, Any]:
    """Run it where there is a finish file already."""
    Path(client.slot, "boinc_finish_called").write_text("0\n", encoding="ascii")
    return run(client, command)


def run_with_half_an_init_data(client: Any, command: list[str]) -> dict[str, Any]:
    """Run it where init_data.xml is truncated."""
    path = Path(client.slot, "init_data.xml")
    path.write_bytes(path.read_bytes()[:200])
    return run(client, command)


def others() -> dict[int, int]:
    """The processes that run a Python other than this one, and their parents."""
    kernel: Any = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    snapshot = kernel.CreateToolhelp32Snapshot(2, 0)
    entry = ProcessEntry()
    entry.size = ctypes.sizeof(entry)
    found = {}
    more = kernel.Process32First(snapshot, ctypes.byref(entry))
    while more:
        if entry.name.lower() == b"python.exe" and entry.pid != kernel.GetCurrentProcessId():
            found[int(entry.pid)] = int(entry.parent)
        more = kernel.Process32Next(snapshot, ctypes.byref(entry))
    kernel.CloseHandle(snapshot)
    return found


class ProcessEntry(ctypes.Structure):
    """PROCESSENTRY32 of Windows' tlhelp32.h."""

    _fields_ = [
        ("size", ctypes.c_ulong),
        ("usage", ctypes.c_ulong),
        ("pid", ctypes.c_ulong),
        ("heap", ctypes.c_size_t),
        ("module", ctypes.c_ulong),
        ("threads", ctypes.c_ulong),
        ("parent", ctypes.c_ulong),
        ("priority", ctypes.c_long),
        ("flags", ctypes.c_ulong),
        ("name", ctypes.c_char * 260),
    ]


SCENARIOS: tuple[Callable[[Any, list[str]], dict[str, Any]], ...] = (
    run,
    suspend_and_resume,
    quit_and_start_again,
    abort,
    kill_the_launcher,
    kill_the_worker,
    kill_the_task,
    throttle,
    quit_while_suspended,
    run_finished,
    run_with_half_an_init_data,
)


def main() -> None:
    """Play what the file says."""
    scenarios = {scenario.__name__: scenario for scenario in SCENARIOS}
    seen = []
    for what in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        client = fake_client.FakeClient(what["slot"], what["fields"], what["memory"])
        for logical, path in what["links"].items():
            client.link(logical, path)
        seen.append(scenarios[what["scenario"]](client, what["command"]))
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
