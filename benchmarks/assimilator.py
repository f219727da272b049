"""How fast results go from a stock project's database and upload folder to TASK_DIR: on a real MariaDB.

python benchmarks/assimilator.py [JOBS [BYTES]]     (10000 jobs; results and logs of 1000 bytes each)

Side by side with what one would do otherwise: a script for each workunit, as BOINC's script_assimilator does
it, and a program that takes one workunit after the other. A round of ours is on the disk before the database
hears of it; so is each workunit of the second; the script syncs nothing.
"""

from __future__ import annotations

import argparse
import io
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from pymw.server.assimilator.daemon import Daemon
from pymw.server.assimilator.handover import Handover
from pymw.server.assimilator.log import Log
from pymw.server.assimilator.queue import Queue, Workunit
from pymw.server.assimilator.stopping import Stop
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.bench import mariadb
from tests.server.stock_project import Attempt, StockProject

BATCH = "pymw_0123456789ab"
SLICE = 2000  # workunits that are inserted at once
FEW = 20  # of which one is done by the slow ways


def ready(project: StockProject, jobs: int, size: int) -> list[Workunit]:
    """Workunits with a canonical result each, ready to be assimilated."""
    project.database.change("UPDATE workunit SET assimilate_state = 2")
    project.tasks.create(BATCH)
    ids: list[int] = []
    kind = f"{time.time_ns():x}"
    names = [f"{BATCH}_{kind}{number}" for number in range(jobs)]
    files = {"pymw_result": os.urandom(size), "pymw_log": os.urandom(size)}
    for start in range(0, jobs, SLICE):
        ids += project.finished(dict.fromkeys(names[start : start + SLICE], Attempt(files=files)))
    os.sync()
    rows = project.database.rows("SELECT id, name, error_mask, canonical_resultid FROM workunit")
    found = {row[0]: Workunit(*row) for row in rows}
    return [found[number] for number in ids]


def ours(project: StockProject, workunits: Sequence[Workunit]) -> None:
    """pymw_assimilator."""
    stop = Stop(project.home.folder / "stop_daemons")
    with stop.listening():
        assert Daemon(project.home, project.tasks, Log(io.StringIO()), stop, "pymw").one_pass()


def one_by_one(project: StockProject, workunits: Sequence[Workunit]) -> None:
    """The same steps for one workunit after the other."""
    stop = Stop(project.home.folder / "stop_daemons")
    queue = Queue(project.home.database, "pymw")
    handover = Handover(project.home, queue, project.tasks, Log(io.StringIO()), stop)
    handover.begin(sure=True)
    with stop.listening():
        for workunit in workunits:
            assert handover.round([workunit]) == (1, 1)
    queue.close()


def a_script_each(project: StockProject, workunits: Sequence[Workunit]) -> None:
    """A shell with cp for each workunit, its results selected and its row updated one by one."""
    target = project.task_dir / BATCH
    for workunit in workunits:
        project.database.rows("SELECT * FROM result WHERE workunitid = %s", (workunit.id,))
        files = [str(project.upload(workunit.name, output)) for output in (0, 1)]
        assert os.system(f"cp {shlex.join(files)} {shlex.quote(str(target))}") == 0
        done = "UPDATE workunit SET assimilate_state = 2, transition_time = UNIX_TIMESTAMP() WHERE id = %s"
        project.database.change(done, (workunit.id,))


WAYS: list[tuple[str, Callable[[StockProject, Sequence[Workunit]], None], int, str]] = [
    ("pymw_assimilator", ours, 1, "yes"),
    ("one workunit after the other", one_by_one, FEW, "yes"),
    ("a script for each workunit", a_script_each, FEW, "no"),
]


def main() -> None:
    """Print results assimilated per second."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    parser.add_argument("jobs", nargs="?", type=int, default=10_000, help="workunits")
    parser.add_argument("bytes", nargs="?", type=int, default=1000, help="of a result, and of a log")
    options = parser.parse_args()
    program = mariadb.find()
    if program is None:
        parser.exit(2, "there is no MariaDB here: apt-get install mariadb-server-core.\n")
    table = Table(title=f"results of {options.bytes:,} bytes, and as large logs")
    for heading in ("", "workunits", "seconds", "a second", "durable"):
        table.add_column(heading, justify="right" if heading else "left")
    with ExitStack() as stack:
        server = mariadb.MariaDB(program)
        stack.callback(server.remove)
        os.environ.update(server.environment)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pymw-assimilator-")))
        project = StockProject(folder, server.create_database())
        stack.callback(project.close)
        for name, work, part, durable in WAYS:
            workunits = ready(project, options.jobs // part, options.bytes)
            began = time.perf_counter()
            work(project, workunits)
            took = time.perf_counter() - began
            assert set(project.states().values()) == {2}
            rate = f"{len(workunits) / took:,.0f}"
            table.add_row(name, f"{len(workunits):,}", f"{took:.2f}", rate, durable)
    Console().print(table)


if __name__ == "__main__":
    main()
