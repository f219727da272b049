"""Runtimes for Linux, made of Debian's packages."""

import re
import shutil
import subprocess
from pathlib import Path

import pymw_platforms
import pytest
from pymw_packager import executables, interpreters
from pymw_packager.errors import FetchError, InterpreterError, MissingToolError
from pymw_packager.interpreters import Runtime, elf

from tests.bench.chroot import Chroot
from tests.packager.interpreters import probing


def check_in_nothing(runtime: Runtime, bits: int, root: Chroot) -> None:
    """Check a runtime on a system that has a kernel, devices, and not one file."""
    folder = probing.copy(runtime, root.path)
    facts = probing.check(
        lambda argv: root.run(argv, timeout=120),
        root.inside(folder / "python"),
        "/probe.py",
        runtime,
        system="linux",
        bits=bits,
    )
    assert facts["prefix"] == "/a runtime"
    assert all(path.startswith("/a runtime/lib/python3") for path in facts["path"][1:]), facts["path"]


def test_the_64_bit_one_runs_where_there_is_no_c_library(
    x86_64_runtime: Runtime, empty_chroot: Chroot
) -> None:
    check_in_nothing(x86_64_runtime, 64, empty_chroot)


def test_the_32_bit_one_runs_where_there_is_no_c_library(i686_runtime: Runtime, empty_chroot: Chroot) -> None:
    check_in_nothing(i686_runtime, 32, empty_chroot)


def test_it_uses_its_own_libraries_where_the_system_has_others(x86_64_runtime: Runtime) -> None:
    code = "import ssl, sqlite3; print(open('/proc/self/maps').read())"
    command: list[str | Path] = [x86_64_runtime.folder / "python", "-E", "-c", code]
    environment = {"LANG": "de_DE.UTF-8", "PATH": "/usr/bin:/bin"}
    maps = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    mapped = set(re.findall(r"(/\S+\.so\S*)", maps))
    assert mapped
    assert {path for path in mapped if not path.startswith(str(x86_64_runtime.folder))} == set()


def test_everything_that_something_is_linked_to_travels_once(
    x86_64_runtime: Runtime, i686_runtime: Runtime
) -> None:
    for runtime, name in ((x86_64_runtime, "x86_64-pc-linux-gnu"), (i686_runtime, "i686-pc-linux-gnu")):
        platform = pymw_platforms.load(name)
        files = [path for path in runtime.folder.rglob("*") if path.is_file()]
        programs = [path for path in files if executables.machines(path)]
        assert all(executables.fits(executables.machines(path), platform) for path in programs)
        links = {path: elf.links(path.read_bytes(), path.name) for path in programs}
        loader = Path(links[runtime.folder / "bin/python"].loader).name
        libraries = {path.name for path in (runtime.folder / "lib").glob("lib*.so*")}
        needed = {name for link in links.values() for name in link.needed} - {loader}
        assert libraries == needed | {"libgcc_s.so.1"}
        assert not [path for path in runtime.folder.rglob("*") if path.is_symlink()]


def test_a_version_that_the_distribution_lacks_is_one_sentence_naming_the_one_it_has(tmp_path: Path) -> None:
    platform = pymw_platforms.load("i686-pc-linux-gnu")
    with pytest.raises(
        InterpreterError, match=r"have Python 3\.\d+ for i686.*, not 3\.2; take --python-version"
    ):
        interpreters.build(platform, "auto", "3.2", [], tmp_path / "runtime", lambda step: None)
    assert list(tmp_path.iterdir()) == []


def test_without_debians_tools_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="lacks apt-get or dpkg-deb"):
        platform = pymw_platforms.load("x86_64-pc-linux-gnu")
        interpreters.build(platform, "auto", None, [], tmp_path / "runtime", lambda step: None)


def test_without_a_network_and_a_cache_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(FetchError, match=r"apt could not fetch its indexes: .*\.$"):
        platform = pymw_platforms.load("x86_64-pc-linux-gnu")
        interpreters.build(platform, "auto", None, [], tmp_path / "runtime", lambda step: None)
    assert not (tmp_path / "runtime").exists()


def test_what_was_fetched_once_is_not_fetched_again(
    x86_64_runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    platform = pymw_platforms.load("x86_64-pc-linux-gnu")
    again = interpreters.build(platform, "auto", None, [], tmp_path / "runtime", lambda step: None)
    old, new = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (x86_64_runtime.folder, again.folder)
    )
    assert old == new
    shutil.rmtree(again.folder)
