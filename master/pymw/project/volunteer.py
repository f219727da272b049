"""A volunteer on this computer: an unmodified BOINC client of its own, attached to a project.

For a demo, for trying a project out, and for this project's own tests. Whoever volunteers for good attaches
the client that runs on the computer anyway.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from pymw_packager import client_folder
from pymw_packager.client_process import ClientProcess

# How long a client waits after something went wrong: seconds here, up to hours in real life.
_PATIENCE = (
    *("--sched_retry_delay_min", "1", "--sched_retry_delay_max", "3"),
    *("--pers_retry_delay_min", "1", "--pers_retry_delay_max", "3"),
)
# A client asks once a second how its transfers are, and by default has two at a time.
_TRANSFERS = "<max_file_xfers>32</max_file_xfers><max_file_xfers_per_project>32</max_file_xfers_per_project>"
_FLAGS = "<sched_op_debug>1</sched_op_debug><file_xfer_debug>1</file_xfer_debug>"


class Volunteer(ClientProcess):
    """A client in a folder of its own, which attaches to a project when it starts."""

    def __init__(self, folder: Path, url: str, key: str, ncpus: int = 1, prefix: Sequence[str] = ()) -> None:
        """Lay out its folder, which is made here. Raises MissingToolError, OSError.

        url: of the project. key: of an account there; "" to attach to nothing. ncpus: tasks at once. prefix:
        as in ClientProcess.
        """
        super().__init__(folder, _PATIENCE, prefix)
        self.url = url
        folder.mkdir(parents=True)
        password = folder / client_folder.PASSWORD_FILE
        password.touch(mode=0o600)
        password.write_text(secrets.token_hex(16))
        (folder / "global_prefs_override.xml").write_text(client_folder.preferences(1))
        (folder / "cc_config.xml").write_text(
            f"<cc_config><log_flags>{_FLAGS}</log_flags><options><ncpus>{ncpus}</ncpus>"
            f"<dont_contact_ref_site>1</dont_contact_ref_site>{_TRANSFERS}</options></cc_config>\n"
        )
        if key:
            account = f"<master_url>{url}</master_url><authenticator>{key}</authenticator>"
            (folder / f"account_{_escaped(url)}.xml").write_text(f"<account>{account}</account>\n")

    def update(self) -> None:
        """Ask it to contact the project now."""
        self.answer("--project", self.url, "update")

    def tasks(self) -> str:
        """What it says about its tasks."""
        return self.answer("--get_tasks") or ""


def _escaped(url: str) -> str:
    """A URL as part of a file's name, as the client does it (client: lib/url.cpp)."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", url.partition("://")[2].rstrip("/"))
