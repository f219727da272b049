"""Real BOINC clients that attach to a project over loopback, and the project's server for them."""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from pymw_packager import client_folder

CLIENT_OPTIONS = (
    "--allow_multiple_clients",
    "--no_gpus",
    "--no_info_fetch",
    "--skip_cpu_benchmarks",
    # How long a client waits after something went wrong: days in real life.
    *("--sched_retry_delay_min", "1", "--sched_retry_delay_max", "3"),
    *("--pers_retry_delay_min", "1", "--pers_retry_delay_max", "3"),
)


class Server:
    """`pymw project serve` as a process of its own."""

    def __init__(self, folder: Path, port: int, *options: str) -> None:
        self.options = options
        self.folder = folder
        self.port = port
        self.log = folder.with_name(folder.name + ".log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [*dies_with_us(), sys.executable, "-m", "pymw.project", "serve", str(self.folder)]
        command += ["--host", "127.0.0.1", "--port", str(self.port), *self.options]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self._answers, 20, "the server to answer", self._log)

    def kill(self) -> None:
        """Kill it, as a power failure would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> int:
        """Ask it to stop; returns its exit status."""
        assert self._process is not None
        self._process.terminate()
        status = self._process.wait(20)
        self._process = None
        return status

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def _log(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


class Client:
    """An unmodified BOINC client with a folder of its own."""

    def __init__(self, folder: Path, url: str, key: str, ncpus: int = 1) -> None:
        """Lay out its folder so that it attaches to the project when it starts."""
        self.folder = folder
        self.url = url
        self.port = free_port()
        folder.mkdir(parents=True)
        (folder / "gui_rpc_auth.cfg").touch(mode=0o600)
        (folder / "gui_rpc_auth.cfg").write_text(secrets.token_hex(16))
        (folder / "global_prefs_override.xml").write_text(client_folder.preferences(1))
        flags = "<sched_op_debug>1</sched_op_debug><file_xfer_debug>1</file_xfer_debug>"
        (folder / "cc_config.xml").write_text(
            f"<cc_config><log_flags>{flags}</log_flags><options><ncpus>{ncpus}</ncpus>"
            "<dont_contact_ref_site>1</dont_contact_ref_site></options></cc_config>\n"
        )
        if key:
            name = re.sub(r"[^A-Za-z0-9._-]", "_", url.partition("://")[2].rstrip("/"))
            account = f"<master_url>{url}</master_url><authenticator>{key}</authenticator>"
            (folder / f"account_{name}.xml").write_text(f"<account>{account}</account>\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [*dies_with_us(), "boinc", "--gui_rpc_port", str(self.port), *CLIENT_OPTIONS]
        with (self.folder / "client.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_for(lambda: self.command("--get_state") is not None, 30, "the client to answer", self.log)

    def command(self, *request: str) -> str | None:
        """What boinccmd prints; None if the client refuses."""
        done = subprocess.run(
            ["boinccmd", "--host", f"127.0.0.1:{self.port}", *request],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
        )
        return done.stdout if done.returncode == 0 else None

    def update(self) -> None:
        """Ask it to contact the project now."""
        self.command("--project", self.url, "update")

    def tasks(self) -> str:
        """What it says about its tasks."""
        return self.command("--get_tasks") or ""

    def log(self) -> str:
        """The end of its log."""
        return (self.folder / "client.log").read_text(errors="replace")[-6000:]

    def end(self) -> None:
        """Stop it, whatever it does: first so that its tasks end, then anyhow."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            if self.command("--quit") is not None:
                process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def dies_with_us() -> Sequence[str]:
    """The command under which a process is killed when this one ends."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL") if setpriv else ()


def free_port() -> int:
    """A port that nobody listens at now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: Callable[[], object], seconds: float, what: str, tell: Callable[[], str]) -> None:
    """Wait until the condition holds. Raises AssertionError, with what `tell` returns, if it doesn't."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}:\n{tell()}"
        time.sleep(0.1)
