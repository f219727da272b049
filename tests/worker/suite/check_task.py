"""A task in its own process: what becomes of it is always said, and said right."""

import os
import pickle
import unittest

import running
from pymw_worker import bundle, names, outcome, text


class FormsOfFunctions(running.TaskCase):
    def test_a_source_function_returns_its_value(self):
        found, value, stdout, _ = self.run_source(
            "def twice(x):\n"
            "    return 2 * x\n"
            "def task(x, y=1):\n"
            "    print('hello')\n"
            "    return [twice(x), y]\n",
            args=(4,),
            kwargs={"y": 3},
        )
        self.assertEqual((found.status, value, stdout), (outcome.VALUE, [8, 3], "hello\n"))

    def test_modules_and_files_arrive_in_the_task_folder(self):
        found, value, _, _ = self.run_source(
            "import helper, package.inner\n"
            "def task():\n"
            "    stream = open('tables/a.txt')\n"
            "    data = stream.read()\n"
            "    stream.close()\n"
            "    return [helper.NAME, package.inner.NAME, data]\n",
            modules={
                "helper.py": text.to_bytes("NAME = 'h'\n"),
                "package/__init__.py": text.to_bytes(""),
                "package/inner.py": text.to_bytes("NAME = 'i'\n"),
            },
            files={"tables/a.txt": text.to_bytes("1 2 3")},
        )
        self.assertEqual((found.status, value), (outcome.VALUE, ["h", "i", "1 2 3"]), found.message)

    def test_a_file_that_the_task_has_changed_is_left_alone_by_a_restart(self):
        source = (
            "def task():\n"
            "    stream = open('n', 'r+')\n"
            "    n = int(stream.read()) + 1\n"
            "    stream.seek(0)\n"
            "    stream.write(str(n))\n"
            "    stream.close()\n"
            "    return n\n"
        )
        values = [self.run_source(source, files={"n": text.to_bytes("1")})[1] for _ in range(2)]
        self.assertEqual(values, [2, 3])

    def test_the_task_looks_like_a_program(self):
        found, value, _, _ = self.run_source(
            "import os, sys\n"
            "def task():\n"
            "    here = os.path.basename(os.getcwd())\n"
            "    return [len(sys.argv), os.path.exists(sys.argv[0]), here, sys.stdin.read(), __name__]\n"
        )
        self.assertEqual(value, [1, True, names.TASK_FOLDER, "", "__main__"], found.message)

    def test_main_holds_the_program_alone(self):
        source = (
            "NAME = 1\ndef task():\n    return sorted([n for n in globals() if not n.startswith('__')])\n"
        )
        self.assertEqual(self.run_source(source)[1], ["NAME", "task"])

    def test_replicas_order_their_sets_alike(self):
        source = "def task():\n    return [hash('a'), list(set(['a', 'b', 'c', 'd', 'e']))]\n"
        self.assertEqual(self.run_source(source)[1], self.run_source(source)[1])


