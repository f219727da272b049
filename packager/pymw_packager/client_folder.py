"""Lays out the data folder of a BOINC client that holds one app version and one job and needs no server.

The elements are those that client 7.20.5 itself writes into its state file. What differs from a job that a
server sent: nothing carries a signature or a URL, and the outputs are sticky, because a client deletes
outputs that it can neither upload nor must keep.
"""

import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from pymw_packager import version_xml
from pymw_packager.errors import FormatError, UsageError
from pymw_packager.files import reported
from pymw_packager.names import APP, VERSION_XML, normal_version, version_num

# Never contacted: the client runs without network. A client names a project's folder after its URL.
PROJECT_URL = "http://127.0.0.1/pymw_trial/"
PROJECT_FOLDER = Path("projects", "127.0.0.1_pymw_trial")
PROJECT = "pymw trial"
WORKUNIT = "pymw_trial"
TASK = f"{WORKUNIT}_0"
PASSWORD_FILE = "gui_rpc_auth.cfg"
STATE_FILE = "client_state.xml"


@dataclass(frozen=True)
class Job:
    """What the client shall run.

    Attributes:
        inputs: the bytes of each input file, by logical name.
        outputs: logical names of the output files.
        command_line: arguments for the launcher and the worker. A client splits them at white space;
            quotes group, nothing escapes.
    """

    inputs: Mapping[str, bytes]
    outputs: Sequence[str]
    command_line: str = ""


def output_path(folder: Path, logical_name: str) -> Path:
    """Return where the client keeps an output file of the job."""
    return folder / PROJECT_FOLDER / f"{TASK}_{logical_name}"


def lay_out(folder: Path, app_version: Path, job: Job, checkpoint_seconds: int = 1) -> None:
    """Fill ``folder`` with what a client that downloaded this app version and this job has.

    Args:
        folder: becomes the client's data folder; made if need be.
        app_version: ``…/pymw/VERSION/PLATFORM``, as pymw-package writes it.
        job: what to run.
        checkpoint_seconds: how often the application may write to the disk.

    Raises:
        UsageError: the path of the app version does not end in VERSION/PLATFORM.
        FormatError: its version.xml is damaged or names a file that is not there.
        StorageError: a file cannot be read or written.
    """
    platform, plan_class, version_num = _identity(app_version)
    version = version_xml.read(app_version / VERSION_XML)
    for name in version.files:
        if not (app_version / name).is_file():
            raise FormatError(f"{app_version} lacks {name}, which its {VERSION_XML} names.")
    with reported(folder, "written"):
        project = folder / PROJECT_FOLDER
        project.mkdir(parents=True, exist_ok=True)
        (folder / "slots").mkdir(exist_ok=True)
        for name in version.files:
            shutil.copyfile(app_version / name, project / name)
        (project / version.main_program).chmod(0o755)
        for name, data in job.inputs.items():
            (project / f"{TASK}_{name}").write_bytes(data)
        (folder / PASSWORD_FILE).touch(mode=0o600)
        (folder / PASSWORD_FILE).write_text(secrets.token_hex(16))
        account = _elements({"master_url": PROJECT_URL, "authenticator": 0, "project_name": PROJECT})
        (folder / f"account_{PROJECT_FOLDER.name}.xml").write_text(f"<account>{account}</account>\n")
        (folder / "cc_config.xml").write_text(_configuration())
        (folder / "global_prefs_override.xml").write_text(preferences(checkpoint_seconds))
        state = _state(version, job, platform, plan_class, version_num)
        (folder / STATE_FILE).write_text(state, encoding="utf-8")


def _identity(app_version: Path) -> tuple[str, str, int]:
    """Return platform, plan class and version number of the app version in this folder."""
    folder = app_version.absolute()
    platform, _, plan_class = folder.name.partition("__")
    try:
        version = normal_version(folder.parent.name)
    except UsageError:
        raise UsageError(
            f"{app_version} is not the folder of an app version: its path must end in VERSION/PLATFORM, "
            "as pymw/1.04/windows_intelx86 does."
        ) from None
    return platform, plan_class, version_num(version)


