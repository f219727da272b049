"""Pickles that strangers may send to harm: each must be refused, at once, and with nothing run.

Run as a program it reads them all, with little memory and everything forbidden that code could do, and prints
the name of each that is not refused as it should be. CANARY is what an attack would make.
"""

from __future__ import annotations

import struct
import sys
import time
from collections.abc import Iterator

CANARY = "canary"
_COMMAND = f"touch {CANARY}".encode()

# A call of os.system in every way that pickle has.
CALLS = {
    "global and reduce": b"cos\nsystem\n(U%c%s\x85R." % (len(_COMMAND), _COMMAND),
    "global and reduce of protocol 0": b"cos\nsystem\n(S'%s'\ntR." % _COMMAND,
    "stack global": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c%c%s\x85R." % (len(_COMMAND), _COMMAND),
    "posix": b"cposix\nsystem\n(S'%s'\ntR." % _COMMAND,
    "inst": b"(S'%s'\nios\nsystem\n." % _COMMAND,
    "obj": b"(cos\nsystem\nS'%s'\no." % _COMMAND,
    "newobj": b"cos\nsystem\nU%c%s\x85\x81." % (len(_COMMAND), _COMMAND),
    "newobj ex": b"cos\nsystem\nU%c%s\x85}\x92." % (len(_COMMAND), _COMMAND),
    "copyreg newobj": b"ccopyreg\n__newobj__\ncos\nsystem\nU%c%s\x86R." % (len(_COMMAND), _COMMAND),
    "eval": b'c__builtin__\neval\n(S\'__import__("os").system("%s")\'\ntR.' % _COMMAND,
    "exec": b'cbuiltins\nexec\n(S\'open("canary","w")\'\ntR.',
    "open": b"cio\nopen\n(S'canary'\nS'w'\ntR.",
    "import": b"cbuiltins\n__import__\n(S'antigravity'\ntR.",
    "name that imports": b"cantigravity\nfly\n.",
    "type": b"cbuiltins\ntype\n(S'X'\n()}tR.",
    "map": b"cbuiltins\nmap\n(cos\nsystem\n]S'touch canary'\natR.",
    "functools partial": b"cfunctools\npartial\n(cos\nsystem\ntR(S'touch canary'\ntR.",
    "operator attrgetter": b"coperator\nattrgetter\n(S'system'\ntR.",
    "operator methodcaller": b"coperator\nmethodcaller\n(S'system'\nS'touch canary'\ntR.",
    "cloudpickle": b"ccloudpickle.cloudpickle\n_make_function\n(NNNNNtR.",
    "code": b"ctypes\nCodeType\n(tR.",
    "numpy runstring": b"cnumpy.testing._private.utils\nrunstring\n(S'1'\n}tR.",
    "numpy load": b"cnumpy\nload\n(S'canary'\ntR.",
    "defaultdict of a function": b"ccollections\ndefaultdict\n(cos\nsystem\ntR.",
    "callable that was built": b"cdecimal\nDecimal\n(S'1'\ntR(S'1'\ntR.",
    "persistent id": b"Pevil\n.",
    "binary persistent id": b"U\x04evilQ.",
    "extension 1": b"\x82\x01.",
    "extension 2": b"\x83\x01\x00.",
    "extension 4": b"\x84\x01\x00\x00\x00.",
    "next buffer": b"\x97.",
    "readonly buffer": b"N\x98.",
}

