"""BOINC's templates of a workunit's input and output files: two files for each kind of workunit.

The server reads a result template again for each result that it makes, so none is ever removed. A template
is known by its content: however many programs ask for the same, it is written once.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from pymw_packager.names import APP
from pymw_worker import durable

from pymw.errors import ProjectError
from pymw.project.jobs import Workunit
from pymw.project.messages import block, element

FOLDER = "templates"
_DIGITS = 24  # of the SHA-256; the path has 63 characters in the database


def input_template(unit: Workunit) -> str:
    """What is asked for a workunit of this kind; its names and its command line do not count."""
    # A bundle is for all jobs of a function: the server does not delete it, and clients keep it.
    files = "".join(
        block("file_info", "<sticky/>\n<no_delete/>\n" if each.sticky else "") for each in unit.inputs
    )
    references = (block("file_ref", element("open_name", each.logical_name)) for each in unit.inputs)
    return block(
        "input_template",
        files,
        block(
            "workunit",
            *references,
            element("rsc_fpops_est", f"{unit.rsc_fpops_est:f}"),
            element("rsc_fpops_bound", f"{unit.rsc_fpops_bound:f}"),
            element("rsc_memory_bound", f"{unit.memory_bound:f}"),
            element("rsc_disk_bound", f"{unit.disk_bound:f}"),
            element("delay_bound", int(unit.delay_bound)),
            element("min_quorum", unit.min_quorum),
            element("target_nresults", unit.target_nresults),
            element("max_error_results", unit.max_error_results),
            element("max_total_results", unit.max_total_results),
            element("max_success_results", unit.max_total_results),
        ),
    )


def output_template(unit: Workunit) -> str:
    """What a result of this kind consists of. `<file_info>` and `<result>` must end a line, says BOINC."""
    files, references = "", ""
    for position, output in enumerate(unit.outputs):
        name = f"<OUTFILE_{position}/>"
        files += block(
            "file_info",
            element("name", name),
            "<generated_locally/>\n<upload_when_present/>\n",
            element("max_nbytes", unit.max_nbytes),
            element("url", "<UPLOAD_URL/>"),
        )
        references += block(
            "file_ref",
            element("file_name", name),
            element("open_name", output.logical_name),
            "<optional/>\n" if output.optional else "",
            "" if output.validated else "<no_validate/>\n",
        )
    return block("output_template", files, block("result", "<report_immediately/>\n", references))


def written(project: Path, unit: Workunit) -> tuple[str, str]:
    """The paths of both templates for this kind, in the project's folder; they are there then.

    Raises ProjectError.
    """
    return _written(project, input_template(unit), "in"), _written(project, output_template(unit), "out")


def _written(project: Path, text: str, suffix: str) -> str:
    name = f"{FOLDER}/{APP}_{hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]}_{suffix}"
    path = project / name
    try:
        if not path.exists():
            durable.write_bytes(str(path), text.encode("ascii"))
            path.chmod(0o644)
    except OSError as error:
        raise ProjectError(f"the template {path} cannot be written: {error.strerror}") from error
    return name
