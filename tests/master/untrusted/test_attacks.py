"""No pickle of a stranger runs anything, hangs, or takes more memory than it may."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pymw import UntrustedResult
from pymw.results import read_untrusted

from tests.master.untrusted import attacks

ROOT = Path(__file__).parents[3]
MEMORY = 2_000_000_000  # bytes of address space, of which Python and numpy take half a billion


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_attacks_are_refused_at_once_with_nothing_run_and_little_memory(tmp_path: Path) -> None:
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY})); "
    start = "import runpy; runpy.run_module('tests.master.untrusted.attacks', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", limit + start],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
            "OPENBLAS_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / attacks.CANARY).exists()


def test_what_was_asked_for_is_named() -> None:
    with pytest.raises(UntrustedResult, match=r"asks for os\.system") as caught:
        read_untrusted(attacks.CALLS["global and reduce of protocol 0"])
    assert caught.value.asked == "os.system"
