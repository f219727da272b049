"""For the suite: packs bundles and runs pymw_worker.task as the supervisor does."""

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
import zipfile

from pymw_worker import arguments, bundle, names, outcome, text

START = "import sys;sys.path[0]=sys.argv.pop(1);import pymw_worker.task as m;m.main()"
CLOUDPICKLE = os.environ.get("PYMW_TEST_CLOUDPICKLE")  # the folder of the cloudpickle package
HAS_CLOUDPICKLE = CLOUDPICKLE is not None and sys.version_info >= (3, 8)


class FolderCase(unittest.TestCase):
    """A test with an empty folder of its own."""

    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp("-pymw suite"))

    def tearDown(self):
        shutil.rmtree(self.folder)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def raised(self, kind, call, *values):
        """The exception of this kind that call(*values) raises."""
        try:
            call(*values)
        except kind:
            return sys.exc_info()[1]
        self.fail("%s was not raised" % kind.__name__)


class TaskCase(FolderCase):
    """A test that runs tasks in a slot folder."""

    def setUp(self):
        FolderCase.setUp(self)
        os.mkdir(self.path(names.TASK_FOLDER))

    def run_source(self, source, entry="task", args=(), kwargs=None, **options):
        """Run a function given as source; returns (Outcome, its value, stdout, stderr)."""
        options.setdefault("python", "2.5-")
        code = bundle.pack(bundle.SOURCE, entry, function=text.to_bytes(source), **options)
        return self.run_bundle(code, pickle.dumps((args, kwargs or {}), 2))

    def run_bundle(self, code, given):
        status, stdout, stderr = finish(self.start_bundle(code, given))
        self.assertEqual(status, 0, stderr)
        found = outcome.read(self.path(names.OUTCOME))
        value = None
        if found.status == outcome.VALUE:
            value = pickle.loads(found.value_bytes)
        return found, value, stdout, stderr

    def start_bundle(self, code, given):
        """Start the task of a bundle and the pickle of its arguments; returns the process."""
        self.write(names.BUNDLE, code)
        digest = bundle.read(self.path(names.BUNDLE)).digest
        self.write(names.ARGUMENTS, arguments.pack(digest, "task 1", given))
        return self.start()

    def start(self):
        environment = dict([item for item in os.environ.items() if not item[0].startswith("PYTHON")])
        environment["PYTHONHASHSEED"] = "0"
        environment["LC_ALL"] = "C"
        paths = [archive(), self.path(names.BUNDLE), self.path(names.ARGUMENTS), self.folder]
        process = subprocess.Popen(
            [sys.executable, "-c", START] + paths,
            cwd=self.path(names.TASK_FOLDER),
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        process.stdin.close()
        return process

    def write(self, name, data):
        stream = open(self.path(name), "wb")
        stream.write(data)
        stream.close()

    def traceback(self):
        stream = open(self.path(names.TRACEBACK), "rb")
        try:
            return text.to_text(stream.read())
        finally:
            stream.close()


def finish(process):
    """Wait for a task's process; returns (exit status, stdout, stderr)."""
    output = []

    def read(stream):
        output.append((stream, text.to_text(stream.read())))
        stream.close()

    readers = [threading.Thread(target=read, args=(stream,)) for stream in (process.stdout, process.stderr)]
    for reader in readers:
        reader.start()
    status = process.wait()
    for reader in readers:
        reader.join()
    texts = dict(output)
    return status, texts[process.stdout], texts[process.stderr]


_archive = []


def archive():
    """The worker archive, as the packager makes it: pymw_worker and cloudpickle in one zip file."""
    if not _archive:
        import atexit

        import pymw_worker

        folder = tempfile.mkdtemp("-pymw-archive")
        atexit.register(shutil.rmtree, folder)
        path = os.path.join(folder, "pymw_worker.zip")
        packages = [os.path.dirname(os.path.abspath(pymw_worker.__file__))]
        if HAS_CLOUDPICKLE:
            packages.append(CLOUDPICKLE)
        target = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        for package in packages:
            _add(target, package, os.path.basename(package))
        target.close()
        _archive.append(path)
    return _archive[0]


def _add(target, folder, name):
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        if os.path.isdir(path):
            _add(target, path, name + "/" + entry)
        elif entry.endswith(".py"):
            target.write(path, name + "/" + entry)
