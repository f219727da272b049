"""The rules of the house: who may import whom, how large a room may be, what no file may mention."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Import package: its folder, and which import packages of the project it may use.
ROOMS = {
    "pymw_worker": ("worker", set[str]()),
    "pymw_platforms": ("platforms", set[str]()),
    "pymw_packager": ("packager", {"pymw_platforms", "pymw_worker"}),
    "pymw": ("master", {"pymw_packager", "pymw_platforms", "pymw_worker"}),
}
# What other Pythons' standard libraries have. Copies of cloudpickle travel with the worker.
WORKER_MAY_IMPORT = {
    "__builtin__",
    "_sha2",
    "_sha256",
    "_sha512",
    "_winreg",
    "cPickle",
    "copy_reg",
    "cStringIO",
    "StringIO",
    "thread",
    "cloudpickle",
}

MODULES = {
    ".".join(path.relative_to(ROOT / folder).with_suffix("").parts).removesuffix(".__init__"): path
    for folder, _ in ROOMS.values()
    for path in (ROOT / folder).rglob("*.py")
}
SOURCES = [
    path
    for folder in ("worker", "packager", "platforms", "master", "examples", "benchmarks", "tests")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".zig", ".sh") and ".zig-cache" not in path.parts
]


def imports(module: str) -> Iterator[str]:
    """What this module imports, anywhere in it: of `from a import b`, a.b if that is a module, else a."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            above = parts[: len(parts) + 1 - node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield whole if whole in MODULES else base


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    allowed = ROOMS[room][1] | {room}
    wrong = [
        f"{module} imports {name}"
        for module in MODULES
        if module.split(".")[0] == room
        for name in imports(module)
        if name.split(".")[0] in ROOMS and name.split(".")[0] not in allowed
    ]
    assert wrong == []


def test_the_worker_imports_the_standard_library_alone() -> None:
    allowed = sys.stdlib_module_names | WORKER_MAY_IMPORT | {"pymw_worker"}
    worker = [module for module in MODULES if module.split(".")[0] == "pymw_worker"]
    assert worker
    assert [(m, name) for m in worker for name in imports(m) if name.split(".")[0] not in allowed] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module: {name for name in imports(module) if name in MODULES} - {module} for module in MODULES}
    TopologicalSorter(graph).prepare()


def test_the_worker_runs_under_python_2_5() -> None:
    vermin = str(Path(sys.executable).with_name("vermin"))
    command = [vermin, "--no-tips", "-t=2.5-", "-t=3.0-", str(ROOT / "worker")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_has_one_life_and_its_functions_fit_a_screen(path: Path) -> None:
    assert path.stat().st_size <= 14_000
    if path.suffix != ".py":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 60, f"{node.name} is too long"


def test_no_file_names_a_machine_s_folders_or_a_registry_s_host() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("needs a git checkout")
    folders = r"(?<![\w.])/(work|root|farm|home)/[\w.]"
    hosts = r"\b(pypi|pythonhosted|debian|ubuntu)\.(org|com|net)\b"
    # Locked packages' own comments never name hosts either, so nothing is left out.
    wrong = []
    for name in listed.stdout.rstrip("\0").split("\0"):
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        wrong += [f"{name}: {found[0]}" for found in re.finditer(f"{folders}|{hosts}", text)]
    assert wrong == []
