"""Canonical pickles: equal bytes for equal values."""

import datetime
import decimal
import hashlib
import pickle
import unittest

from pymw_worker import text, values
from pymw_worker.errors import Unreturnable

try:
    import numpy
except ImportError:
    numpy = None

# Computed with Python 3.11; what counts is that all others agree.
UNDER_PYTHON_3 = "2180f547c355f5c69d33022f843ee5f6e1bcd3a92ab1f2e765783e38c7d63870"


class Node(object):
    """Something with attributes."""


def built(word):
    """An equal string that is another object."""
    return "".join(list(word))


class EqualValues(unittest.TestCase):
    def same(self, first, second):
        written = values.dumps(first)
        self.assertEqual(written, values.dumps(second))
        return pickle.loads(written)

    def test_shared_and_equal_parts_make_no_difference(self):
        part = ["word", 1.5]
        value = self.same([part, part, "word"], [["word", 1.5], [built("word"), 1.5], built("word")])
        self.assertEqual(value, [part, part, "word"])
        self.same({"key": "key"}, {built("key"): built("key")})

    def test_sets_are_written_in_one_order(self):
        words = [str(i) for i in range(1000)]
        grown = set(words)
        for word in words[5:]:
            grown.remove(word)
        self.assertEqual(self.same(set(words[:5]), grown), grown)
        self.same(set([8, 0]), set([0, 8]))  # both fall into slot 0 of the hash table: the first one keeps it
        self.same([frozenset([8, 0]), 1], [frozenset([0, 8]), 1])
        nested = self.same(set([frozenset([8, 0]), ("a", 1)]), set([("a", 1), frozenset([0, 8])]))
        self.assertEqual(nested, set([("a", 1), frozenset([8, 0])]))

    def test_objects_and_their_attributes(self):
        first, second = Node(), Node()
        first.words, second.words = set([8, 0]), set([0, 8])
        self.assertEqual(self.same(first, second).words, set([0, 8]))

    def test_common_types_come_back(self):
        for value in [
            None, True, 10**40, -1.5, 2j, "", text.to_bytes("raw"), (), (1,), [[]], {}, {"a": [1, {}]}, set(),
            decimal.Decimal("1.10"), datetime.date(2020, 2, 29), slice, KeyError, len,
        ]:  # fmt: skip
            self.assertEqual(pickle.loads(values.dumps(value)), value)

    def test_the_order_of_a_dictionary_is_kept(self):
        value = pickle.loads(values.dumps(dict([(i, None) for i in (3, 1, 2)])))
        self.assertEqual(list(value), list(dict([(i, None) for i in (3, 1, 2)])))


class EqualPythons(unittest.TestCase):
    """Replicas may run under different versions of Python 3, each with its own hash seed in this suite."""

    def test_plain_data_has_the_same_bytes_under_every_python_3(self):
        value = {
            "numbers": [0, -1, 255, 65536, 2**31, 10**40, 1.5, -0.0, 2j, True, None],
            "strings": ["", "word", text.to_bytes("\x00raw"), "long" * 50000, text.to_bytes("raw") * 50000],
            "sequences": [list(range(1001)), (1,) * 2001, [[(), []]]],
            "sets": [set("word"), set(), frozenset([frozenset(["a", "b"]), ("c", 1)])],
            "stamps": [datetime.datetime(2020, 2, 29, 12, 30), decimal.Decimal("1.10")],
            "mappings": dict([(str(i), i) for i in range(1001)]),
        }
        written = values.dumps(value)
        self.assertEqual(pickle.loads(written), value)
        if text.PYTHON_3:
            self.assertEqual(hashlib.sha256(written).hexdigest(), UNDER_PYTHON_3)


class DifficultValues(unittest.TestCase):
    def test_values_that_contain_themselves(self):
        ring = ["ring"]
        ring.append(ring)
        found = pickle.loads(values.dumps(ring))
        self.assertTrue(found[1] is found)
        node = Node()
        node.friends = set([node])
        found = pickle.loads(values.dumps(node))
        self.assertTrue(list(found.friends)[0] is found)

    def test_values_that_would_explode_without_memo(self):
        tangle = []
        for _ in range(60):
            tangle = [tangle, tangle]
        self.assertTrue(len(values.dumps(tangle)) < 1000)
        word = "x" * 100000
        many = [word] * 1000
        self.assertTrue(len(values.dumps(many)) < 2 * len(word))

    def test_values_beyond_the_allowance_are_canonical_too(self):
        allowance, values.ALLOWANCE = values.ALLOWANCE, 1000
        try:
            word = "word" * 10
            self.assertEqual(values.dumps([word] * 4), values.dumps([built(word) for _ in range(4)]))
            many = [[i, word] for i in range(1000)]
            self.assertEqual(values.dumps(many), values.dumps([[i, built(word)] for i in range(1000)]))
        finally:
            values.ALLOWANCE = allowance

    def test_what_cannot_be_pickled_is_named(self):
        for value in [lambda: 0, [built, (i for i in [])]]:
            try:
                values.dumps(value)
                self.fail("%r was pickled" % (value,))
            except Unreturnable:
                pass

    def test_names_of_types(self):
        self.assertEqual(values.type_name(1), "int")
        self.assertEqual(values.type_name(KeyError()), "KeyError")
        self.assertEqual(values.type_name(decimal.Decimal()), "decimal.Decimal")


class Arrays(unittest.TestCase):
    def test_arrays_that_were_made_in_different_ways(self):
        array = numpy.arange(100000, dtype="f8")
        written = values.dumps({"a": array, "b": [array[:3], numpy.float64(2)]})
        other = numpy.concatenate([numpy.arange(5.0), numpy.arange(5.0, 100000.0)])
        self.assertEqual(written, values.dumps({"a": other, "b": [other[:3].copy(), numpy.float64(1) * 2]}))
        found = pickle.loads(written)
        self.assertTrue((found["a"] == array).all() and found["a"].dtype == array.dtype)

    def test_structured_and_object_arrays(self):
        for array in [
            numpy.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
            numpy.array([set(["x"]), "y", None], dtype=object),
            numpy.array(["abc", ""]),
            numpy.zeros((3, 4), order="F"),
        ]:
            found = pickle.loads(values.dumps(array))
            self.assertTrue((found == array).all() and found.dtype == array.dtype)

    if numpy is None:
        del test_arrays_that_were_made_in_different_ways
        del test_structured_and_object_arrays


if __name__ == "__main__":
    unittest.main()
