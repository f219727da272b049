"""Reads what the task writes to stdout and stderr, without end, and keeps the last of it."""

import os

if os.name == "nt":
    from pymw_worker.capture_windows import Capture, wait
else:
    from pymw_worker.capture_posix import Capture, wait

__all__ = ["Capture", "wait"]