# Ways around a list of what is allowed. Values is tests.master.untrusted.values.
_V = b"tests.master.untrusted.values\n"
WALKS = {
    "getattr on an allowed class": b"cbuiltins\ngetattr\n(c" + _V + b"Plain\nS'__init__'\ntR.",
    "getattr twice": b"cbuiltins\ngetattr\n(cbuiltins\ngetattr\n(c"
    + _V
    + b"Plain\nS'__init__'\ntRS'__globals__'\ntR.",
    "getattr on a value": b"cbuiltins\ngetattr\n(S'x'\nS'format'\ntR.",
    "dotted name": b"\x80\x04\x8c\x1dtests.master.untrusted.values"
    b"\x8c\x1ePlain.__init__.__globals__.get\x93)R.",
    "dotted name in protocol 2": b"c" + _V + b"Plain.__init__\n)R.",
    "method of an allowed class": b"c" + _V + b"Plain.method\n)R.",
    "what a module imports": b"c" + _V + b"datetime.sys.modules\n.",
    "call of an allowed class": b"c" + _V + b"Plain\n(I1\ntR.",
    "__new__ with arguments": b"c" + _V + b"Plain\n(I1\nt\x81.",
    "a class as a value": b"]c" + _V + b"Plain\na.",
    "a class in a tuple": b"c" + _V + b"Plain\n\x85.",
    "a class in a tuple from the memo": b"c" + _V + b"Plain\n\x85q\x00]h\x00a.",
    "a class as a key": b"}c" + _V + b"Plain\nNs.",
    "a class as a state": b"c" + _V + b"Plain\n)\x81c" + _V + b"Plain\nb.",
    "a class as the value": b"c" + _V + b"Plain\n.",
    "__class__": b"c" + _V + b"Plain\n)\x81}S'__class__'\nNsb.",
    "__dict__": b"c" + _V + b"Plain\n)\x81}S'__dict__'\n}sb.",
    "a method replaced": b"c" + _V + b"Plain\n)\x81}S'method'\nNsb.",
    "state of a class": b"c" + _V + b"Plain\n}S'method'\nNsb.",
    "a name that is no text": b"c" + _V + b"Plain\n)\x81}I1\nNsb.",
    "state of a list": b"]}S'append'\nNsb.",
    "state of an enumeration's member": b"c" + _V + b"Colour\n(I1\ntR}S'_value_'\nI2\nsb.",
    "enumeration of something else": b"c" + _V + b"Colour\n(I3\ntR.",
    "dataclass without attributes": b"c" + _V + b"Point\n)\x81.",
    "dataclass without a field": b"c" + _V + b"Point\n)\x81}S'x'\nNsb.",
    "too many fields": b"c" + _V + b"Pair\n(I1\nI2\nI3\nt\x81.",
    "extend of an instance": b"c" + _V + b"Plain\n)\x81Na.",
    "setitem of an instance": b"c" + _V + b"Plain\n)\x81NNs.",
    "object": b"cbuiltins\nobject\n)\x81.",
    "exception with a traceback": b"cbuiltins\nValueError\n)R}S'__traceback__'\nNsb.",
    "exception with a class": b"cbuiltins\nValueError\n)R}S'__class__'\nNsb.",
    "exception with a method": b"cbuiltins\nValueError\n)R}S'with_traceback'\nNsb.",
    "exception with notes of objects": b"cbuiltins\nValueError\n)R}S'__notes__'\nNsb.",
    "SystemExit": b"cbuiltins\nSystemExit\n)R.",
    "StopIteration": b"cbuiltins\nStopIteration\n)R.",
    "bytes by another codec": b"c_codecs\nencode\n(S'x'\nS'rot13'\ntR.",
    "bytes of a number": b"cbuiltins\nbytes\n(I9999999999\ntR.",
    "bytearray of a number": b"cbuiltins\nbytearray\n(I9999999999\ntR.",
    "date of nonsense": b"cdatetime\ndatetime\n(U\x0a\x07\xe4\x02\x1f\x00\x00\x00\x00\x00\x00tR.",
    "zone of a stranger": b"cdatetime\ndatetime\n(U\x0a\x07\xe4\x02\x1f\x00\x00\x00\x00\x00\x00]tR.",
    "UUID of text": b"cuuid\nUUID\n)\x81}S'int'\nS'x'\nsb.",
}

