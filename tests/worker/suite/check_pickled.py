"""Functions that travel by cloudpickle: with their program's classes, into this very version of Python."""

import multiprocessing
import os
import pickle
import subprocess
import sys
import unittest

import running
from pymw_worker import bundle, names, outcome, text


class PickledFunctions(running.TaskCase):
    def pickled(self, source, entry="task", args="()"):
        """Bundle and arguments as a program makes them whose __main__ is this source."""
        maker = (
            "import sys; sys.path[0] = sys.argv[1]\nimport cloudpickle\n%s\n"
            "sys.stdout.buffer.write(cloudpickle.dumps([cloudpickle.dumps(%s), cloudpickle.dumps((%s, {}))]))"
        ) % (source, entry, args)
        process = subprocess.Popen([sys.executable, "-c", maker, running.archive()], stdout=subprocess.PIPE)
        function, given = pickle.loads(process.communicate()[0])
        code = bundle.pack(bundle.PICKLE, entry, "%d.%d" % sys.version_info[:2], function)
        return code, given

    def test_classes_of_the_program_arrive_by_value_and_leave_by_name(self):
        code, given = self.pickled(
            "class Point:\n"
            "    def __init__(self, x): self.x = x\n"
            "class Other(Point): pass\n"
            "def task(p): return [Point(p.x + 1), p]\n",
            args="(Other(3),)",
        )
        status, _, stderr = running.finish(self.start_bundle(code, given))
        self.assertEqual(status, 0, stderr)
        found = outcome.read(self.path(names.OUTCOME))
        self.assertEqual(found.status, outcome.VALUE, found.message)
        for name in ("Point", "Other"):
            self.assertTrue(text.to_bytes("c__main__\n%s\n" % name) in found.value_bytes)
        self.assertFalse(text.to_bytes("cloudpickle") in found.value_bytes)

    def test_a_checkpoint_holds_instances_of_the_programs_classes(self):
        code, given = self.pickled(
            "from pymw_worker import checkpoint\n"
            "class State:\n"
            "    i = 0\n"
            "def task():\n"
            "    state = checkpoint.load(State())\n"
            "    state.i += 1\n"
            "    checkpoint.save(state)\n"
            "    return [state.i, isinstance(state, State)]\n"
        )
        self.assertEqual(self.run_bundle(code, given)[1], [1, True])
        self.assertEqual(self.run_bundle(code, given)[1], [2, True])

    def test_another_minor_version_is_refused_before_anything_is_unpickled(self):
        trap = text.to_bytes("cos\nsystem\n(S'echo unpickled > unpickled'\ntR.")
        code = bundle.pack(bundle.PICKLE, "task", "3.99", trap)
        found = self.run_bundle(code, pickle.dumps(((), {}), 2))[0]
        self.assertEqual(found.status, outcome.UNLOADABLE)
        self.assertTrue("3.99" in found.message and "%d.%d" % sys.version_info[:2] in found.message)
        self.assertEqual(os.listdir(self.path(names.TASK_FOLDER)), [])

    def test_multiprocessing_finds_the_functions_of_the_program(self):
        source = (
            "import multiprocessing\n"
            "def square(x): return x * x\n"
            "def task(method):\n"
            "    pool = multiprocessing.get_context(method).Pool(2)\n"
            "    try: return pool.map(square, [1, 2, 3])\n"
            "    finally: pool.terminate(); pool.join()\n"
        )
        for method in multiprocessing.get_all_start_methods():
            code, given = self.pickled(source, args="(%r,)" % method)
            found, value, _, stderr = self.run_bundle(code, given)
            self.assertEqual((found.status, value), (outcome.VALUE, [1, 4, 9]), stderr)

    if not running.HAS_CLOUDPICKLE:
        del test_classes_of_the_program_arrive_by_value_and_leave_by_name
        del test_a_checkpoint_holds_instances_of_the_programs_classes
        del test_multiprocessing_finds_the_functions_of_the_program


if __name__ == "__main__":
    unittest.main()
