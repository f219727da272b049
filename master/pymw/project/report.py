"""What `pymw project status` prints for people."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pymw_packager import command
from rich.table import Table
from rich.text import Text

from pymw.project.outcomes import Counts, HostSummary
from pymw.project.settings import Settings

_COLUMNS = ("computer", "account", "platform", "processors", "client", "tasks", "credit", "errors", "seen")


def print_status(settings: Settings, counts: Counts, hosts: Sequence[HostSummary]) -> None:
    """Print what a project does."""
    console = command.console()
    console.print(f"{settings.name}  {settings.url}", markup=False, highlight=False)
    open_ones = counts.workunits - counts.succeeded - counts.failed
    console.print(
        f"workunits: {open_ones} open, {counts.succeeded} succeeded, {counts.failed} failed; "
        f"results: {counts.results_unsent} unsent, {counts.results_in_progress} in progress, "
        f"{counts.results_over} over; app versions: {counts.app_versions}",
        markup=False,
        highlight=False,
    )
    if not hosts:
        console.print("No computer has attached yet.")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in _COLUMNS:
        table.add_column(name)
    for host in hosts:
        # Strangers chose these names: text, never markup.
        cells = [
            f"{host.id} {host.domain_name}",
            host.account,
            host.platform,
            str(host.ncpus),
            host.client,
            str(host.in_progress),
            f"{host.credit:.2f}",
            str(host.errors),
            f"{max(0.0, time.time() - host.last_rpc):.0f} s ago",
        ]
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
