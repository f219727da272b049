"""The pipe by which the task notices that its supervisor is gone, and then ends with all that it has started.

The supervisor holds the other end of the task's standard input and never writes to it. When the supervisor
ends, however it ends, the operating system closes the pipe.
"""

import os
import signal
import stat

_MANY_DESCRIPTORS = 256


def hold():
    """Watch the pipe at standard input from now on, and put the null device there for the task.

    Does nothing but the latter when standard input is no pipe: somebody runs the task by hand. To be called
    before any thread is started.
    """
    is_pipe = stat.S_ISFIFO(os.fstat(0).st_mode)
    pipe = os.dup(0)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    if is_pipe and hasattr(os, "fork"):
        _start_watcher(pipe)
    if is_pipe and not hasattr(os, "fork"):
        _start_thread(pipe)
    else:
        os.close(pipe)


def _start_watcher(pipe):
    """Start a process that kills the task's process group when the pipe closes.

    A process, because a thread cannot run while the task computes in C without releasing Python's global
    lock. It is started through another one that ends at once, so that it is nobody's child here: os.wait() in
    the task must not wait for it. It is in the group itself, so the group's number cannot pass to others
    before it ends.
    """
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    group = os.getpgrp()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        if os.fork() == 0:
            _wait_and_kill(pipe, group)
    finally:
        os._exit(0)


def _wait_and_kill(pipe, group):
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    for descriptor in range(_MANY_DESCRIPTORS):
        if descriptor != pipe:
            try:
                os.close(descriptor)
            except OSError:
                pass
    _wait_for_end(pipe)
    os.killpg(group, signal.SIGKILL)


def _start_thread(pipe):
    """On Windows: end this process when the pipe closes. The supervisor's job object ends the others."""
    try:
        import _thread  # novm: Python 2 takes the other branch
    except ImportError:
        import thread as _thread  # novm

    def watch():
        _wait_for_end(pipe)
        os._exit(1)

    _thread.start_new_thread(watch, ())


def _wait_for_end(pipe):
    while True:
        try:
            if not os.read(pipe, 1):
                return
        except OSError:  # interrupted by a signal, under Python < 3.5
            pass
