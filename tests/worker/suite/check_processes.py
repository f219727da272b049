"""The task's process, those that it starts, and how they end."""

import os
import pickle
import signal
import time
import unittest

import running
from pymw_worker import bundle, names, text


class ProcessesOfATask(running.TaskCase):
    def test_a_forked_process_that_returns_does_not_write_a_second_outcome(self):
        found, value, _, _ = self.run_source(
            "import os\n"
            "def task():\n"
            "    child = os.fork()\n"
            "    if child:\n"
            "        os.waitpid(child, 0)\n"
            "        return 'parent'\n"
            "    return 'child'\n"
        )
        self.assertEqual(value, "parent")

    def test_waiting_for_all_children_does_not_wait_for_the_watcher(self):
        found, value, _, _ = self.run_source(
            "import os\ndef task():\n    try: os.wait()\n    except OSError: return 'none'\n"
        )
        self.assertEqual(value, "none")

    def test_the_task_ends_with_the_supervisor(self):
        source = text.to_bytes(
            "import time\ndef task():\n    open('running', 'w').close()\n    time.sleep(1000)\n"
        )
        code = bundle.pack(bundle.SOURCE, "task", "2.5-", source)
        process = self.start_bundle(code, pickle.dumps(((), {}), 2))
        self.wait_for(lambda: os.path.exists(self.path(names.TASK_FOLDER, "running")))
        process.stdin.close()  # as the system does when the supervisor dies
        self.wait_for(lambda: process.poll() is not None)
        self.assertFalse(os.path.exists(self.path(names.OUTCOME)))
        process.stdout.close()
        process.stderr.close()

    def test_a_task_that_never_lets_go_of_the_interpreter_ends_with_what_it_started(self):
        source = (
            "import os, time\n"
            "def task():\n"
            "    if os.fork() == 0:\n"
            "        stream = open('pids', 'w')\n"
            "        stream.write('%d %d.' % (os.getppid(), os.getpid()))\n"
            "        stream.close()\n"
            "        time.sleep(1000)\n"
            "    3 ** (10 ** 9)\n"  # hours in C, in one step
        )
        code = bundle.pack(bundle.SOURCE, "task", "2.5-", text.to_bytes(source))
        process = self.start_bundle(code, pickle.dumps(((), {}), 2))
        pids = self.wait_for(self.read_pids)
        process.stdin.close()  # as the system does when the supervisor dies
        self.assertEqual(process.wait(), -signal.SIGKILL)
        self.wait_for(lambda: not [pid for pid in pids if _alive(pid)])
        process.stdout.close()
        process.stderr.close()

    def read_pids(self):
        path = self.path(names.TASK_FOLDER, "pids")
        if os.path.exists(path):
            stream = open(path)
            words = stream.read()
            stream.close()
            if words.endswith("."):
                return [int(word) for word in words[:-1].split()]
        return None

    def wait_for(self, condition):
        deadline = time.time() + 20
        while time.time() < deadline:
            found = condition()
            if found:
                return found
            time.sleep(0.02)
        self.fail("waited in vain")

    if not hasattr(os, "fork"):
        del test_a_forked_process_that_returns_does_not_write_a_second_outcome
        del test_waiting_for_all_children_does_not_wait_for_the_watcher
        del test_a_task_that_never_lets_go_of_the_interpreter_ends_with_what_it_started


def _alive(pid):
    """Whether a process runs. One that is dead but not yet waited for (by whoever adopted it) does not."""
    try:
        stream = open("/proc/%d/stat" % pid)
    except IOError:
        return False
    try:
        return stream.read().rsplit(")", 1)[1].split()[0] != "Z"
    finally:
        stream.close()


if __name__ == "__main__":
    unittest.main()
