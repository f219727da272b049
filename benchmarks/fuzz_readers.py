"""Throws mutated files at each reader of strangers' bytes, for a set time, and reports what it must not do.

python benchmarks/fuzz_readers.py [SECONDS] [READER ...]      (default: 60 seconds for each of all readers)

Inputs are seeds with a few changes, put together from others, and sealed anew, so that more of them is read.
Seeds are in benchmarks/seeds/READER; what a reader did wrong is written there as well, so that it stays one.
Each reader has a process of its own with 2 GB of address space; an audit hook forbids to import, open or
start anything.
"""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import time
import unicodedata  # noqa: F401  # the readers import it for the first name that is not ASCII; here that is an event
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymw.errors import UntrustedResult
from pymw.results import untrusted_reader
from pymw.untrusted.opcodes import METHODS
from pymw_worker import arguments, bundle, log, outcome, signatures
from pymw_worker.errors import FormatError

SEEDS = Path(__file__).parent / "seeds"
MEMORY = 2_000_000_000
SLOWEST = 10.0  # seconds of processor time for one input
FORBIDDEN = ("import", "open", "exec", "compile", "os.", "subprocess.", "socket.", "pickle.", "ctypes.")
OPCODES = [bytes([opcode]) for opcode, method in enumerate(METHODS) if method != "unknown"]
LARGEST = 4096  # bytes of an input


class Point:
    """A class that the fuzzed reader may build."""


def read_bundle(data: bytes) -> None:
    code = bundle.read(data)
    code.function()
    signatures.signers(code._box, bundle.KIND, {"0" * 16: bytes(32)})


READERS: dict[str, tuple[Callable[[bytes], Any], type[Exception]]] = {
    "pickle": (untrusted_reader([Point]), UntrustedResult),
    "result": (lambda data: outcome.read(data, 1 << 20), FormatError),
    "log": (lambda data: log.read(data, 1 << 20), FormatError),
    "arguments": (arguments.read, FormatError),
    "bundle": (read_bundle, FormatError),
}


class Target:
    """One reader under fire. faults: what it did that it must not."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.read, self.refusal = READERS[name]
        self.faults = 0
        self.inputs = self.accepted = 0
        self.slowest = 0.0
        self._events: list[str] = []

    def watch(self) -> None:
        """From now on nothing may be imported, opened or started while it reads."""
        sys.addaudithook(lambda event, _: self._events.append(event) if event.startswith(FORBIDDEN) else None)

    def throw(self, data: bytes) -> None:
        """Let it read one input."""
        self._events.clear()
        started = time.process_time()
        said = ""
        try:
            self.read(data)
            self.accepted += 1
        except self.refusal:
            pass
        except Exception as error:
            said = f"raised {error!r:.300}"
        done = sorted(set(self._events))
        seconds = time.process_time() - started
        self.inputs += 1
        self.slowest = max(self.slowest, seconds)
        if said or done or seconds > SLOWEST:
            self.faults += 1
            path = SEEDS / self.name / f"fault-{hashlib.sha256(data).hexdigest()[:16]}"
            path.write_bytes(data)
            print(
                f"{path}: {said or 'ended'}; did {', '.join(done) or 'nothing'}; {seconds:.1f} s", flush=True
            )


def mutated(seeds: list[bytes], chance: random.Random) -> bytes:
    """A seed with a few changes, or parts of several."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(data) + 1)
        other = chance.choice(seeds)
        start = chance.randrange(len(other) + 1)
        match chance.randrange(6):
            case 0:
                data[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                data[place:place] = chance.choice(OPCODES)
            case 2:
                data[place:place] = other[start : start + chance.randrange(64)]
            case 3:
                del data[place : place + chance.randrange(8)]
            case 4:
                data[place:] = other[start:]
            case 5:
                data[place:place] = data[place : place + 16] * chance.randrange(16)
    return bytes(data[:LARGEST])


def sealed(data: bytes) -> bytes:
    """The same container with the SHA-256 that its altered manifest should have."""
    end = data.find(b"\n\n") + 2
    if end < 2 or not data[end:].startswith(b"sha256 "):
        return data
    return data[: end + 7] + hashlib.sha256(data[:end]).hexdigest().encode() + data[end + 71 :]


def fuzz_blindly(target: Target, seeds: list[bytes], seconds: float, seed: int) -> None:
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutated(seeds, chance)
        target.throw(data if target.name == "pickle" or chance.random() < 0.3 else sealed(data))


def fuzz(name: str, seconds: float, seed: int) -> int:
    """Fuzz one reader in this process; return 1 if it did what it must not."""
    limited()
    target = Target(name)
    seeds = [path.read_bytes() for path in sorted((SEEDS / name).iterdir())]
    for data in seeds:
        target.throw(data)  # what is imported late is imported now
    target.faults = 0
    target.watch()
    for data in seeds:
        target.throw(data)
    fuzz_blindly(target, seeds, seconds, seed)
    print(
        f"{name}: {target.inputs} inputs, {target.accepted} of them read, {target.faults} faults, "
        f"slowest {target.slowest:.3f} s"
    )
    return 1 if target.faults else 0


def limited() -> None:
    """Give this process no more memory than it may need."""
    try:
        import resource  # noqa: PLC0415  # Windows has none
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def main(words: list[str]) -> int:
    if words[:1] == ["--one"]:
        return fuzz(words[1], float(words[2]), int(words[3]))
    seconds = words[0] if words else "60"
    codes = [
        subprocess.run(
            [sys.executable, __file__, "--one", name, seconds, str(time.time_ns())], check=False
        ).returncode
        for name in words[1:] or READERS
    ]
    return 1 if any(codes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
