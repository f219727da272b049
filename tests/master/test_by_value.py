"""Modules of the user's that use PyMW exist on no volunteer's computer: what they define travels by value."""

import subprocess
import sys
import textwrap
from pathlib import Path

SWEEP = """
    import dataclasses, pymw

    @dataclasses.dataclass
    class Point:
        x: int

    class Lost(Exception):
        pass

    def move(point, by):
        if by == 0:
            raise Lost("nowhere")
        return [Point(point.x + by), Point]

    def run(interface):
        with pymw.Master(interface) as master:
            moved, cls = master.submit(move, Point(1), 2).result()
            error = master.submit(move, Point(1), 0).exception()
        assert cls is Point and moved == Point(3), (cls, moved)
        assert type(error) is Lost and str(error) == "nowhere", repr(error)
        print("right")
"""


def test_instances_and_exceptions_of_such_a_module_come_back_as_what_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "sweep.py").write_text(textwrap.dedent(SWEEP))
    (tmp_path / "main.py").write_text("from study import sweep\n\nsweep.run('generic')\n")
    done = subprocess.run([sys.executable, tmp_path / "main.py"], capture_output=True, text=True, check=False)
    assert done.stdout == "right\n", done.stderr
