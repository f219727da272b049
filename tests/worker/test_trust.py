"""With keys, the worker runs what they have signed, and nothing else: refused, exit 206, nothing run."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from pymw_worker import arguments, bundle, container, ed25519, manifest

pytest.importorskip("cryptography")
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pymw.key_files import TaskKey
from pymw.signing import sign

from tests.worker.job import Job, Jobs

OURS, OTHER = (TaskKey(Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in (1, 2))
TRUST = ("--trust", OURS.public.hex())
TASK = ("--task", "test")
SOURCE = "open('../ran', 'w').close()\ndef task(*args):\n    return args\n"


def sign_files(job: Job, key: TaskKey = OURS, other: TaskKey | None = None) -> None:
    for name, by in (("pymw_bundle", key), ("pymw_arguments", other or key)):
        job.path(name).write_bytes(sign(job.path(name).read_bytes(), by))


def refused(job: Job, *options: str) -> str:
    """Run it; the reason why it was refused."""
    assert job.run(*(options or TRUST + TASK)) == 206
    assert not (job.slot / "ran").exists(), "something was run"
    found = job.outcome()
    assert (found.status, found.type) == ("unloadable", "untrusted")
    return str(found.message)


@pytest.mark.parametrize("client", [True, False])
def test_what_a_trusted_key_has_signed_runs(jobs: Jobs, client: bool) -> None:
    job = jobs(SOURCE, 1, client=client)
    sign_files(job)
    assert job.run(*TRUST, *TASK) == 0
    assert job.value() == (1,)


def test_without_keys_anything_runs_and_signatures_do_not_matter(jobs: Jobs) -> None:
    job = jobs(SOURCE, 1, client=False)
    sign_files(job, OTHER)
    assert job.run() == 0


@pytest.mark.parametrize("client", [True, False])
def test_unsigned_files_are_refused(jobs: Jobs, client: bool) -> None:
    assert "the code bundle is not signed" in refused(jobs(SOURCE, client=client))


def test_signed_code_with_unsigned_arguments_is_refused(jobs: Jobs) -> None:
    job = jobs(SOURCE)
    job.path("pymw_bundle").write_bytes(sign(job.path("pymw_bundle").read_bytes(), OURS))
    assert "the arguments file is not signed" in refused(job)


def test_another_key_is_refused(jobs: Jobs) -> None:
    job = jobs(SOURCE)
    sign_files(job, OTHER)
    assert f"signed with the key {OTHER.id}, which this application does not trust" in refused(job)
    job = jobs(SOURCE)
    sign_files(job, OURS, OTHER)
    assert "the arguments file is signed with" in refused(job)


def test_keys_are_changed_by_trusting_both_and_then_revoking_one(jobs: Jobs) -> None:
    both = ("--trust", f"{OURS.public.hex()},{OTHER.public.hex()}", *TASK)
    for key in (OURS, OTHER):
        job = jobs(SOURCE)
        sign_files(job, key)
        assert job.run(*both) == 0
    job = jobs(SOURCE)
    sign_files(job)
    assert "has been revoked" in refused(job, *both, "--revoked", OURS.id)
    job = jobs(SOURCE)
    sign_files(job)
    sign_files(job, OTHER)
    assert job.run(*both, "--revoked", OURS.id) == 0, "one of its signatures counts"


@pytest.mark.parametrize("name", ["pymw_bundle", "pymw_arguments"])
@pytest.mark.parametrize("place", ["head", "seal", "member"])
def test_a_byte_altered_anywhere_is_refused(jobs: Jobs, name: str, place: str) -> None:
    job = jobs(SOURCE, client=False)
    sign_files(job)
    data = bytearray(job.path(name).read_bytes())
    at = {"head": data.index(b"\n*member ") + 10, "seal": data.index(b"\ned25519 ") + 40, "member": -1}[place]
    data[at] ^= 1
    job.path(name).write_bytes(data)
    assert job.run(*TRUST, *TASK) == 206
    assert not (job.slot / "ran").exists()


def test_every_bit_of_a_signed_head_matters() -> None:
    data = sign(arguments.pack("0" * 64, "t", pickle.dumps(((), {}), 2)), OURS)
    end = data.index(b"\n\n", data.index(b"\n\n") + 2) + 2
    from pymw_worker import signatures

    keys = {OURS.id: OURS.public}
    assert signatures.signers(container.read(data, "arguments"), "arguments", keys) == [OURS.id]
    for bit in range(8 * end):
        altered = bytearray(data)
        altered[bit // 8] ^= 1 << bit % 8
        try:
            box = container.read(bytes(altered), "arguments")
        except ValueError:
            continue
        assert signatures.signers(box, "arguments", keys) == [], f"bit {bit} does not matter"


def test_arguments_of_another_bundle_task_or_run_are_refused(jobs: Jobs) -> None:
    job = jobs(SOURCE)
    sign_files(job)
    assert "another task" in refused(job, *TRUST, "--task", "other")
    assert "another task" in refused(job, *TRUST)
    assert "another run" in refused(job, *TRUST, *TASK, "--run", "other")
    digest = bundle.read(job.path("pymw_bundle").read_bytes()).digest
    pickled = pickle.dumps(((), {}), 2)
    job.path("pymw_arguments").write_bytes(sign(arguments.pack(digest, "test", pickled, "earlier"), OURS))
    assert "another run" in refused(job, *TRUST, *TASK, "--run", "later")
    assert "another run" in refused(job, *TRUST, *TASK)
    job.path("pymw_arguments").write_bytes(sign(arguments.pack("0" * 64, "test", pickled), OURS))
    assert "for another code bundle" in refused(job)


def test_a_signature_of_another_kind_or_version_is_refused(jobs: Jobs) -> None:
    job = jobs(SOURCE)
    sign_files(job)
    box = container.read(job.path("pymw_arguments").read_bytes(), "arguments")
    data = job.path("pymw_bundle").read_bytes()
    plain = data.replace(
        b"\n".join(line for line in data.split(b"\n") if line.startswith(b"ed25519")) + b"\n", b""
    )
    job.path("pymw_bundle").write_bytes(manifest.sealed(plain, box.signatures[0]))
    assert "is wrong" in refused(job)
    job.path("pymw_bundle").write_bytes(data.replace(b"PYMW 1 ", b"PYMW 0 ", 1))
    assert "format version 0" in refused(job)


def test_keys_of_the_server_s_do_not_count(jobs: Jobs) -> None:
    """The job's command line comes after the launcher's options."""
    for more in (
        ("--trust", OTHER.public.hex()),
        (f"--tru={OTHER.public.hex()}",),
        ("--revoked", "0" * 16) * 2,
    ):
        job = jobs(SOURCE, client=False)
        sign_files(job, OTHER)
        assert job.run(*TRUST, *TASK, *more) == 2
        assert not (job.slot / "ran").exists()
    job = jobs(SOURCE, client=False)
    assert job.run(*TRUST, "--serve") == 2


@pytest.mark.parametrize("name", ["helper.py", "json/__init__.py", "x.so", "X.PYD", "json.cpython-311.pyc"])
def test_data_files_cannot_be_code(jobs: Jobs, name: str) -> None:
    job = jobs(SOURCE, client=False)
    sign_files(job)
    (job.slot / "input").write_text("open('../ran', 'w')")
    assert "could be taken for code" in refused(job, *TRUST, *TASK, "--data", f"{name}=input")


def test_data_files_replace_nothing_and_are_no_folders(jobs: Jobs) -> None:
    job = jobs(SOURCE, client=False)
    code = bundle.pack("source", "task", "2.5-", SOURCE.encode(), files={"table.csv": b"signed"})
    job.path("pymw_bundle").write_bytes(code)
    given = arguments.pack(bundle.read(code).digest, "test", pickle.dumps(((), {}), 2))
    job.path("pymw_arguments").write_bytes(given)
    sign_files(job)
    (job.slot / "input").write_text("1")
    (job.slot / "json").mkdir()
    assert "would replace" in refused(job, *TRUST, *TASK, "--data", "Table.csv=input")
    assert "is no file" in refused(job, *TRUST, *TASK, "--data", "json=json")
    assert job.run(*TRUST, *TASK, "--data", "more.csv=input") == 0


def test_under_a_client_the_server_names_no_files_outside_of_the_slot(jobs: Jobs, tmp_path: Path) -> None:
    for option in ("--result", "--log"):
        job = jobs(SOURCE)
        sign_files(job)
        target = tmp_path / "victim"
        target.write_text("mine")
        assert job.run(*TRUST, *TASK, option, str(target)) == 206
        assert target.read_text() == "mine"
        assert not (job.slot / "ran").exists()


CHECKPOINT = """
import os
from pymw_worker import checkpoint
def task():
    return checkpoint.load("none")
