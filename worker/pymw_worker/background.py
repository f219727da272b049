"""Threads that do not keep this process from ending."""

import threading


def start(work):
    """Start a thread that calls `work`, and return it."""
    thread = threading.Thread(target=work)
    if hasattr(thread, "daemon"):
        thread.daemon = True  # novm: Python 2.5 takes the other branch
    else:
        thread.setDaemon(True)
    thread.start()
    return thread
