"""A real client on a 32-bit system attaches, is given the 32-bit application, and brings a result back."""

from pathlib import Path

import pymw
from pymw.interfaces.boinc import BOINCInterface

from tests.bench.chroot import Chroot
from tests.bench.packages import Packages
from tests.project.conftest import Lab

PLATFORM = "i686-pc-linux-gnu"


def where():  # type: ignore[no-untyped-def]
    """Return how wide a pointer is here, in bits, and the path of the Python that this runs in."""
    import struct
    import sys

    return 8 * struct.calcsize("P"), sys.executable


def test_a_32_bit_client_is_given_its_application(
    chroot: Chroot, chroot_folder: Path, packages: Packages, lab: Lab
) -> None:
    lab.project.add_version(packages.get(PLATFORM, "none"))
    folder = chroot_folder / "client"
    # Under a 64-bit kernel a 32-bit client calls itself x86_64, and takes such applications.
    prefix = [*chroot.prefix(folder), "setarch", "i686"]
    with lab.explaining(), pymw.Master(BOINCInterface(lab.project.folder), portable=True) as master:
        future = master.submit(where)
        lab.add_client(folder=folder, prefix=prefix)
        assert future.result(120) == (32, "/usr/bin/python3")
        assert future.log["boinc-platform"] == PLATFORM
        assert PLATFORM in [path.name.rpartition("_")[2] for path in folder.glob("projects/*/pymw_*")]
        (host,) = lab.project.hosts()
        assert (host.platform, host.client) == (PLATFORM, "7.20.5")
