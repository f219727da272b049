"""`make demo`: a whole BOINC project on this machine, from nothing to a result.

Creates a project, packages PyMW for this machine, starts the project's server and two unmodified BOINC
clients, lets examples/monte_pi.py run its tasks on them, and stops all that it started. Everything stays on
loopback.
"""

import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

import pymw_platforms
from pymw.errors import PyMWError
from pymw.project.project import Project
from pymw.project.volunteer import Volunteer
from pymw_packager import app_version, progress, report, task_keys
from pymw_packager.app_version import Recipe
from pymw_packager.client_process import dies_with_us, free_port
from pymw_packager.errors import PackagerError, UsageError
from rich.console import Console

VOLUNTEERS = 2
TASKS = 8
DARTS = 16_000_000
SECONDS = 110


def main() -> int:
    """Do all of it; return the exit status."""
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)
    try:
        with tempfile.TemporaryDirectory(prefix="pymw-demo-") as folder, ExitStack() as running:
            return _demo(Path(folder), console, running)
    except (PackagerError, PyMWError, subprocess.TimeoutExpired) as error:
        console.print(f"[red]The demo cannot go on:[/red] {error}")
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted: all that the demo started has been stopped, its folder is gone.")
        return 130


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _demo(folder: Path, console: Console, running: ExitStack) -> int:
    lab, port = folder / "lab", free_port()
    url = f"http://127.0.0.1:{port}/pymw/"

    console.rule("1. Create a project: pymw project create lab")
    with Project.create(lab, name="PyMW demo", url=url, next_rpc_delay=2) as project:
        key = project.owner_key()
    console.print(f"{lab}: a project whose clients reach it at {url}")

    platform = pymw_platforms.this_host()
    if platform is None:
        raise UsageError("this machine is none of the platforms that pymw-package --list shows.")
    console.rule(f"2. Package PyMW: pymw-package --platform {platform.name} --key lab/keys/task.pub")
    public = task_keys.read_public(lab / "keys" / "task.pub")
    recipe = Recipe(platform=platform, version="1.00", interpreter="none", trust=(public,))
    report.print_built(app_version.build(recipe, lab / "apps", progress.for_stderr()), console)

    console.rule("3. Serve it, and let volunteers attach: pymw project serve lab")
    running.enter_context(_server(lab, port, folder / "server.log"))
    for number in range(VOLUNTEERS):
        volunteer = Volunteer(folder / f"volunteer{number}", url, key)
        volunteer.start()
        running.callback(volunteer.stop, 10)
        console.print(f"Volunteer {number}: {volunteer.version()}, process {volunteer.pid}.")

    console.rule("4. Run a program: python examples/monte_pi.py -i boinc -p lab")
    program = Path(__file__).with_name("monte_pi.py")
    command = [sys.executable, str(program), "-i", "boinc", "-p", str(lab)]
    command += ["--num_tests", str(DARTS), "--tasks", str(TASKS)]
    done = subprocess.run([*dies_with_us(), *command], timeout=SECONDS, check=False)
    if done.returncode == 0:
        console.print("Now all that was started is stopped, and the folder goes.")
    return done.returncode


@contextmanager
def _server(lab: Path, port: int, log: Path) -> Iterator[None]:
    """The project's server, as a process of its own."""
    command = [sys.executable, "-m", "pymw.cli", "project", "serve", str(lab), "--host", "127.0.0.1"]
    with (
        log.open("wb") as output,
        subprocess.Popen([*dies_with_us(), *command], stdout=output, stderr=output) as server,
    ):
        try:
            deadline = time.monotonic() + 20
            while not _answers(port):
                if server.poll() is not None or time.monotonic() > deadline:
                    raise PackagerError(f"The server does not answer. It said:\n{log.read_text()[-2000:]}")
                time.sleep(0.05)
            yield
        finally:
            server.terminate()
            server.wait(20)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
