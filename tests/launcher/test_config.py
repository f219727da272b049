"""The configuration: what is read, and what is refused in one sentence."""

import pytest

from tests.launcher.application import Application
from tests.launcher.conftest import MakeFake
from tests.launcher.test_choice import forward

GOOD = "format = 1\nworker = worker.zip\npython_min = 2.5\nprefer = system\n"


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        "# made by hand\n\n" + GOOD.replace(" = ", "="),
        GOOD.rstrip("\n"),
        GOOD + "modules = zlib, struct\nbits = 64\n",
        GOOD.replace("= 2.5", "=  2.5.1\t"),
    ],
)
def test_a_good_configuration_is_read(application: Application, fake: MakeFake, text: str) -> None:
    application.path = [fake("python3", forward()).parent]
    application.configure(text)
    done = application.run()
    assert application.started() is not None, done.stderr


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", 'its format is "", not 1'),
        (GOOD.replace("format = 1", "format = 2"), 'its format is "2", not 1'),
        ("worker = worker.zip\nformat = 1\n", "format does not come first"),
        (GOOD + "future = 1\n", 'it has the unknown name "future"'),
        (GOOD + "nonsense\n", '"nonsense" has no ='),
        (GOOD + "prefer = system\n", "prefer stands there twice"),
        (GOOD + "bits = 33\n", 'bits is "33", not 32 or 64'),
        (GOOD + "modules = zlib;rm\n", "modules"),
        (GOOD.replace("system", "none"), 'prefer is "none", not system or embedded'),
        (GOOD + "trust = AB\n", 'trust is "AB", not hexadecimal digits'),
        (GOOD + "trust =\n", 'trust is "", not hexadecimal digits'),
        (GOOD + "revoked = ab;rm\n", "revoked"),
        (GOOD.replace("2.5", "two"), 'python_min is "two", not a version such as 3.11'),
        (GOOD.replace("worker.zip", "../worker.zip"), 'worker is "../worker.zip", not the name of a file'),
        (GOOD.replace("worker = worker.zip\n", ""), "worker"),
    ],
)
def test_a_bad_configuration_is_refused(application: Application, text: str, complaint: str) -> None:
    application.configure(text)
    done = application.run()
    assert done.returncode == 206
    (line,) = done.stderr.splitlines()
    assert f"{application.project / application.launcher}.conf: " in line
    assert complaint in line


def test_keys_come_before_what_the_job_says(application: Application, fake: MakeFake) -> None:
    application.path = [fake("python3", forward()).parent]
    application.configure(GOOD + "trust = 12ab,34cd\nrevoked = 56ef\n")
    application.run("--", "--trust", "00")
    facts = application.started()
    assert facts is not None
    assert facts["argv"] == ["-c", "--trust", "12ab,34cd", "--revoked", "56ef", "--trust", "00"]


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("payload_sha256", None, "payload_sha256 is missing"),
        ("payload_sha256", "12", "not 64 hexadecimal digits"),
        ("payload_sha256", "g" * 64, "not 64 hexadecimal digits"),
        ("payload_size", "many", 'payload_size is "many"'),
        ("payload_python", "../python", "not a path within the payload"),
        ("payload_version", "3", "not a version such as 3.11"),
        ("payload", "/etc/passwd", "not the name of a file beside it"),
    ],
)
def test_a_bad_payload_entry_is_refused(
    native: Application, name: str, value: str | None, complaint: str
) -> None:
    entries = {
        "payload": "p.tar.zst",
        "payload_sha256": "0" * 64,
        "payload_size": "1",
        "payload_python": "python",
        "payload_version": "3.11",
        name: value,
    }
    native.configure(GOOD + "".join(f"{key} = {text}\n" for key, text in entries.items() if text is not None))
    done = native.run()
    assert (done.returncode, len(done.stderr.splitlines())) == (206, 1)
    assert complaint in done.stderr


def test_a_missing_configuration_or_worker_archive_is_named(application: Application) -> None:
    (application.project / "worker.zip").unlink()
    done = application.run()
    assert done.returncode == 206
    assert f"failed to find the worker archive {application.project / 'worker.zip'}" in done.stderr
    conf = application.project / f"{application.launcher}.conf"
    conf.unlink()
    done = application.run()
    assert done.returncode == 206
    assert f"failed to read the configuration {conf}" in done.stderr
