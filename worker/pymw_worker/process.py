"""The task's process and all that it starts: one tree, which is started, held and killed as a whole."""

import os
import signal

if os.name == "nt":
    from pymw_worker.process_windows import spawn
else:
    from pymw_worker.process_posix import spawn

# Statuses of a process that was killed from outside, perhaps because there was no memory left; and of one
# that ended because somebody asked it to, or all processes at once, when the system shut down. The same make
# the client start an application again (client/app_control.cpp).
KILLED = -getattr(signal, "SIGKILL", 9)
ENDED_FROM_OUTSIDE = [
    -getattr(signal, name) for name in ("SIGHUP", "SIGINT", "SIGTERM") if hasattr(signal, name)
] + [0x40010004, 0xC000013A, 0xC0000142, 0xC000026B]

_CRASH = "probably a bug in compiled code, or recursion that is too deep"
_MEMORY = "probably the computer ran out of memory, or somebody killed it"

# By the name of the signal: numbers differ between systems.
_SIGNAL_CAUSES = {
    "SIGKILL": _MEMORY,
    "SIGSEGV": _CRASH,
    "SIGBUS": _CRASH,
    "SIGILL": "probably compiled code for another kind of processor",
    "SIGFPE": "probably a division by zero in compiled code",
    "SIGABRT": "compiled code gave up; it may have written why to stderr",
    "SIGXCPU": "a limit on CPU time was reached",
    "SIGXFSZ": "a limit on the size of files was reached",
    "SIGTERM": "somebody asked it to end; perhaps the computer was shutting down",
    "SIGSYS": "probably a system call that this computer forbids",
}

# Windows gives what a process died of as its exit status (ntstatus.h).
_WINDOWS_CAUSES = {
    0xC0000005: "an access violation: " + _CRASH,
    0xC000001D: "an illegal instruction: probably compiled code for another kind of processor",
    0xC0000017: "Windows had no memory left",
    0xC0000094: "a division by zero in compiled code",
    0xC00000FD: "a stack overflow: probably recursion that is too deep",
    0xC0000135: "a DLL that it needs is missing",
    0xC0000139: "a DLL that it needs has another version",
    0xC0000142: "a DLL could not be initialised; perhaps Windows was shutting down",
    0xC000013A: "it was told to end by Ctrl-C or because its console was closed",
    0xC0000374: "the heap was damaged: " + _CRASH,
    0xC0000409: "a damaged stack, or compiled code that gave up; it may have written why to stderr",
    0x40010004: "it was ended by a debugger or because Windows was shutting down",
}


def describe(status):
    """Say in words how a process ended and the likely cause.

    status: as subprocess has it, negative for a signal.
    """
    if status < 0:
        name = _signal_name(-status)
        cause = _SIGNAL_CAUSES.get(name)
        words = "was killed by signal %d (%s)" % (-status, name)
    elif status >= 0xC0000000 or status in _WINDOWS_CAUSES:
        cause = _WINDOWS_CAUSES.get(status)
        words = "ended with the Windows status 0x%08X" % status
    else:
        cause = None
        words = "ended with exit status %d" % status
    if cause:
        words = "%s: %s" % (words, cause)
    return words


def _signal_name(number):
    for name in sorted(dir(signal)):
        if name.startswith("SIG") and not name.startswith("SIG_") and getattr(signal, name) == number:
            if name not in ("SIGIOT", "SIGCLD", "SIGPOLL"):  # second names
                return name
    return "unknown"


__all__ = ["ENDED_FROM_OUTSIDE", "KILLED", "describe", "spawn"]
