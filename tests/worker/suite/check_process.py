"""The task's tree: started, held, measured and killed as a whole; its output kept."""

import errno
import os
import subprocess
import sys
import time
import unittest

import running
from pymw_worker import capture, clock, process

PRELUDE = (
    "import os, subprocess, sys, time\nPRINT = lambda x: (sys.stdout.write(x + '\\n'), sys.stdout.flush())\n"
)
# Writes numbers to the file `count`, in a process of its own if told so.
COUNT = (
    "import time\n"
    "out = open('count', 'a')\n"
    "for number in range(6000):\n"
    "    out.write('%d\\n' % number)\n"
    "    out.flush()\n"
    "    time.sleep(0.01)\n"
)
PATIENCE = 20.0  # seconds; computers that test are busy


class TreeCase(running.FolderCase):
    def setUp(self):
        running.FolderCase.setUp(self)
        self.tree = None

    def tearDown(self):
        if self.tree is not None:
            self.tree.kill(0.0)
            for pipe in (self.tree.stdout, self.tree.stderr):
                pipe.close()
        running.FolderCase.tearDown(self)

    def start(self, program, *arguments):
        command = [sys.executable, "-c", PRELUDE + program] + list(arguments)
        self.tree = process.spawn(command, self.folder, dict(os.environ))
        return self.tree

    def wait(self, condition):
        deadline = time.time() + PATIENCE
        while not condition():
            self.assertTrue(time.time() < deadline, "waited in vain")
            time.sleep(0.01)

    def ended(self):
        self.wait(lambda: self.tree.poll() is not None)
        return self.tree.status

    def count(self):
        """The last number in the file `count`."""
        self.wait(lambda: os.path.exists(self.path("count")) and os.path.getsize(self.path("count")) > 10)
        stream = open(self.path("count"))
        try:
            return int(stream.read().split("\n")[-2])
        finally:
            stream.close()


class Tree(TreeCase):
    def test_the_exit_status_is_the_first_processs(self):
        self.start("sys.exit(7)")
        self.assertEqual(self.ended(), 7)

    def test_its_folder_variables_and_pipes_are_given(self):
        os.environ["PYMW_TEST"] = "x"
        self.start("PRINT(os.environ['PYMW_TEST'] + sys.stdin.read() + os.getcwd())")
        self.assertEqual(self.tree.stdout.read().decode("ascii").strip(), "x" + self.folder)

    def test_a_program_that_is_not_there_is_an_environment_error(self):
        self.raised(EnvironmentError, process.spawn, [self.path("nothing")], self.folder, dict(os.environ))

    def test_suspend_and_resume_hold_the_first_process(self):
        self.start(COUNT)
        self.hold_and_go_on()

    def test_suspend_and_resume_hold_a_child(self):
        self.start("subprocess.call([sys.executable, '-c', sys.argv[1]])", COUNT)
        self.hold_and_go_on()

    def hold_and_go_on(self):
        self.count()
        for _ in range(2):
            self.tree.suspend()
            time.sleep(0.1)
            held = self.count()
            time.sleep(0.3)
            self.assertEqual(self.count(), held)
            self.tree.resume()
            self.wait(lambda: self.count() > held)

    def test_kill_ends_children_too_also_suspended_ones(self):
        self.start("subprocess.call([sys.executable, '-c', sys.argv[1]])", COUNT)
        self.count()
        self.tree.suspend()
        self.tree.kill(1.0)
        self.assertTrue(self.tree.status is not None)
        ended = self.count()
        time.sleep(0.2)
        self.assertEqual(self.count(), ended)

    def test_kill_ends_what_the_first_process_has_left_behind(self):
        self.start("subprocess.Popen([sys.executable, '-c', sys.argv[1]])", COUNT)
        self.count()
        self.assertEqual(self.ended(), 0)
        self.tree.kill(1.0)
        ended = self.count()
        time.sleep(0.2)
        self.assertEqual(self.count(), ended)

    def test_cpu_time_only_rises(self):
        self.start("while sum(os.times()[:2]) < 0.1: pass\nPRINT('done')\ntime.sleep(60)")
        self.tree.stdout.readline()
        first = self.tree.cpu_time()
        self.assertTrue(0.0 < first < 60.0, first)
        self.tree.kill(0.0)
        self.assertTrue(self.tree.cpu_time() >= first)


