"""The part of the interpreter that reads numbers, text, bytes and the memo, and moves things on the stack.

Each method is given the position after its opcode, and returns that of the next one. A slice beyond the end
is short, and no harm: the next opcode, which every pickle needs, is missing then. Numbers of one kind often
stand in a row: such a run is read by one call of struct.
"""

from __future__ import annotations

import codecs
import struct
from functools import lru_cache
from typing import Any

from pymw.errors import UntrustedResult
from pymw.untrusted.limits import Budget, too_much

_RUN = 1024  # pickles put so many items (1000) into a container at once
_NEWEST = 5  # protocol
_INT2, _INT4, _SIZE4, _SIZE8 = (struct.Struct(code).unpack_from for code in ("<H", "<i", "<I", "<Q"))
_FLOAT8 = struct.Struct(">d").unpack_from
_MAX_INDEX = 20  # digits of an index into the memo


@lru_cache(16)
def _run(code: str, count: int) -> struct.Struct:
    return struct.Struct(code[0] + ("x" + code[1]) * count)


class Atoms:
    """data: the pickle. budget: what it may cost."""

    def __init__(self, data: bytes, budget: Budget) -> None:
        self._data = bytes(data)
        self._view = memoryview(self._data)
        self._budget = budget
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._named = False  # whether there has been a name, so that there may be tokens on the stack
        self._frame_end = 0

    # The stack, and what holds the pickle together.

    def stop(self, position: int) -> int:
        if position != len(self._data):
            raise UntrustedResult("the result is damaged: it goes on after its end")
        return -1

    def mark(self, position: int) -> int:
        self._marks.append(len(self._stack))
        if len(self._marks) > self._budget.limits.depth:
            raise too_much(f"more than {self._budget.limits.depth} open containers")
        return position

    def pop(self, position: int) -> int:
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self._stack.pop()
        return position

    def pop_mark(self, position: int) -> int:
        del self._stack[self._marks.pop() :]
        return position

    def duplicate(self, position: int) -> int:
        self._stack.append(self._stack[-1])
        return position

    def protocol(self, position: int) -> int:
        if self._data[position] > _NEWEST:
            raise UntrustedResult(f"the result is a pickle of the unknown protocol {self._data[position]}")
        return position + 1

    def frame(self, position: int) -> int:
        start = position + 8
        (size,) = _SIZE8(self._data, position)
        if start <= self._frame_end or start + size > len(self._data):
            raise UntrustedResult("the result is damaged: one of its frames lies about its size")
        self._frame_end = start + size
        return start

    # Atoms.

    def none(self, position: int) -> int:
        self._stack.append(None)
        return position

    def true(self, position: int) -> int:
        self._stack.append(True)
        return position

    def false(self, position: int) -> int:
        self._stack.append(False)
        return position

    def empty_tuple(self, position: int) -> int:
        self._stack.append(())
        return position

    def _numbers(self, position: int, code: str, size: int) -> int:
        """Read the run of numbers of the kind that ends before position; there are two of them or more."""
        start = position - 1
        opcodes = self._data[start : start + size * _RUN : size]
        count = len(opcodes) - len(opcodes.lstrip(opcodes[:1]))
        self._stack += _run(code, count).unpack_from(self._data, start)
        return start + count * size

    def int1(self, position: int) -> int:
        if self._data[position + 1] == self._data[position - 1]:
            return self._numbers(position, "<B", 2)
        self._stack.append(self._data[position])
        return position + 1

    def int2(self, position: int) -> int:
        if self._data[position + 2] == self._data[position - 1]:
            return self._numbers(position, "<H", 3)
        self._stack += _INT2(self._data, position)
        return position + 2

    def int4(self, position: int) -> int:
        if self._data[position + 4] == self._data[position - 1]:
            return self._numbers(position, "<i", 5)
        self._stack += _INT4(self._data, position)
        return position + 4

    def float8(self, position: int) -> int:
        if self._data[position + 8] == self._data[position - 1]:
            return self._numbers(position, ">d", 9)
        self._stack += _FLOAT8(self._data, position)
        return position + 8

    def long1(self, position: int) -> int:
        return self._long(position + 1, self._data[position])

    def long4(self, position: int) -> int:
        (size,) = _SIZE4(self._data, position)
        self._budget.integer(size)
        return self._long(position + 4, size)

    def _long(self, start: int, size: int) -> int:
        end = start + size
        self._stack.append(int.from_bytes(self._view[start:end], "little", signed=True))
        return end

    def text1(self, position: int) -> int:
        return self._text(position + 1, self._data[position])

    def text4(self, position: int) -> int:
        return self._text(position + 4, *_SIZE4(self._data, position))

    def text8(self, position: int) -> int:
        return self._text(position + 8, *_SIZE8(self._data, position))

    def _text(self, start: int, size: int) -> int:
        end = start + size
        self._stack.append(str(self._view[start:end], "utf-8", "surrogatepass"))
        return end

    def bytes1(self, position: int) -> int:
        return self._bytes(position + 1, self._data[position])

    def bytes4(self, position: int) -> int:
        return self._bytes(position + 4, *_SIZE4(self._data, position))

    def bytes8(self, position: int) -> int:
        return self._bytes(position + 8, *_SIZE8(self._data, position))

    def _bytes(self, start: int, size: int) -> int:
        end = start + size
        self._stack.append(self._data[start:end])
        return end

    def bytearray8(self, position: int) -> int:
        start = position + 8
        end: int = start + _SIZE8(self._data, position)[0]
        self._budget.one_more()
        self._stack.append(bytearray(self._view[start:end]))
        return end

    def string1(self, position: int) -> int:
        return self._string(position + 1, self._data[position])

    def string4(self, position: int) -> int:
        return self._string(position + 4, *_SIZE4(self._data, position))

    def _string(self, start: int, size: int) -> int:
        end = start + size
        self._stack.append(_of_python_2(self._data[start:end]))
        return end

    # Lines, as protocol 0 has them.

    def _line(self, position: int) -> tuple[bytes, int]:
        end = self._data.index(b"\n", position)
        return self._data[position:end], end + 1

    def _number(self, line: bytes) -> str:
        self._budget.digits(len(line))
        return line.decode("ascii").replace("_", "?")

    def int_line(self, position: int) -> int:
        line, position = self._line(position)
        known = {b"00": False, b"01": True}.get(line)
        self._stack.append(int(self._number(line)) if known is None else known)
        return position

    def long_line(self, position: int) -> int:
        line, position = self._line(position)
        self._stack.append(int(self._number(line.removesuffix(b"L"))))
        return position

    def float_line(self, position: int) -> int:
        line, position = self._line(position)
        self._stack.append(float(self._number(line)))
        return position

    def string_line(self, position: int) -> int:
        line, position = self._line(position)
        if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
            raise UntrustedResult("the result is damaged: it has a string without quotation marks")
        self._stack.append(_of_python_2(codecs.escape_decode(line[1:-1])[0]))
        return position

    def text_line(self, position: int) -> int:
        line, position = self._line(position)
        self._stack.append(str(line, "raw-unicode-escape"))
        return position

    # The memo.

    def put1(self, position: int) -> int:
        return self._put(self._data[position], position + 1)

    def put4(self, position: int) -> int:
        return self._put(_SIZE4(self._data, position)[0], position + 4)

    def put_line(self, position: int) -> int:
        return self._put(*self._index(position))

    def memoize(self, position: int) -> int:
        return self._put(len(self._memo), position)

    def _put(self, index: int, position: int) -> int:
        if index not in self._memo:
            self._budget.one_more()
        self._memo[index] = self._stack[-1]
        return position

    def get1(self, position: int) -> int:
        return self._get(self._data[position], position + 1)

    def get4(self, position: int) -> int:
        return self._get(_SIZE4(self._data, position)[0], position + 4)

    def get_line(self, position: int) -> int:
        return self._get(*self._index(position))

    def _get(self, index: int, position: int) -> int:
        if index not in self._memo:
            raise UntrustedResult("the result is damaged: it refers to what it does not have")
        self._stack.append(self._memo[index])
        return position

    def _index(self, position: int) -> tuple[int, int]:
        line, position = self._line(position)
        if not line.isdigit() or len(line) > _MAX_INDEX:
            raise UntrustedResult("the result is damaged: it has no index where one belongs")
        return int(line), position


def _of_python_2(string: bytes) -> str | bytes:
    """A str of Python 2: text if it is ASCII, else bytes, as nobody knows its encoding."""
    return string.decode("ascii") if string.isascii() else string