class Failures(running.TaskCase):
    def test_an_exception_is_a_result_with_the_traceback_of_the_users_frames(self):
        found = self.run_source("def task():\n    x = {}\n    return x['key']\n")[0]
        self.assertEqual((found.status, found.type, found.message), (outcome.EXCEPTION, "KeyError", "'key'"))
        self.assertEqual(pickle.loads(found.exception_bytes).args, ("key",))
        self.assertTrue("return x['key']" in self.traceback(), self.traceback())
        self.assertFalse("pymw_worker" in self.traceback(), self.traceback())

    def test_leaving_and_interrupting_are_exceptions_of_the_task(self):
        for statement, name in [
            ("import sys; sys.exit(3)", "SystemExit"),
            ("raise KeyboardInterrupt", "KeyboardInterrupt"),
            ("task()", None),
        ]:
            found = self.run_source("def task():\n    %s\n" % statement)[0]
            self.assertEqual(found.status, outcome.EXCEPTION)
            self.assertTrue(found.type in (name, "RecursionError", "RuntimeError"), found.type)

    def test_an_exception_that_cannot_be_shown_or_pickled_still_arrives(self):
        found = self.run_source(
            "class Odd(Exception):\n"
            "    def __str__(self): raise ValueError('no')\n"
            "    def __reduce__(self): raise ValueError('no')\n"
            "def task():\n"
            "    raise Odd()\n"
        )[0]
        self.assertEqual((found.status, found.type, found.exception_bytes), (outcome.EXCEPTION, "Odd", None))
        self.assertTrue("Odd" in self.traceback())

    def test_a_value_that_cannot_be_pickled_is_named(self):
        found = self.run_source("def task():\n    return [lambda: 0]\n")[0]
        self.assertEqual(found.status, outcome.UNRETURNABLE)
        self.assertTrue("list" in found.message, found.message)

    def test_running_out_of_memory_is_told_apart(self):
        found = self.run_source("def task():\n    raise MemoryError()\n")[0]
        self.assertEqual(found.status, outcome.MEMORY)

    def test_what_cannot_be_loaded_here_says_why(self):
        for source, options, word, kind in [
            (
                "def task(): pass",
                {"requires": ["no_such_module_of_mine"]},
                "no_such_module_of_mine",
                "module",
            ),
            ("def task(:", {}, "SyntaxError", ""),
            ("import no_such_module_of_mine\ndef task(): pass", {}, "no_such_module_of_mine", "module"),
            ("def other(): pass", {}, "task", ""),
            ("def task(): pass", {"python": "2.4"}, "needs Python 2.4", "python"),
        ]:
            found = self.run_source(source, **options)[0]
            self.assertEqual((found.status, found.type), (outcome.UNLOADABLE, kind))
            self.assertTrue(word in found.message, found.message)

    def test_a_damaged_bundle_is_unloadable(self):
        self.run_source("def task(): pass")
        stream = open(self.path(names.BUNDLE), "r+b")
        stream.seek(-3, 2)
        stream.write(text.to_bytes("??"))
        stream.close()
        status = running.finish(self.start())[0]
        found = outcome.read(self.path(names.OUTCOME))
        self.assertEqual((status, found.status), (0, outcome.UNLOADABLE))
        self.assertTrue("damaged" in found.message, found.message)

    def test_arguments_of_another_bundle_are_refused(self):
        self.run_source("def task(): pass")
        other = bundle.pack(bundle.SOURCE, "task", "2.5-", text.to_bytes("def task(): raise OSError"))
        self.write(names.BUNDLE, other)
        running.finish(self.start())
        found = outcome.read(self.path(names.OUTCOME))
        self.assertEqual(found.status, outcome.UNLOADABLE)
        self.assertTrue("another code bundle" in found.message)

    def test_output_is_not_lost_when_the_process_dies(self):
        code = bundle.pack(
            bundle.SOURCE,
            "task",
            "2.5-",
            text.to_bytes("import os\ndef task():\n    print('before')\n    os.kill(os.getpid(), 9)\n"),
        )
        status, stdout, _ = running.finish(self.start_bundle(code, pickle.dumps(((), {}), 2)))
        self.assertEqual((abs(status), stdout), (9, "before\n"))  # Windows has no signals, but the number
        self.assertFalse(os.path.exists(self.path(names.OUTCOME)))

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

    if not hasattr(os, "fork"):
        del test_a_forked_process_that_returns_does_not_write_a_second_outcome

    def test_threads_left_behind_do_not_keep_the_process(self):
        found, value, _, _ = self.run_source(
            "import threading, time\n"
            "def task():\n"
            "    threading.Thread(target=time.sleep, args=(1000,)).start()\n"
            "    return 1\n"
        )
        self.assertEqual(value, 1)


if __name__ == "__main__":
    unittest.main()