class Fork(TreeCase):
    def test_a_folder_that_is_not_there_is_an_environment_error_and_leaves_nothing(self):
        if os.name == "nt":
            return
        from pymw_worker import census, forking, interruption

        forker = forking.Forker(interruption.Interruption(), sys.modules)
        before = census.children()
        words = [self.path("bundle"), self.path("arguments"), self.folder]
        for _ in range(2):
            error = self.raised(EnvironmentError, forker.start, words, self.path("nothing"), dict(os.environ))
            self.assertEqual(error.errno, errno.ENOENT)
        self.assertEqual(census.children(), before)


class WithPs(TreeCase):
    """Where there is no /proc, as on macOS, `ps` tells who belongs to the tree."""

    def setUp(self):
        TreeCase.setUp(self)
        if os.name != "nt":
            from pymw_worker import census

            self.census, self.proc, census._PROC = census, census._PROC, self.path("no proc")

    def tearDown(self):
        TreeCase.tearDown(self)
        if os.name != "nt":
            self.census._PROC = self.proc

    def test_a_process_that_has_left_the_group_is_held_and_killed(self):
        if os.name == "nt" or not self.has_ps():
            return
        self.start("if os.fork() == 0:\n    os.setsid()\n    exec(sys.argv[1])\ntime.sleep(60)", COUNT)
        self.count()
        self.assertTrue(self.tree.cpu_time() >= 0.0)
        self.tree.suspend()
        time.sleep(0.1)
        held = self.count()
        time.sleep(0.3)
        self.assertEqual(self.count(), held)
        self.tree.kill(1.0)
        self.assertEqual(self.count(), held)

    def has_ps(self):
        try:
            return subprocess.Popen(["ps"], stdout=subprocess.PIPE).communicate()[0] != ""
        except EnvironmentError:
            return False

    def test_the_times_of_ps_are_seconds(self):
        if os.name != "nt":
            times = [self.census._seconds(text) for text in ("1:02", "0:00.25", "01:00:00", "2-00:00:01")]
            self.assertEqual(times, [62.0, 0.25, 3600.0, 172801.0])


class Capture(TreeCase):
    def test_the_last_bytes_are_kept_and_the_rest_is_counted(self):
        self.start("for _ in range(1000): sys.stdout.write('0123456789' * 10)\nsys.stdout.write('end')")
        found = capture.Capture(self.tree.stdout, 250)
        data, cut = found.finish(PATIENCE)
        self.assertEqual((len(data), data[-5:].decode("ascii"), cut), (250, "89end", 100003 - 250))
        self.assertTrue(found.closed)

    def test_nothing_is_nothing(self):
        self.start("")
        data, cut = capture.Capture(self.tree.stdout).finish(PATIENCE)
        self.assertEqual((len(data), cut), (0, 0))

    def test_finish_does_not_wait_for_ever(self):
        self.start("PRINT('first')\ntime.sleep(60)")
        found = capture.Capture(self.tree.stdout)
        self.wait(lambda: found.finish(0.1)[0])
        started = clock.Clock().now()
        self.assertTrue(found.finish(0.1)[0].decode("ascii").startswith("first"))
        self.assertTrue(clock.Clock().now() - started < PATIENCE)
        self.assertFalse(found.closed)


class Words(unittest.TestCase):
    def test_how_a_process_ended_is_said_with_the_likely_cause(self):
        signals = [(-9, ["signal 9", "memory"]), (-11, ["signal 11", "compiled code"])]
        if os.name == "nt":
            signals = []
        for status, words in signals + [
            (3, ["exit status 3"]),
            (0xC0000005, ["0xC0000005", "access violation"]),
            (0xC0000017, ["no memory"]),
            (0xC1234567, ["0xC1234567"]),
        ]:
            said = process.describe(status)
            for word in words:
                self.assertTrue(word in said, said)
