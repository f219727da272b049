"""What of Python's standard library travels, and how; docs/packaging.md names it all.

Modules are named by their paths below the library, without ending: `xml/dom` is that package, with all in it.
"""

from pathlib import PurePosixPath

# What no task can use: tests, windows, help texts, means to install, a machine's own settings.
OMITTED = frozenset(
    [
        "__pycache__",
        "dist-packages",
        "ensurepip",
        "idlelib",
        "lib-dynload",
        "lib2to3",
        "pydoc_data",
        "site-packages",
        "sitecustomize.py",
        "test",
        "tests",
        "tkinter",
        "turtle.py",
        "turtledemo",
        "usercustomize.py",
    ]
)

# CPython's tests of itself, windows, terminals; and what alone would draw in Kerberos (nis) or a database
# (_dbm).
OMITTED_EXTENSIONS = frozenset(
    [
        "_ctypes_test",
        "_curses",
        "_curses_panel",
        "_dbm",
        "_gdbm",
        "_testbuffer",
        "_testcapi",
        "_testclinic",
        "_testclinic_limited",
        "_testexternalinspection",
        "_testimportmultiple",
        "_testinternalcapi",
        "_testlimitedcapi",
        "_testmultiphase",
        "_testsinglephase",
        "_tkinter",
        "_xxtestfuzz",
        "nis",
        "readline",
        "xxlimited",
        "xxlimited_35",
        "xxsubtype",
    ]
)

# Travel as source, which takes half the room of compiled code, and half again of the time to import: tools
# for programmers, servers, mail, what Python has built in or replaces by C.
SELDOM = frozenset(
    [
        "__phello__",
        "_aix_support",
        "_bootsubprocess",
        "_osx_support",
        "_pydecimal",
        "_pyio",
        "_pylong",
        "_pyrepl",
        "aifc",
        "antigravity",
        "asynchat",
        "asyncore",
        "bdb",
        "cProfile",
        "cgi",
        "cgitb",
        "chunk",
        "cmd",
        "code",
        "codeop",
        "compileall",
        "crypt",
        "curses",
        "distutils",
        "doctest",
        "ftplib",
        "http/cookiejar",
        "http/cookies",
        "http/server",
        "imaplib",
        "imghdr",
        "importlib/_bootstrap",
        "importlib/_bootstrap_external",
        "mailbox",
        "mailcap",
        "modulefinder",
        "msilib",
        "nntplib",
        "nturl2path",
        "pdb",
        "pickletools",
        "pipes",
        "poplib",
        "profile",
        "pstats",
        "pty",
        "pyclbr",
        "pydoc",
        "rlcompleter",
        "smtpd",
        "smtplib",
        "sndhdr",
        "sunau",
        "symtable",
        "tabnanny",
        "telnetlib",
        "this",
        "trace",
        "tty",
        "unittest",
        "uu",
        "venv",
        "webbrowser",
        "wsgiref",
        "xdrlib",
        "xml/dom",
        "xml/sax",
        "xmlrpc",
        "zipapp",
    ]
)

# fmt: off
ASIAN_CODECS = frozenset([
    "big5", "big5hkscs", "cp932", "cp949", "cp950", "euc_jis_2004", "euc_jisx0213",
    "euc_jp", "euc_kr", "gb18030", "gb2312", "gbk", "hz", "iso2022_jp",
    "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_2004", "iso2022_jp_3", "iso2022_jp_ext", "iso2022_kr",
    "johab", "shift_jis", "shift_jis_2004", "shift_jisx0213",
])
# fmt: on

# Much in use among packages, or by what is left.
LEAN_ALL_THE_SAME = frozenset(["_pylong", "http/cookies", "unittest"])

# What a lean Python lacks.
NOT_LEAN = (SELDOM - LEAN_ALL_THE_SAME) | {"sqlite3", "ssl"} | {f"encodings/{name}" for name in ASIAN_CODECS}
NOT_LEAN_EXTENSIONS = frozenset(
    [
        "_codecs_cn",
        "_codecs_hk",
        "_codecs_iso2022",
        "_codecs_jp",
        "_codecs_kr",
        "_codecs_tw",
        "_hashlib",
        "_msi",
        "_multibytecodec",
        "_sqlite3",
        "_ssl",
        "winsound",
    ]
)
# The libraries that these alone are linked to.
NOT_LEAN_LIBRARIES = ("libcrypto", "libssl", "sqlite3", "libsqlite3")


def is_among(path: str, names: frozenset[str]) -> bool:
    """Whether the module of a file ``xml/dom/minidom.py``, or a package that it is in, is named."""
    module = PurePosixPath(path).with_suffix("")
    return any(str(part) in names for part in (module, *module.parents))
