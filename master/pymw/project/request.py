"""What a client says to the scheduler, as far as this server cares."""

from __future__ import annotations

from dataclasses import dataclass, field

from pymw.project import messages
from pymw.project.messages import Fields

_STDERR = 65_536  # characters kept of what a task printed
_RESULTS = 10_000  # in one request; clients report 64 to 256 at a time


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """An output as the client says it has uploaded it. refused: the server did not take it."""

    nbytes: int
    md5: str
    refused: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A finished task. state: 5 if its files are uploaded. cpu, elapsed: seconds. files: by name."""

    name: str
    exit_status: int
    state: int
    cpu: float
    elapsed: float
    stderr: str
    files: dict[str, UploadedFile]


@dataclass(frozen=True, slots=True)
class Computer:
    """The client's computer as it describes itself.

    cpid: the client's own name for it. fpops: floating-point operations per second of a processor. memory:
    bytes.
    """

    cpid: str
    domain_name: str
    os: str
    ncpus: int
    fpops: float
    memory: float


@dataclass(frozen=True, slots=True)
class SchedulerRequest:
    """A request to the scheduler.

    platforms: the client's own and then those that it accepts as well. wants_work: whether it asks for tasks:
    `seconds` of run time in all, or enough for `instances` idle processors. has_key: whether it knows the
    project's key. others: names of the tasks that it has besides those it reports; None if it does not say.
    files: of ours that it keeps.
    """

    authenticator: str
    hostid: int
    rpc_seqno: int
    client: str
    platforms: tuple[str, ...]
    wants_work: bool
    seconds: float
    instances: float
    code_sign_key: str
    computer: Computer
    reports: list[Report] = field(default_factory=list)
    others: set[str] | None = None
    files: list[str] = field(default_factory=list)
    trickles: int = 0


def read(body: bytes) -> SchedulerRequest:
    """The request in the body of a POST. Raises BadRequest."""
    text, sections = messages.without_raw_text(body.decode("latin-1"))
    content = messages.inside(text, "scheduler_request")
    fields = Fields("")
    reports, alternatives, files = list[Report](), list[str](), list[str]()
    others: set[str] | None = None
    trickles = 0
    for tag, inner in messages.elements(content):
        if tag == "result" and len(reports) < _RESULTS:
            if report := _report(inner, sections):
                reports.append(report)
        elif tag == "alt_platform":
            alternatives.append(Fields(inner).name())
        elif tag == "other_results":
            listed = messages.elements(inner)
            others = {Fields(each).name() for kind, each in listed if kind == "other_result"}
        elif tag == "file_info":
            files.append(Fields(inner).name())
        elif tag == "msg_from_host":
            trickles += 1
        else:
            fields.setdefault(tag, inner)
    version = "core_client_major_version", "core_client_minor_version", "core_client_release"
    seconds = max(fields.number("work_req_seconds"), fields.number("cpu_req_secs"))
    instances = fields.number("cpu_req_instances")
    return SchedulerRequest(
        authenticator=fields.text("authenticator"),
        hostid=fields.integer("hostid"),
        rpc_seqno=fields.integer("rpc_seqno"),
        client=".".join(str(fields.integer(each)) for each in version),
        platforms=tuple(dict.fromkeys(filter(None, [fields.name("platform_name"), *alternatives])))[:20],
        wants_work=(seconds > 0 or instances > 0) and not fields.integer("dont_send_work"),
        seconds=seconds,
        instances=instances,
        code_sign_key=fields.get("code_sign_key", "").strip(),
        computer=_computer(fields.get("host_info", "")),
        reports=reports,
        others=others,
        files=[name for name in files if name],
        trickles=trickles,
    )


def _computer(text: str) -> Computer:
    fields = Fields(text)
    return Computer(
        cpid=fields.text("host_cpid", 64),
        domain_name=fields.text("domain_name", 100),
        os=f"{fields.text('os_name', 60)} {fields.text('os_version', 100)}".strip(),
        ncpus=fields.integer("p_ncpus", 1, 1, 4096),
        # A client that has not measured yet says 0, or a default.
        fpops=fields.number("p_fpops", 1e9, 0, 1e13) or 1e9,
        memory=fields.number("m_nbytes"),
    )


def _report(text: str, sections: list[str]) -> Report | None:
    fields, files = Fields(""), dict[str, UploadedFile]()
    for tag, inner in messages.elements(text):
        if tag == "file_info" and len(files) < 100:
            about = Fields(inner)
            refused = "error_msg" in about
            files[about.name()] = UploadedFile(
                about.integer("nbytes", -1, -1, 2**53), about.text("md5_cksum", 32).lower(), refused
            )
        else:
            fields.setdefault(tag, inner)
    if not (name := fields.name()):
        return None
    raw = messages.raw_text(fields.get("stderr_out", ""), sections)
    return Report(
        name=name,
        exit_status=fields.integer("exit_status", 204, -(2**31)),
        state=fields.integer("state"),
        cpu=fields.number("final_cpu_time", high=1e9),
        elapsed=fields.number("final_elapsed_time", high=1e9),
        stderr=raw[-_STDERR:].encode("latin-1").decode("utf-8", "replace"),
        files=files,
    )
