"""The opcodes that are read, each with the reader's method for it. All others are refused:

persistent ids (P, Q), which ask the program; the extension registry (EXT1, EXT2, EXT4), which imports;
buffers that travel beside the pickle (NEXT_BUFFER, READONLY_BUFFER), which there are none of.
"""

_METHODS = {
    b".": "stop",
    b"(": "mark",
    b"0": "pop",
    b"1": "pop_mark",
    b"2": "duplicate",
    b"\x80": "protocol",
    b"\x95": "frame",
    # Atoms.
    b"N": "none",
    b"\x88": "true",
    b"\x89": "false",
    b"K": "int1",
    b"M": "int2",
    b"J": "int4",
    b"\x8a": "long1",
    b"\x8b": "long4",
    b"G": "float8",
    b"\x8c": "text1",
    b"X": "text4",
    b"\x8d": "text8",
    b"C": "bytes1",
    b"B": "bytes4",
    b"\x8e": "bytes8",
    b"\x96": "bytearray8",
    b"U": "string1",
    b"T": "string4",
    # Atoms of protocol 0, in lines.
    b"I": "int_line",
    b"L": "long_line",
    b"F": "float_line",
    b"S": "string_line",
    b"V": "text_line",
    # Containers.
    b")": "empty_tuple",
    b"t": "tuple_of_marked",
    b"\x85": "tuple1",
    b"\x86": "tuple2",
    b"\x87": "tuple3",
    b"]": "empty_list",
    b"l": "list_of_marked",
    b"a": "append",
    b"e": "appends",
    b"}": "empty_dict",
    b"d": "dict_of_marked",
    b"s": "set_item",
    b"u": "set_items",
    b"\x8f": "empty_set",
    b"\x90": "add_items",
    b"\x91": "frozenset_of_marked",
    # Names, and what is made by them.
    b"c": "global_name",
    b"\x93": "stack_global",
    b"R": "reduce",
    b"i": "instance",
    b"o": "object_of_marked",
    b"\x81": "new_object",
    b"\x92": "new_object_with_keywords",
    b"b": "build",
    # The memo.
    b"p": "put_line",
    b"q": "put1",
    b"r": "put4",
    b"\x94": "memoize",
    b"g": "get_line",
    b"h": "get1",
    b"j": "get4",
}

METHODS = [_METHODS.get(bytes([opcode]), "unknown") for opcode in range(256)]
