"""The worker that stays runs one task after another, from the archive, and obeys."""

import os
import pickle
import subprocess
import sys
import time
import unittest

import running
from pymw_worker import arguments, bundle, names, outcome, text, words

START = "import sys;sys.path[0]=sys.argv.pop(1);import pymw_worker.__main__ as m;m.main()"
PATIENCE = 20.0  # seconds; computers that test are busy


class Serve(running.FolderCase):
    def setUp(self):
        running.FolderCase.setUp(self)
        self.log = open(self.path("stderr.txt"), "w+")
        self.worker = subprocess.Popen(
            [sys.executable, "-E", "-c", START, running.archive(), "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
        )
        self.assertEqual(self.answer(), "ready %d.%d.%d" % sys.version_info[:3])

    def tearDown(self):
        self.worker.stdin.close()
        self.worker.wait()
        self.worker.stdout.close()
        self.log.close()
        running.FolderCase.tearDown(self)

    def say(self, *line):
        self.worker.stdin.write(text.to_bytes(" ".join([words.escape(word) for word in line]) + "\n"))
        self.worker.stdin.flush()

    def answer(self):
        line = str(self.worker.stdout.readline().decode("ascii")).strip()
        self.log.seek(0)
        self.assertTrue(line, self.log.read())
        return line

    def start(self, slot, source, *args):
        slot = self.path(slot)
        os.mkdir(slot)
        code = bundle.pack(bundle.SOURCE, "task", "2.5-", text.to_bytes(source))
        self.write(os.path.join(slot, names.BUNDLE), code)
        digest = bundle.read(os.path.join(slot, names.BUNDLE)).digest
        given = arguments.pack(digest, "task 1", pickle.dumps((args, {}), 2))
        self.write(os.path.join(slot, names.ARGUMENTS), given)
        self.say("run", slot, "--max-result", "100000")

    def write(self, path, data):
        stream = open(path, "wb")
        stream.write(data)
        stream.close()

    def test_tasks_one_after_another_and_a_crash_between_them(self):
        for number in range(5):
            self.start("a slot %d" % number, "def task(x):\n    print('hello')\n    return x + 1\n", number)
            self.assertEqual(self.answer(), "done 0")
            found = outcome.read(self.path("a slot %d" % number, names.RESULT))
            self.assertEqual(pickle.loads(found.value_bytes), number + 1)
            self.start("crash %d" % number, "import os\ndef task():\n    os._exit(3)\n")
            self.assertEqual(self.answer(), "done 195")

    def test_cancel_ends_the_task_and_the_next_one_runs(self):
        self.say("cancel")
        source = (
            "import time\ndef task(seconds):\n    open('../began', 'w').close()\n    time.sleep(seconds)\n"
        )
        self.start("first", source, 60)
        deadline = time.time() + PATIENCE
        while not os.path.exists(self.path("first", "began")):
            self.assertTrue(time.time() < deadline, "waited in vain")
            time.sleep(0.01)
        self.say("cancel")
        self.assertEqual(self.answer(), "cancelled")
        self.start("second", source, 0)
        self.assertEqual(self.answer(), "done 0")

    def test_the_end_of_stdin_ends_worker_and_task(self):
        self.start("slot", "import time\ndef task():\n    time.sleep(60)\n")
        started = time.time()
        self.worker.stdin.close()
        self.assertEqual(self.worker.wait(), 0)
        self.assertTrue(time.time() - started < PATIENCE)

    def test_what_is_not_understood_is_status_2(self):
        self.say("walk")
        self.assertEqual(self.worker.wait(), 2)


if __name__ == "__main__":
    unittest.main()
