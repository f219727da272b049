"""Plays the BOINC client for one application: a slot folder, init_data.xml, shared memory, messages.

Standard library only, Python 3.6 or newer, one file: it also runs by itself inside Wine. What a client does
is written down in the BOINC tree (client/app_start.cpp, client/app_control.cpp, lib/app_ipc.cpp) and was
checked against client 7.20.5.
"""

import ctypes
import mmap
import os
import subprocess
import sys
import time
from typing import Any, Callable, Dict, List, Mapping

CHANNEL_SIZE = 1024
CHANNELS = (
    "process_control_request",
    "process_control_reply",
    "graphics_request",
    "graphics_reply",
    "heartbeat",
    "app_status",
    "trickle_up",
    "trickle_down",
)
WINDOWS = sys.platform == "win32"
SECRET = "d41d8cd98f00b204e9800998ecf8427e"  # the authenticator, which nobody may ever print

_HOST_INFO = "<host_info>\n    <p_fpops>1e9</p_fpops>\n    <client_pid>1</client_pid>\n</host_info>\n"


class FakeClient:
    """One slot of a client that has one job in it.

    slot: path of the folder, made here. fields: of init_data.xml, over the defaults. memory: whether there
    is shared memory.
    """

    def __init__(self, slot: str, fields: Mapping[str, object] = {}, memory: bool = True) -> None:
        self.slot = slot
        os.makedirs(slot, exist_ok=True)
        self._name = "pymw_test_%d_%d" % (os.getpid(), time.time() * 1000)
        self.fields: Dict[str, object] = {
            "major_version": 7,
            "minor_version": 20,
            "app_name": "pymw",
            "authenticator": SECRET,
            "wu_name": "a&b <wu>",
            "project_preferences": "\n<client_pid>1</client_pid>\n",
            "project_dir": os.path.join(os.path.dirname(slot), "projects", "test"),
            "client_pid": os.getpid(),
            "wu_cpu_time": "0.000000",
            "starting_elapsed_time": "0.000000",
            "checkpoint_period": "60.000000",
            "fraction_done_start": "0.000000",
            "fraction_done_end": "1.000000",
            "shm_key": -1,
            "comm_obj_name": self._name,
        }
        self.fields.update(fields)
        self.write_init_data()
        self.memory: Any = _shared_memory(slot, self._name) if memory else bytearray(8 * CHANNEL_SIZE)

    def write_init_data(self) -> None:
        """Write `fields` as the client does: without escaping anything."""
        lines = ["<%s>%s</%s>\n" % (name, value, name) for name, value in self.fields.items()]
        text = "<app_init_data>\n%s%s</app_init_data>\n" % ("".join(lines), _HOST_INFO)
        with open(os.path.join(self.slot, "init_data.xml"), "wb") as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))

    def link(self, logical: str, target: str) -> None:
        """Put a soft link into the slot: `logical` stands for the file `target`."""
        relative = os.path.relpath(target, self.slot).replace("\\", "/")
        text = "<soft_link>%s</soft_link>\n" % relative
        with open(os.path.join(self.slot, logical), "wb") as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))

    def start(self, command: List[str], environment: Mapping[str, str] = {}) -> "subprocess.Popen[bytes]":
        """Start an application in the slot the way the client does; also a second time, in the same slot."""
        temporary_exit = os.path.join(self.slot, "boinc_temporary_exit")
        if os.path.exists(temporary_exit):
            os.remove(temporary_exit)
        self.memory[: 8 * CHANNEL_SIZE] = bytes(8 * CHANNEL_SIZE)
        variables = dict(os.environ, **environment)
        if WINDOWS:
            no_window_own_group = 0x08000200
            return subprocess.Popen(
                command, cwd=self.slot, env=variables, close_fds=True, creationflags=no_window_own_group
            )
        variables["LD_LIBRARY_PATH"] = "../../projects/test:.:../.."
        with open(os.path.join(self.slot, "stderr.txt"), "ab") as stderr:
            return subprocess.Popen(
                command, cwd=self.slot, env=variables, stdout=subprocess.DEVNULL, stderr=stderr
            )

    def send(self, message: str, channel: str = "process_control_request", seconds: float = 20) -> float:
        """Write a message such as "<suspend/>"; return how many seconds the application took to read it."""
        begin = CHANNELS.index(channel) * CHANNEL_SIZE
        started = time.monotonic()
        wait_for(lambda: self.memory[begin : begin + 1] == b"\0", seconds, "the last message to be read")
        data = message.encode("ascii")[: CHANNEL_SIZE - 2] + b"\0"
        self.memory[begin + 1 : begin + 1 + len(data)] = data
        self.memory[begin : begin + 1] = b"\1"
        wait_for(lambda: self.memory[begin : begin + 1] == b"\0", seconds, "%s to be read" % message)
        return time.monotonic() - started

    def heartbeat(self) -> None:
        """Beat once, as the client does every second; not if the last one has not been read."""
        begin = CHANNELS.index("heartbeat") * CHANNEL_SIZE
        if self.memory[begin : begin + 1] == b"\0":
            data = b"<heartbeat/><wss>1.000000e+06</wss><max_wss>1.000000e+09</max_wss>\0"
            self.memory[begin + 1 : begin + 1 + len(data)] = data
            self.memory[begin : begin + 1] = b"\1"

    def receive(self, channel: str = "app_status") -> str:
        """Return the text that the application has written into a channel, "" if there is none."""
        begin = CHANNELS.index(channel) * CHANNEL_SIZE
        if self.memory[begin : begin + 1] == b"\0":
            return ""
        text = bytes(self.memory[begin + 1 : begin + CHANNEL_SIZE]).split(b"\0")[0].decode("ascii")
        self.memory[begin : begin + 1] = b"\0"
        return text

    def status(self, seconds: float = 20) -> Dict[str, float]:
        """Wait for the next report and return its numbers: current_cpu_time, fraction_done and others."""
        reports: List[str] = []

        def reported() -> bool:
            text = self.receive()
            if text:
                reports.append(text)
            return bool(text)

        wait_for(reported, seconds, "a report")
        numbers = {}
        for line in reports[0].split("\n"):
            if line:
                tag, rest = line[1:].split(">", 1)
                number, end = rest.split("<", 1)
                assert end == "/%s>" % tag, line
                numbers[tag] = float(number)
        return numbers

    def read(self, name: str) -> str:
        """Return the text of a file in the slot, "" if there is none."""
        path = os.path.join(self.slot, name)
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()

    def close(self) -> None:
        """Let go of the shared memory."""
        if isinstance(self.memory, mmap.mmap):
            self.memory.close()


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until the condition holds. Raises AssertionError if it doesn't within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("waited %g seconds in vain for %s" % (seconds, what))
        time.sleep(0.005)


def _shared_memory(slot: str, name: str) -> Any:
    if WINDOWS:
        return _windows_memory("shm_" + name)
    with open(os.path.join(slot, "boinc_mmap_file"), "w+b") as stream:
        stream.write(bytes(8 * CHANNEL_SIZE))
        stream.flush()
        return mmap.mmap(stream.fileno(), 8 * CHANNEL_SIZE)


def _windows_memory(name: str) -> Any:
    kernel: Any = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle, dword = ctypes.c_void_p, ctypes.c_ulong
    kernel.CreateFileMappingW.restype = handle
    kernel.CreateFileMappingW.argtypes = [handle, handle, dword, dword, dword, ctypes.c_wchar_p]
    kernel.MapViewOfFile.restype = handle
    kernel.MapViewOfFile.argtypes = [handle, dword, dword, dword, ctypes.c_size_t]
    read_write, all_access = 4, 0xF001F
    mapping = kernel.CreateFileMappingW(handle(-1), None, read_write, 0, 8 * CHANNEL_SIZE, name)
    address = kernel.MapViewOfFile(mapping, all_access, 0, 0, 8 * CHANNEL_SIZE)
    return (ctypes.c_char * (8 * CHANNEL_SIZE)).from_address(address)
