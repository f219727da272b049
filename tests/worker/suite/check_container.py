"""The container: what was written is read again, and every damage is one FormatError."""

import unittest

import running
from pymw_worker import bundle, container, log, manifest, outcome, text
from pymw_worker.errors import FormatError

EMPTY = "".encode("ascii")


class Containers(running.FolderCase):
    def write(self, data):
        path = self.path("file")
        stream = open(path, "wb")
        stream.write(data)
        stream.close()
        return path

    def box(self, facts=None, members=None, compress=True):
        return container.read(self.write(container.pack("log", facts or {}, members or {}, compress)), "log")

    def test_facts_and_members_come_back(self):
        umlaut = text.to_text("\xc3\xa4" if not text.PYTHON_3 else "\xe4")
        facts = {"a": "plain", "b": "two\nlines, \\x and \\", "c": umlaut, "d": ""}
        members = {"x": EMPTY, "folder/y": text.to_bytes("data " * 100000)}
        for compress in (True, False):
            box = self.box(facts, members, compress)
            self.assertEqual(box.facts, facts)
            self.assertEqual(dict([(name, box.read(name)) for name in box.members]), members)

    def test_the_same_contents_are_the_same_bytes(self):
        names = ["m%d" % i for i in range(50)]
        forwards = dict([(name, EMPTY) for name in names])
        backwards = dict([(name, EMPTY) for name in names[::-1]])
        self.assertEqual(container.pack("log", forwards, {}), container.pack("log", backwards, {}))
        self.assertEqual(container.pack("log", {}, forwards), container.pack("log", {}, backwards))

    def test_any_truncation_and_any_byte_too_many_is_noticed(self):
        data = container.pack("log", {"a": "b"}, {"x": text.to_bytes("some data")})
        for size in range(len(data)):
            path = self.write(data[:size])
            message = str(self.raised(FormatError, container.read, path, "log"))
            self.assertTrue("truncated" in message, message)
        message = str(self.raised(FormatError, container.read, self.write(data + EMPTY + data[:1]), "log"))
        self.assertTrue("1 bytes too many" in message, message)

    def test_each_kind_of_wrong_file_has_its_own_sentence(self):
        good = container.pack("log", {}, {})
        for data, words in [
            (text.to_bytes("PK\x03\x04 anything else"), "is not a PyMW file"),
            (good.replace(text.to_bytes("PYMW 1"), text.to_bytes("PYMW 2")), "format version 2"),
            (container.pack("result", {}, {}), "is of the kind result, not log"),
        ]:
            message = str(self.raised(FormatError, container.read, self.write(data), "log"))
            self.assertTrue(words in message, message)
        message = str(self.raised(FormatError, container.read, self.path("none"), "log"))
        self.assertTrue("No such file" in message, message)

    def test_a_bomb_stops_at_its_declared_size(self):
        data = container.pack("log", {}, {"x": text.to_bytes("0" * 5000000)}, compress=True)
        self.assertTrue(len(data) < 10000)
        forged = self.write(resealed(data.replace(text.to_bytes(" 5000000 "), text.to_bytes(" 1000 "))))
        pieces = []
        self.raised(FormatError, container.read(forged, "log").copy, "x", pieces.append)
        self.assertTrue(sum([len(piece) for piece in pieces]) <= 1001)
        message = str(self.raised(FormatError, container.read, self.write(data), "log", 4999999))
        self.assertTrue("too large" in message, message)

    def test_names_that_cannot_be_unpacked_everywhere_are_refused(self):
        for names in [
            ["/etc/passwd"], ["../x"], ["a/../b"], ["a//b"], ["a/"], ["./a"], ["a\\b"], ["c:x"], ["a\nb"],
            [""], ["x" * 200], ["/".join(["abcdefgh"] * 80)], ["aux"], ["Con.txt"], ["a/LPT1"], ["dot."],
            ["space "], ["A", "a"], ["a", "a/b"], ["a/b", "A"], ["Folder/x", "folder"],
        ]:  # fmt: skip
            members = dict([(name, EMPTY) for name in names])
            self.raised(FormatError, container.pack, "log", {}, members)
            forged = container.pack("log", {}, {})[:-2]
            self.assertTrue(forged.endswith(digest_line(forged)))
            lines = "".join([manifest.Member("0" * 64, 0, 0, "none", name).line() for name in sorted(names)])
            forged = resealed(text.to_bytes("PYMW 1 log\n" + lines + "\nsha256 " + "0" * 64 + "\n\n"))
            self.raised(FormatError, container.read, self.write(forged), "log")
        self.assertEqual(len(self.box({}, {"a b/.hidden": EMPTY, "A/console": EMPTY}).members), 2)

    def test_the_order_of_facts_and_members_is_fixed(self):
        for lines in [
            "b: 1\na: 2\n",
            "a: 1\na: 2\n",
            "a:1\n",
            "A: 1\n",
            "a: \x01\n",
            "a: \\n\n",
            "*member\n",
        ]:
            forged = resealed(text.to_bytes("PYMW 1 log\n" + lines + "\nsha256 " + "0" * 64 + "\n\n"))
            self.raised(FormatError, container.read, self.write(forged), "log")


