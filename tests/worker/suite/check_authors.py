"""What task authors call: progress and checkpoints. And the durable files beneath."""

import os
import sys
import time
import unittest

import pymw_worker
import running
from pymw_worker import checkpoint, durable, names, reporting, text


class Durable(running.FolderCase):
    def test_a_file_is_replaced_and_nothing_is_left_behind(self):
        path = self.path("file")
        for word in ("first", "second"):
            durable.write_bytes(path, text.to_bytes(word))
            self.assertEqual(self.contents("file"), text.to_bytes(word))
        self.assertEqual(os.listdir(self.folder), ["file"])

    def test_a_failure_leaves_the_old_version(self):
        durable.write_bytes(self.path("file"), text.to_bytes("old"))

        def fail(write):
            write(text.to_bytes("ne"))
            raise RuntimeError()

        self.raised(RuntimeError, durable.write, self.path("file"), fail)
        self.assertEqual(self.contents("file"), text.to_bytes("old"))
        self.assertEqual(os.listdir(self.folder), ["file"])
        self.raised(EnvironmentError, durable.write_bytes, self.path("no", "file"), text.to_bytes(""))

    def test_leftovers_of_killed_processes_are_swept(self):
        for name in ("a" + durable.TEMPORARY, "file"):
            open(self.path(name), "w").close()
        durable.sweep(self.folder)
        self.assertEqual(os.listdir(self.folder), ["file"])

    def contents(self, name):
        stream = open(self.path(name), "rb")
        try:
            return stream.read()
        finally:
            stream.close()


class SlotCase(running.FolderCase):
    def setUp(self):
        running.FolderCase.setUp(self)
        os.environ[names.SLOT_VARIABLE] = self.folder
        reporting._last[0] = None

    def tearDown(self):
        os.environ.pop(names.SLOT_VARIABLE, None)
        running.FolderCase.tearDown(self)


class Progress(SlotCase):
    def told(self, fraction):
        reporting._last[0] = None
        pymw_worker.progress(fraction)
        return reporting.read_progress(self.path(names.PROGRESS))

    def test_the_supervisor_reads_what_the_task_told(self):
        self.assertEqual(reporting.read_progress(self.path(names.PROGRESS)), None)
        self.assertEqual([self.told(x) for x in (0, 0.25, 1)], [0.0, 0.25, 1.0])

    def test_numbers_out_of_range_are_clamped_and_nan_is_ignored(self):
        infinity = 1e300 * 1e300
        found = [self.told(x) for x in (0.5, -1, 7, -infinity, infinity, 0.5, infinity - infinity)]
        self.assertEqual(found, [0.5, 0.0, 1.0, 0.0, 1.0, 0.5, 0.5])

    def test_a_million_calls_write_hardly_ever(self):
        started = time.time()
        for i in range(200000):
            pymw_worker.progress(i / 200000.0)
        elapsed = time.time() - started
        self.assertTrue(elapsed < 4.0, elapsed)
        self.assertTrue(reporting.read_progress(self.path(names.PROGRESS)) is not None)

    def test_a_file_that_cannot_be_written_is_no_error(self):
        os.mkdir(self.path(names.PROGRESS))
        self.assertEqual(self.told(0.5), None)

    def test_garbage_is_no_progress(self):
        for garbage in ("", "x", "0.5 0.6", "nan"):
            stream = open(self.path(names.PROGRESS), "w")
            stream.write(garbage)
            stream.close()
            self.assertEqual(reporting.read_progress(self.path(names.PROGRESS)), None)


class Checkpoints(SlotCase):
    def test_the_last_state_is_loaded(self):
        self.assertEqual(checkpoint.load("default"), "default")
        for i in range(3):
            checkpoint.save({"i": i})
        self.assertEqual(checkpoint.load(), {"i": 2})

    def test_a_damaged_checkpoint_is_said_and_the_default_is_loaded(self):
        checkpoint.save([1, 2, 3])
        path = self.path(names.CHECKPOINT)
        for offset in (2, 40, -3):
            stream = open(path, "rb")
            data = stream.read()
            stream.close()
            damaged = data[:offset] + text.to_bytes("?") + data[offset:][1:]
            stream = open(path, "wb")
            stream.write(damaged)
            stream.close()
            self.assertEqual(self.load_quietly(), "default")
            stream = open(path, "wb")
            stream.write(data)
            stream.close()
        self.assertEqual(checkpoint.load(), [1, 2, 3])

    def test_a_state_that_cannot_be_pickled_leaves_the_one_before(self):
        checkpoint.save("before")
        self.raised(Exception, checkpoint.save, [sys.stdout.write, (i for i in [])])
        self.assertEqual(checkpoint.load(), "before")
        self.assertEqual(os.listdir(self.folder), [names.CHECKPOINT])

    def test_outside_a_worker_nothing_happens(self):
        del os.environ[names.SLOT_VARIABLE]
        checkpoint.save(1)
        pymw_worker.progress(0.5)
        self.assertEqual(checkpoint.load(2), 2)
        self.assertEqual(os.listdir(self.folder), [])

    def load_quietly(self):
        stderr, sys.stderr = sys.stderr, open(self.path("stderr"), "w")
        try:
            return checkpoint.load("default")
        finally:
            sys.stderr.close()
            sys.stderr = stderr
            stream = open(self.path("stderr"))
            self.assertTrue("checkpoint cannot be used" in stream.read())
            stream.close()
            os.remove(self.path("stderr"))


if __name__ == "__main__":
    unittest.main()