_DTYPE = b"cnumpy\ndtype\n(S'%s'\nI00\nI01\ntR"
_ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
NUMPY = {
    "array of objects": _ARRAY + b"(I1\n(I1\nt" + _DTYPE % b"O8" + b"I00\n]Natb.",
    "array of objects by address": _ARRAY + b"(I1\n(I1\nt" + _DTYPE % b"O8" + b"I00\nS'12345678'\ntb.",
    "scalar object": b"cnumpy.core.multiarray\nscalar\n(" + _DTYPE % b"O8" + b"S'cos'\ntR.",
    "scalar without dtype": b"cnumpy.core.multiarray\nscalar\n(S'f8'\nS'12345678'\ntR.",
    "dtype of several": _DTYPE % b"f8,O" + b".",
    "dtype by a name": _DTYPE % b"object" + b".",
    "dtype of a list": b"cnumpy\ndtype\n(]I00\nI01\ntR.",
    "dtype that is huge": _DTYPE % b"V99999999999" + b".",
    "too few bytes": _ARRAY + b"(I1\n(I2\nt" + _DTYPE % b"f8" + b"I00\nS'12345678'\ntb.",
    "too many bytes": _ARRAY + b"(I1\n(I0\nt" + _DTYPE % b"f8" + b"I00\nS'12345678'\ntb.",
    "shape that overflows": _ARRAY + b"(I1\n(I4294967296\nI4294967296\nt" + _DTYPE % b"f8" + b"I00\nS''\ntb.",
    "shape below zero": _ARRAY + b"(I1\n(I-1\nI-1\nt" + _DTYPE % b"b1" + b"I00\nS'1'\ntb.",
    "elements of no size": _ARRAY + b"(I1\n(I999999999\nt" + _DTYPE % b"S0" + b"I00\nS''\ntb.",
    "list as contents": _ARRAY + b"(I1\n(I1\nt" + _DTYPE % b"f8" + b"I00\n]F1.0\natb.",
    "fields beyond the end": _ARRAY
    + b"(I1\n(I1\nt"
    + _DTYPE % b"V8"
    + b"(I3\nS'|'\nN(S'a'\nt}S'a'\n("
    + _DTYPE % b"f8"
    + b"I4\ntsI8\nI1\nI0\ntbI00\nS'12345678'\ntb.",
    "another class of array": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nmatrix\n(I0\ntS'b'\ntR.",
    "dtype state of nonsense": _DTYPE % b"f8" + b"(NNtb.",
    "subarray that is huge": _DTYPE % b"V8"
    + b"(I3\nS'|'\n("
    + _DTYPE % b"f8"
    + b"(I999999\nI999999\nttNNI8\nI1\nI0\ntb.",
}

DAMAGED = {
    "nothing": b"",
    "stop alone": b".",
    "no stop": b"N",
    "more after the end": b"N.N",
    "future protocol": b"\x80\x06N.",
    "unknown opcode": b"\xff.",
    "mark missing": b"t.",
    "mark on the stack": b"(.",
    "pops below its mark": b"N(000t.",
    "append to nothing": b"Na.",
    "half a pair": b"}(Nu.",
    "unhashable key": b"}]Ns.",
    "text that is not UTF-8": b"X\x01\x00\x00\x00\xff.",
    "text longer than the pickle": b"X\xff\xff\xff\xffx.",
    "text8 longer than the memory": b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffx.",
    "bytearray longer than the memory": b"\x96\xff\xff\xff\xff\xff\xff\xff\x7fx.",
    "negative length": b"\x8b\xff\xff\xff\xff.",
    "frame longer than the pickle": b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xffN.",
    "frame in a frame": b"\x80\x04\x95\x0a\x00\x00\x00\x00\x00\x00\x00\x95\x01\x00\x00\x00\x00\x00\x00\x00N.",
    "unknown memo": b"h\x07.",
    "memo of nothing": b"q\x00.",
    "memo below zero": b"Np-1\n.",
    "string without quotation marks": b"Sx\n.",
    "no number": b"Ix\n.",
    "number with underscores": b"I1_0\n.",
    "name without an end": b"cos",
    "name that is very long": b"c" + b"x" * 100000 + b"\nx\n.",
    "stack global of no text": b"NN\x93.",
}


def too_large() -> Iterator[tuple[str, bytes]]:
    """Pickles that would cost far more than their bytes."""
    yield "list nested deeply", b"]" * 300000 + b"a" * 299999 + b"."
    yield "tuple nested deeply", b"N" + b"\x85" * 300000 + b"."
    yield "tuple nested deeply, as a key", b"}N" + b"\x85" * 300000 + b"Ns."
    yield "tuple nested deeply, seen from above", b"](N" + b"2\x85" * 3000 + b"e."
    yield "marks nested deeply", b"(" * 1000000 + b"t" * 1000000 + b"."
    yield "memo bomb of tuples as a key", b"}N" + b"2\x86" * 60 + b"Ns."
    yield "memo bomb of tuples in a set", b"\x8f(N" + b"2\x86" * 60 + b"\x90."
    yield "memo bomb of frozensets", b"(N\x91" + b"q\x00(h\x00h\x00\x85\x91" * 900 + b"."
    yield "memo bomb of points", b"}" + _point_bomb() + b"Ns."
    yield "memo entries", b"N" + b"\x94" * 9000000 + b"."
    yield "empty sets", b"(" + b"\x8f" * 9000000 + b"l."
    yield "long in decimal", b"L" + b"9" * 300000 + b"L\n."
    yield "int in decimal", b"I" + b"9" * 300000 + b"\n."
    yield "long of many bytes", b"\x8b" + struct.pack("<I", 1 << 25) + b"\x7f" * (1 << 25) + b"."
    yield "fraction of many digits", b"cfractions\nFraction\n(S'" + b"7" * 100000 + b"/3'\ntR."
    yield (
        "copies of long bytes",
        _copies(b"cbuiltins\nbytearray\n", b"B" + struct.pack("<I", 10**6) + b"x" * 10**6),
    )
    yield (
        "decimals of long text",
        _copies(b"cdecimal\nDecimal\n", b"X" + struct.pack("<I", 10**6) + b"9" * 10**6),
    )
    yield (
        "hashes of a long integer",
        b"\x8b"
        + struct.pack("<I", 1 << 20)
        + b"\x7f" * (1 << 20)
        + b"q\x00}("
        + (b"h\x00N" * 300000)
        + b"u.",
    )
    yield "equal texts compared", _equal_texts()
    yield "a dtype of many fields, again and again", _many_fields()
    counts = b"}(" + b"".join(b"X\x05\x00\x00\x00%05dN" % n for n in range(50000)) + b"u"
    yield "counters of one dict", _copies(b"ccollections\nCounter\n", counts)
    attributes = b"}(" + b"".join(b"X\x05\x00\x00\x00x%04dN" % n for n in range(9000)) + b"u"
    plain = b"0c" + _V + b"Plain\nq\x02(" + b"h\x02)\x81h\x00b" * 20000 + b"l."
    yield "attributes of many instances", attributes + b"q\x00" + plain
    colliding = [b"\x8a\x0a" + (n * sys.hash_info.modulus).to_bytes(10, "little") for n in range(120000)]
    yield "keys with one hash", b"}(" + b"".join(number + b"N" for number in colliding) + b"u."
    yield "elements with one hash", b"\x8f(" + b"".join(colliding) + b"\x90."
    yield (
        "arrays of the same bytes",
        _copies(
            _ARRAY + b"0cnumpy.core.multiarray\nscalar\n" + _DTYPE % b"V1000000" + b"q\x020",
            b"B" + struct.pack("<I", 10**6) + b"x" * 10**6,
            b"h\x02h\x00\x86",
        ),
    )


def _point_bomb() -> bytes:
    """A point that contains a point twice, which contains one twice, sixty times."""
    attributes = b"}(S'x'\nh\x00S'y'\nh\x00ub"
    return b"N" + (b"q\x000c" + _V + b"Point\n)\x81" + attributes) * 60


def _copies(called: bytes, argument: bytes, arguments: bytes = b"h\x00\x85") -> bytes:
    head = argument + b"q\x000" + called + b"q\x010("
    return head + (b"h\x01" + arguments + b"R") * 20000 + b"l."


def _many_fields() -> bytes:
    names = [b"X\x05\x00\x00\x00x%04d" % n for n in range(9000)]
    fields = b"}(" + b"".join(name + b"h\x01K\x00\x86" for name in names) + b"u"
    state = b"(K\x03X\x01\x00\x00\x00|N(" + b"".join(names) + b"t" + fields + b"K\x01K\x01K\x00t"
    return (
        _DTYPE % b"b1"
        + b"q\x010"
        + state
        + b"q\x020"
        + _DTYPE % b"V1"
        + b"q\x030"
        + b"h\x03h\x02b0" * 9000
        + b"N."
    )


def _equal_texts() -> bytes:
    text = b"X" + struct.pack("<I", 10**6) + b"x" * 10**6
    return text + b"q\x000" + text + b"q\x010}(" + b"h\x00Nh\x01N" * 100000 + b"u."


def everything() -> Iterator[tuple[str, bytes]]:
    """All attacks, by name."""
    for group in (CALLS, WALKS, NUMPY, DAMAGED):
        yield from group.items()
    yield from too_large()


_HARMLESS_EVENTS = ("object.", "builtins.id", "time.", "gc.")


def main() -> None:
    """Read them all; print those that are not refused, take longer than 10 seconds, or do anything."""
    from pymw.errors import UntrustedResult
    from pymw.results import read_untrusted, untrusted_reader

    from tests.master.untrusted.values import ALLOW

    read = untrusted_reader(ALLOW)
    read_untrusted(b"N.")
    events: list[str] = []
    attacks = dict(everything())
    sys.addaudithook(lambda event, _: None if event.startswith(_HARMLESS_EVENTS) else events.append(event))
    for name, data in attacks.items():
        events.clear()
        started = time.process_time()
        try:
            said = f"read {type(read(data)).__name__}"
        except UntrustedResult:
            said = ""
        except BaseException as error:
            said = f"raised {error!r:.200}"
        done = ", ".join(sorted(set(events)))
        seconds = time.process_time() - started
        if said or done or seconds > 10 or "-v" in sys.argv:
            print(f"{name}: {said or 'refused'}; did {done or 'nothing'}; {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()
