"""The elements of a scheduler's reply, as clients read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pymw_packager.names import APP

from pymw.project import jobs, signing
from pymw.project.dispatch import Assignment
from pymw.project.jobs import Workunit
from pymw.project.messages import block, element, escape
from pymw.project.staging import Staged
from pymw.project.versions import AppVersion

VERSION = 803  # of the scheduler whose replies these are: 8.3
TITLE = "PyMW"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where clients find things. url: the master URL."""

    url: str

    @property
    def scheduler(self) -> str:
        """Where they ask for work."""
        return self.url + "cgi"

    @property
    def upload(self) -> str:
        """Where they upload. A client knows an upload URL by just this word."""
        return self.url + "file_upload_handler"

    def download(self, name: str) -> str:
        """Where they find a file."""
        return f"{self.url}download/{name}"


def message(text: str, priority: str = "low") -> str:
    """A line for the client's log; of the priority `notice`, for the volunteer's notices too."""
    return f'<message priority="{priority}">{escape(text)}</message>\n'


def named(tag: str, names: Iterable[str]) -> str:
    """An element with a name for each: result_ack, result_abort ..."""
    return "".join(block(tag, element("name", name)) for name in names)


def app() -> str:
    """The application."""
    return block("app", element("name", APP), element("user_friendly_name", TITLE))


def app_version(version: AppVersion, flops: float, where: Addresses) -> str:
    """An app version with its files. flops: of one processor of the computer that gets it."""
    files, references = "", ""
    for at, file in enumerate(version.files):
        main = "" if at else "<main_program/>\n"
        files += block(
            "file_info",
            element("name", file.name),
            element("url", where.download(file.name)),
            "" if at else "<executable/>\n",
            block("file_signature", file.signature),
            element("nbytes", file.nbytes),
        )
        references += block("file_ref", element("file_name", file.name), main)
    return files + block(
        "app_version",
        element("app_name", APP),
        element("version_num", version.version_num),
        element("platform", version.platform),
        element("avg_ncpus", 1),
        element("flops", f"{flops:f}"),
        element("api_version", version.api_version) if version.api_version else "",
        references,
    )


def input_file(staged: Staged, sticky: bool, where: Addresses) -> str:
    """A file for workunits."""
    return block(
        "file_info",
        element("name", staged.name),
        element("url", where.download(staged.name)),
        "<sticky/>\n" if sticky else "",
        element("md5_cksum", staged.md5),
        element("nbytes", staged.nbytes),
    )


def workunit(job: Workunit) -> str:
    """A workunit."""
    return block(
        "workunit",
        element("name", job.name),
        element("app_name", APP),
        element("rsc_fpops_est", f"{job.rsc_fpops_est:f}"),
        element("rsc_fpops_bound", f"{job.rsc_fpops_bound:f}"),
        element("rsc_memory_bound", f"{job.memory_bound:f}"),
        element("rsc_disk_bound", f"{job.disk_bound:f}"),
        element("command_line", escape(job.command_line)),
        *(_reference(each.file, each.logical_name) for each in job.inputs),
    )


def result(assigned: Assignment, version: AppVersion, secret: bytes, where: Addresses) -> str:
    """A result, with its outputs and the certificates that allow to upload them."""
    job, files, references = assigned.workunit, "", ""
    for position, output in enumerate(job.outputs):
        name = jobs.output_name(assigned.name, assigned.nonce, position)
        files += block(
            "file_info",
            element("name", name),
            "<generated_locally/>\n<upload_when_present/>\n",
            element("max_nbytes", job.max_nbytes),
            element("url", where.upload),
            block("xml_signature", signing.certificate(name, job.max_nbytes, secret)),
        )
        references += _reference(name, output.logical_name, "<optional/>\n" if output.optional else "")
    return files + block(
        "result",
        element("name", assigned.name),
        element("wu_name", job.name),
        element("report_deadline", int(assigned.deadline)),
        element("platform", version.platform),
        element("version_num", version.version_num),
        "<report_immediately/>\n",
        references,
    )


def work(
    assigned: Iterable[Assignment],
    version: AppVersion,
    flops: float,
    staged: Mapping[str, Staged],
    secret: bytes,
    where: Addresses,
) -> str:
    """Everything that a client needs for these results. staged: the inputs of their workunits."""
    parts = [app(), app_version(version, flops, where)]
    sent = set[str]()
    for each in assigned:
        for file in each.workunit.inputs:
            if file.file not in sent:
                parts.append(input_file(staged[file.file], file.sticky, where))
                sent.add(file.file)
        parts += [workunit(each.workunit), result(each, version, secret, where)]
    return "".join(parts)


def _reference(file: str, logical_name: str, more: str = "") -> str:
    return block("file_ref", element("file_name", file), element("open_name", logical_name), more)