"""


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch ../ran",)


@pytest.mark.parametrize(("elapsed", "ran"), [(0, False), (10, True)])
def test_a_checkpoint_that_the_server_brings_is_not_loaded(jobs: Jobs, elapsed: int, ran: bool) -> None:
    """It could not be ours: the client says that the job has never been at a checkpoint."""
    job = jobs(CHECKPOINT, fields={"starting_elapsed_time": elapsed})
    sign_files(job)
    container.write(str(job.slot / "pymw_checkpoint"), "checkpoint", {}, {"state": pickle.dumps(Evil(), 2)})
    digests = [container.read(str(job.path(f"pymw_{kind}")), kind).digest for kind in ("bundle", "arguments")]
    state = f"job: {'-'.join(digests)}\ncpu: 1.0\nelapsed: 1.0\nstarts: 1\nkills: 0\nstarted: 1.0\n"
    (job.slot / "pymw_state").write_text(state)
    assert job.run(*TRUST, *TASK) == 0
    assert (job.slot / "ran").exists() == ran, "the client alone can tell the one from the other"


def test_ours_and_openssl_s_verdict_are_the_same() -> None:
    for number in range(200):
        key = Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))
        public, message = key.public_key().public_bytes_raw(), os.urandom(number)
        signature = bytearray(key.sign(message))
        assert ed25519.verify(public, message, bytes(signature))
        signature[number % 64] ^= 1 << number % 8
        with pytest.raises(InvalidSignature):
            Ed25519PublicKey.from_public_bytes(public).verify(bytes(signature), message)
        assert not ed25519.verify(public, message, bytes(signature))
