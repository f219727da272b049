"""A real MariaDB for one session of tests: a folder and a socket of its own, nothing on any network.

It dies with us, however we end. An application reaches it by the environment variable MYSQL_UNIX_PORT, as
MySQL's own clients do.
"""

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pymysql
from pymw.server.home import DatabaseAccess
from pymw_packager.client_process import dies_with_us

from tests.bench.boinc_tables import TABLES

USER, PASSWORD = "boincadm", 'it\'s <secret> & "quoted" \\'
_START_SECONDS = 60
_TABLES_OF_ITS_OWN = "mysql_system_tables.sql"
_SMALL = ("--innodb-log-file-size=16M", "--innodb-buffer-pool-size=64M", "--skip-log-bin")
# No test fails the power: what a killed server has written is there.
_QUICK = ("--innodb-flush-log-at-trx-commit=2",)
_numbers = itertools.count(1)
_quoted = pymysql.converters.escape_string


def find() -> Path | None:
    """The server's program, None if it is not installed."""
    found = shutil.which("mariadbd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    return Path(found) if found else None


class MariaDB:
    """A server that runs.

    Attributes:
        socket: where it listens.
        environment: variables by which a process reaches it.
    """

    def __init__(self, program: Path) -> None:
        """Make an empty one and start it."""
        self._program = program
        # Not pytest's folder: the path of a socket may have 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="pymw-mariadb-"))
        self.socket = self._folder / "socket"
        self.environment = {"MYSQL_UNIX_PORT": str(self.socket)}
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._install()
            self.start()
        except BaseException:
            self.remove()
            raise

    def start(self) -> None:
        """Start it, also after `stop` or `kill`, and wait until it answers. Harmless if it runs."""
        if self._process is not None:
            return
        options = (
            f"--socket={self.socket}",
            "--skip-networking",
            f"--init-file={self._folder / 'users.sql'}",
        )
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*dies_with_us(), *self._command(*options)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us, who stop it in order
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._listens():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    def stop(self) -> None:
        """Shut it down in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power failure does."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        """End it, and remove all of it."""
        self.kill()
        shutil.rmtree(self._folder)

    def log(self) -> str:
        """What it has written."""
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace")

    def create_database(self) -> DatabaseAccess:
        """Make a new database with BOINC's tables, empty; returns how to reach it."""
        name = f"boinc_{next(_numbers)}"
        with self._root() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
            cursor.execute(f"USE {name}")
            for statement in TABLES:
                cursor.execute(statement)
        return DatabaseAccess(name, USER, PASSWORD, "localhost")

    def _root(self) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        return pymysql.connect(unix_socket=str(self.socket), user="root", autocommit=True)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def _install(self) -> None:
        """Make its system tables, as mariadb-install-db does, which needs the client's packages as well."""
        users = (
            "CREATE USER IF NOT EXISTS root@localhost;",
            "GRANT ALL ON *.* TO root@localhost WITH GRANT OPTION;",
            f"CREATE USER IF NOT EXISTS {USER}@localhost IDENTIFIED BY '{_quoted(PASSWORD)}';",
            f"GRANT ALL ON `boinc\\_%`.* TO {USER}@localhost;",
        )
        (self._folder / "users.sql").write_text("\n".join(users) + "\n", encoding="utf-8")
        (self._folder / "data").mkdir()
        share = next(path for path in map(Path, ("/usr/share/mysql", "/usr/share/mariadb")) if path.is_dir())
        tables = (share / _TABLES_OF_ITS_OWN).read_bytes()
        head = b"CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
        made = subprocess.run(
            [*dies_with_us(), *self._command("--bootstrap")],
            input=head + tables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_START_SECONDS,
            check=False,
        )
        assert made.returncode == 0, made.stdout.decode("utf-8", "replace")

    def _command(self, *options: str) -> list[str]:
        user = pwd.getpwuid(os.geteuid()).pw_name  # root must say so
        where = (f"--datadir={self._folder / 'data'}", f"--pid-file={self._folder / 'pid'}", f"--user={user}")
        return [str(self._program), "--no-defaults", *where, *_SMALL, *_QUICK, *options]

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(_START_SECONDS)
        finally:
            process.kill()
            process.wait()