def _configuration() -> str:
    flags = _elements(dict.fromkeys(("task", "task_debug", "app_msg_send", "checkpoint_debug"), 1))
    options = _elements(dict.fromkeys(("skip_cpu_benchmarks", "dont_contact_ref_site", "ncpus"), 1))
    return f"<cc_config><log_flags>{flags}</log_flags><options>{options}</options></cc_config>\n"


def preferences(checkpoint_seconds: int) -> str:
    """Whatever else the machine does, the task runs."""
    values = {
        "run_on_batteries": 1,
        "run_if_user_active": 1,
        "run_gpu_if_user_active": 0,
        "suspend_cpu_usage": 0,
        "max_ncpus_pct": 100,
        "cpu_usage_limit": 100,
        "disk_interval": checkpoint_seconds,
        "disk_max_used_pct": 100,
        "disk_min_free_gb": 0,
        "ram_max_used_busy_pct": 90,
        "ram_max_used_idle_pct": 90,
    }
    return f"<global_preferences>{_elements(values)}</global_preferences>\n"


def _elements(values: Mapping[str, object]) -> str:
    return "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in values.items())


def _state(
    version: version_xml.VersionXml, job: Job, platform: str, plan_class: str, version_num: int
) -> str:
    """The client's state: one project, app version and workunit, and one result that is ready to run."""
    project = {"master_url": PROJECT_URL, "project_name": PROJECT}
    of_version = {"platform": platform, "version_num": version_num}
    of_version |= {"plan_class": plan_class} if plan_class else {}
    build = {"app_name": APP, **of_version, "avg_ncpus": 1, "flops": 1e9}
    build |= {"api_version": version.api_version} if version.api_version else {}
    work = {"name": WORKUNIT, "app_name": APP, "version_num": version_num, "command_line": job.command_line}
    work |= {"rsc_fpops_est": 1e12, "rsc_fpops_bound": 1e15, "rsc_memory_bound": 1e9, "rsc_disk_bound": 1e9}
    # State 2: its files are here. The deadline, in seconds since 1970, is in 2033.
    result = {"name": TASK, "wu_name": WORKUNIT, **of_version, "state": 2, "report_deadline": 2_000_000_000}
    parts = [
        f"<project>{_elements(project)}<dont_request_more_work/></project>",
        f"<app>{_elements({'name': APP, 'user_friendly_name': APP})}</app>",
        *_files(version, job),
        f"<app_version>{_elements(build)}{_app_references(version)}</app_version>",
        f"<workunit>{_elements(work)}{_references(job.inputs)}</workunit>",
        f"<result>{_elements(result)}{_references(job.outputs)}</result>",
        # Run always (1); use the network never (3).
        "<user_run_request>1</user_run_request><user_network_request>3</user_network_request>",
    ]
    return "\n".join(["<client_state>", *parts, "</client_state>", ""])


def _files(version: version_xml.VersionXml, job: Job) -> Iterator[str]:
    for name in version.files:
        executable = "<executable/>" if name == version.main_program else ""
        yield f"<file_info>{_elements({'name': name, 'status': 1})}{executable}</file_info>"
    for name in job.inputs:
        yield f"<file_info>{_elements({'name': f'{TASK}_{name}', 'status': 1})}</file_info>"
    for name in job.outputs:
        about = _elements({"name": f"{TASK}_{name}", "max_nbytes": 1e9})
        yield f"<file_info>{about}<generated_locally/><sticky/></file_info>"


def _app_references(version: version_xml.VersionXml) -> str:
    references = ""
    for name in version.files:
        main = "<main_program/>" if name == version.main_program else ""
        references += f"<file_ref>{_elements({'file_name': name})}{main}</file_ref>"
    return references


def _references(logical_names: Iterable[str]) -> str:
    return "".join(
        f"<file_ref>{_elements({'file_name': f'{TASK}_{name}', 'open_name': name})}</file_ref>"
        for name in logical_names
    )
