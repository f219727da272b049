"""A job as BOINC's web RPCs describe it: its files, and what its templates say. Both sides are here.

Each job brings its own templates: a file templates/APP_in, the stock server's other way, makes it refuse all
jobs under PHP 8. The lines are as they are because the stock scheduler works on lines: it looks for <result>
and <file_info> at their ends, and hands out nothing where they are not.
"""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Iterable, Mapping

from pymw_packager.names import APP

from pymw.errors import ProjectError
from pymw.project.jobs import Input, Output, Workunit
from pymw.project.messages import BadRequest, Fields, block, element, elements, escape
from pymw.server import create_work, templates

LONGEST_LINE = 3500  # bytes of a command line for create_work, whose lines also hold names of files
_STAGED = "local_staged"
_NUMBER = re.compile(rb"&#([0-9]{1,3});")
_FILE_REF = re.compile(r"<file_ref>(.*?)</file_ref>", re.DOTALL)


def batch(batch_id: int, workunits: Iterable[Workunit]) -> str:
    """What submit_batch submits. Raises ProjectError for a command line that the stock server would spoil."""
    jobs = "".join(job(each) for each in workunits)
    return block("batch", element("app_name", APP), element("batch_id", batch_id), jobs)


def job(workunit: Workunit) -> str:
    """A job of a batch. Raises ProjectError as `batch` does."""
    line = create_work.escaped(workunit.command_line)
    if len(line) > LONGEST_LINE:
        raise ProjectError(f"the command line of the job {workunit.name} is too long for BOINC")
    return block(
        "job",
        element("name", workunit.name),
        element("command_line", escape(line)),
        templates.input_template(workunit),
        templates.output_template(workunit),
        *(_input_file(each.file) for each in workunit.inputs),
    )


def read_job(text: str) -> Workunit:
    """The workunit of a <job> element; what it does not say is as the embedded project has it.

    Raises BadRequest.
    """
    about = Fields(text)
    template = about.get("input_template", "")
    asked = Fields(Fields(template).get("workunit", ""))
    output = about.get("output_template", "")
    plain = Workunit(name=about.name(), inputs=())
    limits = Fields(Fields(output).get("file_info", ""))
    return Workunit(
        name=about.name(),
        inputs=tuple(_inputs(text, template)),
        command_line=_plain(about.get("command_line", "").strip()),
        outputs=tuple(_outputs(output)),
        target_nresults=asked.integer("target_nresults", plain.target_nresults),
        min_quorum=asked.integer("min_quorum", plain.min_quorum),
        max_error_results=asked.integer("max_error_results", plain.max_error_results),
        max_total_results=asked.integer("max_total_results", plain.max_total_results),
        max_nbytes=limits.integer("max_nbytes", plain.max_nbytes, 1, 2**53),
        delay_bound=asked.number("delay_bound", plain.delay_bound),
        rsc_fpops_est=asked.number("rsc_fpops_est", plain.rsc_fpops_est),
        rsc_fpops_bound=asked.number("rsc_fpops_bound", plain.rsc_fpops_bound),
        memory_bound=asked.number("rsc_memory_bound", plain.memory_bound),
        disk_bound=asked.number("rsc_disk_bound", plain.disk_bound),
    )


def multipart(request: str, files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """The media type and the body of an upload: the request, first, and the files in its order."""
    boundary = secrets.token_hex(16)
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="request"\r\n\r\n{request}\r\n'.encode()]
    for number, (name, data) in enumerate(files.items()):
        about = f'form-data; name="file_{number}"; filename="{name}"'
        kind = "Content-Type: application/octet-stream"
        parts += [f"--{boundary}\r\nContent-Disposition: {about}\r\n{kind}\r\n\r\n".encode(), data, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(parts)


def _input_file(name: str) -> str:
    return block("input_file", element("mode", _STAGED), element("source", name))


def _plain(line: str) -> str:
    """A command line without what create_work needs."""
    numbers = html.unescape(line).encode()
    return _NUMBER.sub(lambda found: bytes([int(found[1]) & 255]), numbers).decode("utf-8", "replace")


def _inputs(text: str, template: str) -> Iterable[Input]:
    files = [Fields(content) for tag, content in elements(text) if tag == "input_file"]
    infos = [content for tag, content in elements(template) if tag == "file_info"]
    references = [Fields(content) for content in _FILE_REF.findall(template)]
    if not len(files) == len(infos) == len(references):
        raise BadRequest(f"wrong # of input files: need {len(infos)}, got {len(files)}")
    for file, info, reference in zip(files, infos, references, strict=True):
        if file.get("mode", "").strip() != _STAGED:
            raise BadRequest(f"unsupported file mode: {file.text('mode', 20)}")
        yield Input(file.name("source"), reference.name("open_name"), "<sticky/>" in info)


def _outputs(template: str) -> Iterable[Output]:
    for content in _FILE_REF.findall(template):
        about = Fields(content)
        yield Output(about.name("open_name"), "no_validate" not in about, "optional" in about)
