"""The launcher's decoder of zstd: whatever the compressor's settings make of whatever content comes back."""

import hashlib
import io
import random
import shutil
import struct
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from pymw_packager.launcher_config import PayloadEntry

from tests.bench import soak
from tests.launcher.application import Application
from tests.launcher.embedded import FILES, VERSION

CHANCE = random.Random(7)
WORDS = [CHANCE.randbytes(CHANCE.randint(1, 12)) for _ in range(4000)]
CONTENTS = {
    "nothing": b"",
    "zeros": bytes(3_000_000),
    "chance": CHANCE.randbytes(700_000),
    "short repeats": b"".join(CHANCE.choice(WORDS[:3]) * CHANCE.randint(1, 90) for _ in range(20_000)),
    "words": b"".join(CHANCE.choice(WORDS) for _ in range(400_000)),
    "few symbols": bytes(CHANCE.choices(b"abcd", [50, 5, 1, 1], k=400_000)),
    "many symbols": bytes(CHANCE.choices(range(256), [2.0 ** -(i / 9) for i in range(256)], k=900_000)),
    "program": Path(sys.executable).read_bytes()[:4_000_000],
}


def archive() -> bytes:
    """A tar archive of all contents and of what stands for a Python."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in {**CONTENTS, **FILES}.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            tar.addfile(member, io.BytesIO(content))
    return plain.getvalue()


def at_level(level: int, **options: int) -> Callable[[bytes], bytes]:
    parameters = zstandard.ZstdCompressionParameters.from_level(level, **options)
    return zstandard.ZstdCompressor(compression_params=parameters).compress


def in_pieces(plain: bytes) -> bytes:
    """Many frames, with frames to skip in between."""
    pieces = [plain[place : place + 1_000_003] for place in range(0, len(plain), 1_000_003)]
    skipped = struct.pack("<II", 0x184D2A53, 5) + b"other"
    return skipped.join(at_level(5, write_checksum=place % 2)(p) for place, p in enumerate(pieces))


def flushed(plain: bytes) -> bytes:
    """Blocks of a few bytes, and a frame without a size."""
    compressor = zstandard.ZstdCompressor(level=4).compressobj()
    pieces = []
    for place in range(0, 60_000, 97):
        pieces += [
            compressor.compress(plain[place : place + 97]),
            compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK),
        ]
    return b"".join([*pieces, compressor.compress(plain[place + 97 :]), compressor.flush()])


def embed(native: Application, data: bytes) -> None:
    """Make these bytes the payload, whatever they are."""
    (native.project / "python.tar.zst").write_bytes(data)
    native.settings["payload"] = PayloadEntry(
        name="python.tar.zst",
        sha256=hashlib.sha256(data).hexdigest(),
        size=sum(map(len, CONTENTS.values())),
        python="python",
        version=VERSION,
    )
    native.settings["prefer"] = "embedded"
    native.configure()
    native.under_client()


@pytest.mark.parametrize(
    "compress",
    [
        *[pytest.param(at_level(level), id=f"level {level}") for level in (-7, 1, 3, 8, 13, 18, 22)],
        pytest.param(at_level(22, window_log=10), id="least window"),
        pytest.param(at_level(9, window_log=27, enable_ldm=1), id="largest window"),
        pytest.param(at_level(19, write_checksum=1, write_content_size=0), id="checksum, no size"),
        pytest.param(at_level(3, threads=2, job_size=1 << 20), id="jobs"),
        in_pieces,
        flushed,
    ],
)
def test_what_was_compressed_comes_back(native: Application, compress: Callable[[bytes], bytes]) -> None:
    embed(native, compress(archive()))
    done = native.run()
    assert native.started() is not None, done.stderr
    for name, content in CONTENTS.items():
        assert (native.runtime() / name).read_bytes() == content, name


@pytest.mark.soak
def test_a_payload_that_was_malformed_when_it_was_hashed_is_an_error_and_no_crash(
    native: Application,
) -> None:
    whole = at_level(19)(archive())
    for seed in range(soak.rounds(20, 200)):
        chance = random.Random(seed)
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        embed(native, bytes(data[: chance.choice([None, chance.randrange(len(data))])]))
        done = native.run("--python", VERSION)
        # A bit of a literal may be in any content, also of what stands for a Python.
        assert done.returncode in (0, 206), (seed, done.stderr)
        assert "failed to unpack python.tar.zst" in done.stderr or "unpacked python" in done.stderr, seed
        shutil.rmtree(native.runtime(), ignore_errors=True)