class Kinds(running.FolderCase):
    def test_an_outcome_comes_back(self):
        path = self.path("result")
        outcome.write(path, outcome.VALUE, value_bytes=text.to_bytes("N."))
        found = outcome.read(path)
        self.assertEqual((found.status, found.value_bytes), (outcome.VALUE, text.to_bytes("N.")))
        outcome.write_died(path, "signal 11\nsegmentation fault in <Thing object at 0x7f00dead>")
        found = outcome.read(path)
        self.assertEqual(found.status, outcome.DIED)
        self.assertEqual(found.message, "signal 11\nsegmentation fault in <Thing object>")

    def test_results_that_contradict_themselves_are_refused(self):
        for facts, members in [
            ({}, {}),
            ({"status": "fine"}, {}),
            ({"status": "value"}, {}),
            ({"status": "died"}, {"value": EMPTY}),
            ({"status": "value"}, {"value": EMPTY, "exception": EMPTY}),
        ]:
            path = self.path("result")
            container.write(path, outcome.KIND, facts, members)
            self.raised(FormatError, outcome.read, path)
        container.write(path, outcome.KIND, {"status": "value"}, {"value": text.to_bytes("0" * 999)}, True)
        self.assertTrue("compressed" in str(self.raised(FormatError, outcome.read, path)))

    def test_a_log_comes_back(self):
        path = self.path("log")
        log.write(path, {"cpu": "1.5"}, text.to_bytes("out"), text.to_bytes("err"), "trace\nback")
        found = log.read(path)
        self.assertEqual((found.facts, found.traceback), ({"cpu": "1.5"}, "trace\nback"))
        self.assertEqual((found.stdout, found.stderr), (text.to_bytes("out"), text.to_bytes("err")))

    def test_ranges_of_python_versions(self):
        for python, yes, no in [
            ("3.11", [(3, 11)], [(3, 10), (3, 12)]),
            ("2.5-", [(2, 5), (3, 14)], [(2, 4)]),
            ("2.7-3.9", [(2, 7), (3, 0), (3, 9)], [(2, 6), (3, 10)]),
        ]:
            for version in yes:
                self.assertTrue(bundle.accepts(python, version))
            for version in no:
                self.assertFalse(bundle.accepts(python, version))
        for python in ("", "3", "3.x", "-3.9", "3.9-3", "3.11 ", "3.11\n", ">=3.9"):
            self.raised(FormatError, bundle.accepts, python)

    def test_a_bundle_with_strange_contents_is_refused(self):
        good = {"form": "source", "entry": "f", "python": "2.5-"}
        for facts, members in [
            (good, {}),
            ({"entry": "f", "python": "2.5-"}, {"function": EMPTY}),
            (dict(good, form="zip"), {"function": EMPTY}),
            (dict(good, python="3"), {"function": EMPTY}),
            (dict(good, requires="os; import evil"), {"function": EMPTY}),
            (good, {"function": EMPTY, "other/x": EMPTY}),
            (good, {"function": EMPTY, "files/x.py": EMPTY, "modules/X.py": EMPTY}),
            (good, {"function": EMPTY, "files/pymw_main.py": EMPTY}),
        ]:
            path = self.path("bundle")
            container.write(path, bundle.KIND, facts, members)
            self.raised(FormatError, bundle.read, path)


def digest_line(data):
    """The last line of `data`: the seal of a container without members."""
    return data[data.rindex(text.to_bytes("\nsha256 ")) + 1 :]


def resealed(data):
    """A container with the right SHA-256 for its manifest: what a forger, not a bad disk, would make."""
    import hashlib

    end = data.index(text.to_bytes("\n\n")) + 2
    seal = text.to_bytes("sha256 %s\n" % hashlib.sha256(data[:end]).hexdigest())
    return data[:end] + seal + data[end + len(seal) :]


if __name__ == "__main__":
    unittest.main()
