"""A client whose results are wrong is outvoted: its worker was changed behind the back of the real client."""

import zipfile

import pymw
from pymw.interfaces.boinc import BOINCInterface
from pymw.project.states import Outcome, State, Validity
from pymw.project.volunteer import Volunteer

from tests.project import books
from tests.project.conftest import Lab
from tests.project.control import executing, kept_from_work
from tests.project.server import wait_for
from tests.project.survivor import square_after

TASKS = 4
SECONDS = 2  # a client counts whole seconds, and there is no credit for none
RIGHT = (
    b'    """The canonical pickle of a value. Raises Unreturnable or MemoryError."""\n'
    b"    try:\n        return _dumps(value)\n"
)
WRONG = RIGHT.replace(b"a value.", b"value.").replace(b"_dumps(value)", b"_dumps(value+1)")


def doctor(client: Volunteer) -> None:
    """Replace the client's copy of the worker by one that adds 1 to each value, and is as long."""
    (archive,) = client.folder.glob("projects/*/pymw_worker_*.zip")
    with zipfile.ZipFile(archive) as whole:
        members = {info: whole.read(info) for info in whole.infolist()}
    other = archive.with_name("doctored")
    with zipfile.ZipFile(other, "w", zipfile.ZIP_STORED) as made:
        for info, data in members.items():
            made.writestr(info, data.replace(RIGHT, WRONG) if info.filename.endswith("values.py") else data)
    assert other.stat().st_size == archive.stat().st_size and other.read_bytes() != archive.read_bytes()
    other.replace(archive)


def test_a_client_that_returns_wrong_results_is_outvoted(lab: Lab) -> None:
    project = lab.project
    interface = BOINCInterface(project.folder)
    with lab.explaining(), pymw.Master(interface, portable=True) as master:
        liar = lab.add_client(ncpus=4)
        first = master.submit(square_after, 7, SECONDS)
        wait_for(lambda: executing(liar), 60, "it to run a task", lab.tell)
        honest = [lab.add_client(ncpus=4) for _ in range(2)]
        with kept_from_work(*honest):
            wait_for(lambda: not executing(liar), 60, "the task to end", lab.tell)
            doctor(liar)
            interface.set_boinc_args(target_nresults=3, min_quorum=2)
            futures = [master.submit(square_after, x, SECONDS) for x in range(TASKS)]
            wait_for(lambda: taken(lab) == 1 + TASKS, 60, "it to take the others", lab.tell)
        assert first.result(90) == 49, "its application was whole"
        assert [future.result(120) for future in futures] == [x * x for x in range(TASKS)]
        wait_for(lambda: project.counts().results_in_progress == 0, 60, "the last reports", lab.tell)
        _judge(lab)


def taken(lab: Lab) -> int:
    """How many results clients were given."""
    return sum(line.host != 0 for line in books.lines(lab.project))


def _judge(lab: Lab) -> None:
    """What the project's books say of all results but the first, which the client gave before it lied."""
    first, *lines = books.lines(lab.project)
    liar = first.host
    assert len(lines) == 3 * TASKS
    assert {(line.state, line.outcome) for line in lines} == {(State.OVER, Outcome.SUCCESS)}
    for line in lines:
        wrong = line.host == liar
        assert line.validity == (Validity.INVALID if wrong else Validity.VALID)
        assert (line.credit == 0) == wrong
    hosts = {host.id: host for host in lab.project.hosts()}
    assert len(hosts) == 3 and hosts[liar].credit == first.credit
    assert hosts[liar].errors == TASKS and all(hosts[each].errors == 0 for each in hosts if each != liar)
    assert all(hosts[each].credit > 0 for each in hosts)
