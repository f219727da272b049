"""What tasks do to themselves and to their folders; the worker reports it, and goes on."""

from __future__ import annotations

import pytest

from tests.worker.job import Jobs, processes_in


@pytest.mark.fault("replaces sys.stdout")
@pytest.mark.parametrize("stream", ["io.StringIO()", "None", "open(os.devnull, 'w')", "1"])
def test_a_task_that_replaces_its_streams_returns(jobs: Jobs, stream: str) -> None:
    source = (
        "import io, os, sys\n"
        "def task():\n"
        "    sys.stdout.write('before\\n')\n"
        f"    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = {stream}\n"
        "    return 7\n"
    )
    job = jobs(source)
    assert job.run() == 0, job.stderr()
    assert job.value() == 7
    assert job.log().stdout == b"before\n"


@pytest.mark.fault("changes its folder")
@pytest.mark.parametrize("folder", ["/", "..", "made"])
def test_a_task_that_changes_its_folder_returns(jobs: Jobs, folder: str) -> None:
    source = (
        "import os\ndef task(folder):\n"
        "    if folder == 'made':\n        os.mkdir(folder)\n"
        "    os.chdir(folder)\n"
        "    if folder == 'made':\n        os.rmdir(os.getcwd())\n"
        "    return folder\n"
    )
    job = jobs(source, folder)
    assert job.run() == 0, job.stderr()
    assert job.value() == folder


@pytest.mark.fault("deletes its own folder")
@pytest.mark.parametrize("client", [True, False])
def test_a_task_that_deletes_its_own_folder_returns(jobs: Jobs, client: bool) -> None:
    job = jobs(
        "import os, shutil\ndef task():\n    shutil.rmtree(os.getcwd())\n    return 7\n", client=client
    )
    assert job.run() == 0, job.stderr()
    assert job.value() == 7


@pytest.mark.fault("deletes its own folder")
def test_a_task_that_empties_the_whole_slot_returns(jobs: Jobs) -> None:
    """With it go the client's links to where the result is expected."""
    source = (
        "import os, shutil\ndef task():\n"
        "    slot = os.environ['PYMW_SLOT']\n"
        "    for name in os.listdir(slot):\n"
        "        path = os.path.join(slot, name)\n"
        "        if os.path.isdir(path): shutil.rmtree(path)\n"
        "        else: os.remove(path)\n"
        "    return 7\n"
    )
    job = jobs(source)
    assert job.run() == 0
    assert job.value() == 7
    assert job.succeeded()


@pytest.mark.fault("leaves grandchildren that outlive it")
def test_a_task_that_leaves_a_hundred_grandchildren_leaves_none(jobs: Jobs) -> None:
    source = (
        "import os, time\ndef task():\n"
        "    for number in range(100):\n"
        "        if os.fork() == 0:\n"
        "            if number % 3 == 0: os.setsid()\n"
        "            if os.fork() == 0: time.sleep(60)\n"
        "            os._exit(0)\n"
        "    return 'done'\n"
    )
    job = jobs(source)
    assert job.run() == 0
    assert job.value() == "done"
    assert not processes_in(job.slot)


@pytest.mark.fault("closes all file descriptors")
@pytest.mark.parametrize("end", ["return 3", "os._exit(3)", "raise ValueError('mine')"])
def test_a_task_that_closes_every_file_ends_as_it_ends(jobs: Jobs, end: str) -> None:
    job = jobs(f"import os\ndef task():\n    os.closerange(0, 4096)\n    {end}\n")
    expected = {"return 3": (0, "value"), "os._exit(3)": (195, "died")}.get(end, (0, "exception"))
    assert (job.run(), job.outcome().status) == expected, job.stderr()


@pytest.mark.fault("returns what cannot be pickled")
def test_what_cannot_be_pickled_is_said_and_the_job_is_done(jobs: Jobs) -> None:
    for value in ("lambda: 0", "open(__import__('os').devnull)", "(n for n in [1])", "Odd()"):
        job = jobs(
            "class Odd(object):\n    def __reduce__(self): raise KeyError('no')\n"
            f"def task():\n    return [{value}]\n"
        )
        assert job.run() == 0, job.stderr()
        assert job.succeeded()
        assert job.outcome().status == "unreturnable"


@pytest.mark.fault("returns more than is allowed")
def test_a_result_of_a_hundred_megabytes_is_not_sent(jobs: Jobs) -> None:
    job = jobs("import os\ndef task():\n    return os.urandom(100000000)\n")
    assert job.run("--max-result", "1000000") == 0
    assert job.outcome().status == "unreturnable"
    assert job.path("pymw_result").stat().st_size < 10_000


@pytest.mark.fault("is killed for memory")
def test_a_task_that_takes_all_the_memory_it_may_have_is_told_apart(jobs: Jobs) -> None:
    source = (
        "import resource\ndef task():\n"
        "    resource.setrlimit(resource.RLIMIT_AS, (300000000, 300000000))\n"
        "    held = []\n"
        "    while True:\n        held.append(bytearray(10000000))\n"
    )
    job = jobs(source)
    assert job.run() == 205, job.stderr()
    assert job.outcome().status == "memory"
