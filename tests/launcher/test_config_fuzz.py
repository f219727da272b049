"""Whatever bytes stand in the configuration, the launcher starts a worker or says what is wrong."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench.soak import rounds
from tests.faults.plugin import Held
from tests.launcher.application import Application
from tests.launcher.conftest import MakeFake
from tests.launcher.test_choice import forward

NAMES = ["format", "worker", "python_min", "python_max", "prefer", "modules", "bits", "trust", "revoked"]
NAMES += ["payload", "payload_sha256", "payload_size", "payload_python", "payload_version", "future", ""]
VALUES = ["1", "worker.zip", "2.5", "system", "embedded", "zlib, struct", "64", "../x", "0" * 64, "9" * 40]
VALUES += ["python", "", "a" * 5000, "$(touch trapped)", "`touch trapped`", "'", '"', "-1", "99999999999.9"]
line = st.builds(
    "{}{}{}".format,
    st.sampled_from(NAMES) | st.text(max_size=8),
    st.sampled_from([" = ", "=", " ", "=="]),
    st.sampled_from(VALUES) | st.text(max_size=12),
)
OURS = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(\d+\): pymw launcher: .")  # not a shell's, nor a panic
GOOD = ["format = 1", "worker = worker.zip", "python_min = 2.5", "prefer = system"]
lines = st.lists(line, max_size=6).map("\n".join)
configuration = st.builds(
    lambda kept, more, end: ("\n".join([*GOOD[:kept], more]) + end).encode("utf-8", "replace"),
    st.integers(0, 4),
    lines,
    st.sampled_from(["", "\n", "\r\n", "\0", "\x1a"]),
)


@pytest.mark.soak
@pytest.mark.fault("launcher configurations of any bytes")
def test_any_configuration_is_obeyed_or_refused_in_the_launcher_s_own_words(
    application: Application, fake: MakeFake, held: Held
) -> None:
    tried = 0
    application.path = [fake("python3", forward()).parent]
    conf = application.project / f"{application.launcher}.conf"
    native = not application.command

    @given(configuration | st.binary(max_size=200))
    @settings(max_examples=rounds(300, 20_000) if native else rounds(25, 500), deadline=None)
    def start(data: bytes) -> None:
        nonlocal tried
        tried += 1
        conf.write_bytes(data)
        (application.slot / "started.txt").unlink(missing_ok=True)
        done = subprocess.run(
            application.argv(),
            cwd=application.slot,
            env=application.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        said = done.stderr.decode("utf-8", "replace").removesuffix("\n").split("\n")
        if application.started() is None:
            assert done.returncode == 206, said
            assert all(OURS.match(text) for text in said), said
        else:
            assert done.returncode == 0, said
        assert not list(application.root.rglob("trapped"))

    start()
    held("launcher configurations", tried)
