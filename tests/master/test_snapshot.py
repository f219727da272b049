"""A function that changed between two submissions travels anew."""

import subprocess
import sys
import textwrap
from pathlib import Path

PROGRAM = """
    import pymw

    scale = 1
    def helper(x): return x * scale
    def outer(x): return helper(x)
    def make():
        factor = 1
        def inner(x): return x * factor
        def change(to):
            nonlocal factor
            factor = to
        return inner, change
    inner, change = make()
    class Thing:
        size = 1
        def grow(self, x): return x * scale
    def method(x): return Thing().grow(x)

    with pymw.Master('generic') as master:
        found = []
        for scale in (1, 2, 3):
            change(scale)
            found.append([master.submit(f, 10).result(30) for f in (outer, inner, method)])
        same = [master.submit(outer, 1) for _ in range(3)]
        assert len(set(id(task.bundle) for task in same)) == 1
        def helper(x): return -x
        found.append(master.submit(outer, 10).result(30))
        print(found)
"""


def test_globals_closures_and_called_functions_are_sent_as_they_are_at_submission(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
    assert done.stdout == "[[10, 10, 10], [20, 20, 20], [30, 30, 30], -10]\n", done.stderr
