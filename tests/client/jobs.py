"""Functions that volunteers call. Each travels as its source, so it imports what it needs itself."""


def total(numbers):  # type: ignore[no-untyped-def]
    """Return the sum of the numbers."""
    return sum(numbers)


def refuse(what):  # type: ignore[no-untyped-def]
    """Raise an exception."""
    raise ValueError(f"no {what} today")


def vanish(status):  # type: ignore[no-untyped-def]
    """End the process without a word."""
    import os

    os._exit(status)


def count(steps, seconds):  # type: ignore[no-untyped-def]
    """Return the sum of the steps, each of which takes some seconds; report progress."""
    import time

    import pymw_worker

    done = 0
    for i in range(steps):
        time.sleep(seconds)
        done += i
        pymw_worker.progress((i + 1.0) / steps)
    return done


def count_with_checkpoints(steps, seconds):  # type: ignore[no-untyped-def]
    """Return the sum of the steps and at which step each start began; keep a checkpoint after each step."""
    import time

    import pymw_worker
    from pymw_worker import checkpoint

    state = checkpoint.load({"i": 0, "done": 0, "starts": []})
    state["starts"].append(state["i"])
    while state["i"] < steps:
        until = time.time() + seconds
        while time.time() < until:
            pass  # uses the processor, so that the checkpoint's CPU time rises
        state["done"] += state["i"]
        state["i"] += 1
        checkpoint.save(state)
        pymw_worker.progress(float(state["i"]) / steps)
    return state["done"], state["starts"]


def count_until(path, steps):  # type: ignore[no-untyped-def]
    """Count so many steps, or more until there is such a file; return the number of steps and their sum."""
    import pathlib
    import time

    from pymw_worker import checkpoint

    state = checkpoint.load({"i": 0, "done": 0})
    while state["i"] < steps or not pathlib.Path(path).exists():
        time.sleep(0.1)
        state["done"] += state["i"]
        state["i"] += 1
        checkpoint.save(state)
    return state["i"], state["done"]


def where():  # type: ignore[no-untyped-def]
    """Return the path of the Python that this runs in."""
    import sys

    return sys.executable


def encrypt():  # type: ignore[no-untyped-def]
    """Hash, which a lean Python can, and try to encrypt, which it cannot."""
    import hashlib
    import sys

    digest = hashlib.sha256(b"").hexdigest()
    try:
        import ssl
    except ImportError:
        return sys.executable, digest, str(sys.exc_info()[1])
    return sys.executable, digest, ssl.OPENSSL_VERSION


def tick(seconds):  # type: ignore[no-untyped-def]
    """Return when it ran, noted each hundredth of a second, for so many seconds."""
    import time

    ticks = [time.time()]
    while ticks[-1] - ticks[0] < seconds:
        time.sleep(0.01)
        ticks.append(time.time())
    return ticks


def niceness():  # type: ignore[no-untyped-def]
    """Return how nice this process is."""
    import os

    return os.nice(0)
