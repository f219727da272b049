"""What this system is called. The standard library's `platform` starts programs to find out."""

import os
import sys


def describe():
    """Such as Linux-6.1.0-x86_64 or Windows-10.0.19045-AMD64."""
    if hasattr(os, "uname"):
        system, _, release, _, machine = os.uname()
    else:
        found = sys.getwindowsversion()
        # Programs without a manifest of Windows 10 are told that it is Windows 8, in the other numbers.
        version = getattr(found, "platform_version", None) or tuple(found[:3])
        system, release = "Windows", "%d.%d.%d" % version
        machine = os.environ.get("PROCESSOR_ARCHITEW6432") or os.environ.get("PROCESSOR_ARCHITECTURE")
    return "-".join([word for word in (system, release, machine) if word])
