"""Nothing of a task's tree escapes: it is held, measured and ended as a whole."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bench.fake_client import wait_for
from tests.worker.job import Jobs, alive, count, processes_in

pytestmark = pytest.mark.forks_too


@pytest.mark.fault("leaves grandchildren that outlive it")
def test_suspend_reaches_processes_that_have_left_the_group(jobs: Jobs) -> None:
    job = jobs(
        "import os, time\ndef task():\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        out = open('../count', 'a')\n"
        "        for number in range(100000):\n"
        "            out.write('%d\\n' % number)\n"
        "            out.flush()\n"
        "            time.sleep(0.01)\n"
        "    time.sleep(60)\n"
    )
    job.start()
    count(job)
    assert job.client
    job.client.status()
    job.client.status()
    job.client.send("<suspend/>")
    time.sleep(0.3)
    held = count(job)
    time.sleep(0.3)
    assert count(job) == held
    job.client.send("<quit/>")
    assert job.wait() == 0


def test_cpu_time_is_that_of_the_whole_tree_also_of_ended_processes(jobs: Jobs) -> None:
    job = jobs(
        "import os, time\n"
        "def burn():\n"
        "    while sum(os.times()[:2]) < 0.6:\n"
        "        pass\n"
        "    os._exit(0)\n"
        "def task():\n"
        "    if os.fork() == 0:\n"
        "        if os.fork() == 0:\n"
        "            os.setsid()\n"
        "            burn()\n"
        "        os._exit(0)\n"  # the grandchild becomes an orphan outside of the group
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        burn()\n"
        "    os.waitpid(child, 0)\n"
        "    time.sleep(2.5)\n"
    )
    assert job.run() == 0
    assert 1.1 < float(job.log().facts["cpu"]) < 2.5


@pytest.mark.fault("kill -9 of the worker")
def test_kill_9_of_the_worker_leaves_no_process_of_the_task(jobs: Jobs) -> None:
    for suspended in (False, True):
        job = jobs(
            "import os, signal, time\ndef task():\n"
            "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "    if os.fork() == 0:\n"
            "        os.setsid()\n"
            "    os.fork()\n"
            "    open('../count', 'a').write('1\\n')\n"
            "    while True:\n"
            "        time.sleep(0.01)\n"
        )
        process = job.start()
        count(job)
        assert job.client
        job.client.status()
        job.client.status()  # now the worker has seen all of them
        if suspended:
            job.client.send("<suspend/>")
        assert len(processes_in(job.slot)) >= 4
        process.kill()
        wait_for(lambda: not processes_in(job.slot), 30, "the task's processes to end")  # noqa: B023


@pytest.mark.fault("leaves grandchildren that outlive it")
def test_after_the_task_has_ended_nothing_of_its_tree_goes_on(jobs: Jobs) -> None:
    job = jobs(
        "import os, signal, time\ndef task():\n"
        "    if os.fork() == 0:\n"
        "        signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "        os.setsid()\n"
        "        time.sleep(60)\n"
        "        os._exit(0)\n"
        "    return 1\n"
    )
    started = time.monotonic()
    assert job.run() == 0
    assert time.monotonic() - started < 20
    assert not processes_in(job.slot)


@pytest.mark.fault("ignores SIGTERM")
def test_a_task_that_ignores_sigterm_and_its_children_are_gone_within_the_grace(jobs: Jobs) -> None:
    job = jobs(
        "import os, signal, time\ndef task():\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    os.fork()\n"
        "    open('../count', 'a').write('1\\n')\n"
        "    time.sleep(60)\n"
    )
    job.start()
    count(job)
    assert job.client
    job.client.send("<quit/>")
    assert job.wait(20) == 0


def test_nobody_is_left() -> None:
    """The fixture checks each job; this checks the check."""
    with subprocess.Popen([sys.executable, "-c", "input()", "/a/slot"], stdin=subprocess.PIPE) as process:
        assert alive(process.pid)
        # A moment after exec a process has no command line yet.
        wait_for(lambda: processes_in(Path("/a/slot")) == [process.pid], 20, "the process to be found")
        process.communicate()
    assert not alive(process.pid)
