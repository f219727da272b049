"""The standard library: what travels, and how it is compiled."""

import marshal
import sys
import zipfile
from pathlib import Path
from types import CodeType

import pytest
from pymw_packager.errors import InterpreterError
from pymw_packager.interpreters import library

MODULES = {
    "package/__init__.py": b"",
    "package/module.py": b"'''What it is for.'''\nWORDS = {'a', 'b'}\ndef call(x):\n    return x in {'k'}\n",
    "os.py": b"import sys\n",
}
UNCHECKED_HASH = b"\1\0\0\0"


def compiled(archive: Path, name: str) -> tuple[bytes, CodeType]:
    with zipfile.ZipFile(archive) as file:
        assert all(member.compress_type == zipfile.ZIP_STORED for member in file.infolist())
        content = file.read(name)
    return content, marshal.loads(content[16:])


def test_compiled_modules_name_no_folder_and_hold_no_time(tmp_path: Path) -> None:
    library.write(MODULES, library.RUNNING, tmp_path / "library.zip", lambda step: None)
    content, code = compiled(tmp_path / "library.zip", "package/module.pyc")
    assert content[4:8] == UNCHECKED_HASH
    assert code.co_filename == f"python{library.RUNNING}/package/module.py"
    assert "What it is for." not in code.co_consts
    assert str(tmp_path).encode() not in content


@pytest.mark.skipif(sys.version_info < (3, 11), reason="older Pythons know no columns")
def test_compiled_modules_keep_lines_and_leave_out_columns(tmp_path: Path) -> None:
    library.write(MODULES, library.RUNNING, tmp_path / "library.zip", lambda step: None)
    _, code = compiled(tmp_path / "library.zip", "package/module.pyc")
    (function,) = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    positions = set(function.co_positions())  # type: ignore[attr-defined, unused-ignore]
    assert {line for line, *_ in positions} == {3, 4}
    assert {column for *_, column in positions} == {None}


def test_equal_modules_give_equal_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seed in (("one", "1"), ("two", "2")):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        library.write(MODULES, library.RUNNING, tmp_path / name, lambda step: None)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_what_is_seldom_imported_travels_as_source(tmp_path: Path) -> None:
    modules = {
        **MODULES,
        "xml/dom/minidom.py": b"# why\nx = 1  # how\n",
        "pdb.py": b"def call():\n    'What.'\n",
    }
    library.write(modules, library.RUNNING, tmp_path / "library.zip", lambda step: None)
    with zipfile.ZipFile(tmp_path / "library.zip") as file:
        assert file.read("xml/dom/minidom.py") == b"\nx = 1\n"
        assert file.read("pdb.py") == b"def call():\n    pass\n"
        assert sorted(file.namelist())[:2] == ["os.pyc", "package/__init__.pyc"]


def test_a_lean_library_says_of_what_it_lacks_how_to_get_it() -> None:
    modules = library.running()
    kept = library.lean(modules)
    gone = set(modules) - set(kept)
    assert {"sqlite3/__init__.py", "sqlite3/dbapi2.py", "xml/dom/minidom.py"} <= gone
    assert {"xml/etree/ElementTree.py", "unittest/case.py", "decimal.py", "encodings/cp1252.py"} <= set(kept)
    for path, module in (
        ("ssl.py", "ssl"),
        ("sqlite3.py", "sqlite3"),
        ("xml/dom.py", "xml.dom"),
        ("pdb.py", "pdb"),
    ):
        with pytest.raises(ModuleNotFoundError, match=f"has no {module}; build it without --lean") as caught:
            exec(kept[path])
        assert caught.value.name == module


def test_the_running_library_travels_whole_but_for_what_no_task_can_use() -> None:
    modules = library.running()
    assert {"os.py", "asyncio/windows_events.py", "ctypes/wintypes.py", "encodings/mbcs.py"} <= set(modules)
    folders = {part for name in modules for part in name.split("/")}
    assert not folders & {"test", "tests", "tkinter", "idlelib", "ensurepip", "site-packages", "turtle.py"}
    assert not [name for name in modules if name.startswith("_sysconfigdata")]
    assert [name for name in library.running(its_own_system=True) if name.startswith("_sysconfigdata")]


def test_extension_modules_that_need_more_than_a_volunteer_has_stay_behind() -> None:
    wanted = {"_ssl.pyd", "_ssl.cpython-311-i386-linux-gnu.so", "unicodedata.abi3.so"}
    assert {name for name in wanted if library.is_wanted_extension(name)} == wanted
    for name in ("_tkinter.pyd", "nis.cpython-311-darwin.so", "_testcapi.pyd", "python311.dll", "readme.txt"):
        assert not library.is_wanted_extension(name)


def test_without_a_compiler_of_that_version_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InterpreterError, match=r"PATH has no python3\.99; install it"):
        library.write(MODULES, "3.99", tmp_path / "library.zip", lambda step: None)


def test_a_module_that_does_not_compile_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InterpreterError, match=r"^the Python library could not be compiled: .*\.$"):
        library.write({"bad.py": b"def"}, library.RUNNING, tmp_path / "library.zip", lambda step: None)
