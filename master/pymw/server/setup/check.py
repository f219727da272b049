"""`pymw_setup --check`: what stands, what lacks, and what to do about it. Nothing is changed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from pymw_packager import task_keys
from pymw_packager.check import check as check_version
from pymw_packager.errors import PackagerError
from pymw_packager.names import APP

from pymw.boinc import remote_files
from pymw.errors import ProjectError
from pymw.server.database import Database
from pymw.server.home import ASSIMILATOR, ServerHome
from pymw.server.setup import running, web
from pymw.server.setup.findings import Finding, lacks, stands
from pymw.server.setup.running import Running, short_host
from pymw.server.setup.state import Row, State, look
from pymw.server.setup.steps import check_assimilator
from pymw.server.setup.wanted import text_of
from pymw.server.task_folder import TaskFolder

_KEYS = ("code_sign_public", "upload_private", "upload_public")
_STOPPED = ("stop_daemons", "stop_sched")
_LOG_TAIL = 256 << 10  # bytes
# The file_deleter calls two things critical that are in order. A task which failed, and so never sent its
# output files, has none to delete, and no other file has made the folder that they would be in: there it does
# not look at the outcome. And a job that web RPCs cancel, and remove with its batch later (abort_jobs,
# abort_batch), is given to it twice: the second time its arguments are gone.
_HARMLESS = re.compile(
    r".* \[CRITICAL\] (?:"
    r"\[RESULT#\d+\] (?:missing dir for /.*/[0-9a-f]+|file deletion failed: opendir\(\) failed)"
    rf"|\[WU#\d+\] get_file_path: {remote_files.PREFIX}arguments_[0-9a-f]{{32}}: not found)"
)


def check(home: ServerHome, task_dir: Path | None) -> Iterator[Finding]:
    """Look at everything. task_dir: what the assimilator is to have; None: whatever it has."""
    for part in (_host(home), _daemons(home), _assimilator(home, task_dir), _keys(home)):
        yield from _guarded(part)
    try:
        with contextlib.closing(Database(home.database)) as database:
            state = look(home, database)
    except ProjectError as error:
        yield lacks(str(error), "start it, and see db_host, db_user and db_passwd in config.xml")
        return
    yield stands(f"the database {home.database.name} answers")
    for part in (_application(state), _versions(home, state), _facts(home, state), web.check(home, state)):
        yield from _guarded(part)


def _guarded(findings: Iterator[Finding]) -> Iterator[Finding]:
    """What cannot be looked at lacks; the rest is looked at all the same."""
    try:
        yield from findings
    except (ProjectError, PackagerError) as error:
        yield lacks(str(error).rstrip("."), "see to that first")
    except OSError as error:
        yield lacks(
            f"{error.filename}: {error.strerror}", "call this as the user that the project belongs to"
        )


def _host(home: ServerHome) -> Iterator[Finding]:
    if home.host != short_host():
        yield lacks(
            f"config.xml says <host>{home.host}</host>, but this computer is {short_host()}",
            f"write <host>{short_host()}</host>, without a dot: else bin/start starts nothing",
        )
    for tool in ("php", "python"):
        if not shutil.which(tool):
            yield lacks(f"there is no `{tool}` in PATH, which programs in bin/ need", "install it")
    for name in _STOPPED:
        if (home.folder / name).exists():
            yield lacks(f"the project is stopped: the file {name} is there", "bin/start")


def _daemons(home: ServerHome) -> Iterator[Finding]:
    found = running.here(home)
    validators = [each for each in found if each.daemon.validates]
    for program in ("feeder", "transitioner", "file_deleter", ASSIMILATOR):
        if not any(each.daemon.program == program for each in found):
            yield lacks(f"config.xml has no {program} for this computer", "pymw_setup -p TASK_DIR")
    if not validators:
        yield lacks(
            f"config.xml has no validator of the application {APP}", "pymw_setup -p TASK_DIR --quorum 1"
        )
    for each in found:
        yield from _daemon(home, each)


def _daemon(home: ServerHome, one: Running) -> Iterator[Finding]:
    # bin/start writes there, whatever log_dir is: that one is the web server's.
    program, log = one.daemon.program, home.folder / f"log_{short_host()}" / one.daemon.log
    if one.pid is None:
        yield lacks(f"{program} does not run", f"bin/start; {log} may say why")
    elif trouble := _trouble(log):
        yield lacks(f"{program} runs and complains: {trouble}", f"see {log}")
    else:
        yield stands(f"{program} runs, process {one.pid}")


def _trouble(log: Path) -> str:
    """The last grave line of a daemon's log since its start; "" if there is none."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _LOG_TAIL))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
    recent = text.rpartition("Executing command:")[2]
    grave = [line for line in recent.splitlines() if "[CRITICAL]" in line or line.startswith("Traceback")]
    grave = [line for line in grave if not _HARMLESS.fullmatch(line)]
    return grave[-1].strip()[:300] if grave else ""


def _assimilator(home: ServerHome, task_dir: Path | None) -> Iterator[Finding]:
    try:
        check_assimilator(home.folder / "bin" / ASSIMILATOR)
        found = home.task_dir
    except ProjectError as error:
        yield lacks(str(error), "pymw_setup -p TASK_DIR")
        return
    process = next((each for each in running.here(home) if each.daemon.program == ASSIMILATOR), None)
    if process and process.arguments and str(found) not in process.arguments:
        yield lacks(
            f"the assimilator that runs does not know of {found} yet", "pymw_setup -p TASK_DIR --restart"
        )
    if task_dir is not None and found != task_dir.expanduser().resolve():
        yield lacks(f"the assimilator's folder is {found}, not {task_dir}", f"pymw_setup -p {task_dir}")
    try:
        TaskFolder(found).check()
    except ProjectError as error:
        yield lacks(str(error), f"pymw_setup -p {found}")
        return
    if not os.access(found, os.W_OK | os.X_OK):
        yield lacks(f"the task folder {found} is not writable for this user", "change its mode or owner")
    else:
        yield stands(f"the task folder is {found}")


def _keys(home: ServerHome) -> Iterator[Finding]:
    missing = [name for name in _KEYS if not (home.key_dir / name).exists()]
    for name in missing:
        yield lacks(f"{home.key_dir} has no {name}", "bring back the project's keys")
    if not missing:
        yield stands("the project's keys are there")


def _application(state: State) -> Iterator[Finding]:
    if not state.app:
        yield lacks(f"the database has no application {APP}", "pymw_setup -p TASK_DIR")
    elif state.deprecated:
        yield lacks(
            f"the application {APP} is deprecated, so that nobody gets its tasks",
            "undo it on the project's page for administrators",
        )
    else:
        yield stands(f"the application {APP} is in the database")


def _versions(home: ServerHome, state: State) -> Iterator[Finding]:
    current = state.current()
    if not current:
        yield lacks("volunteers have no version of the application to download", "pymw_setup -p TASK_DIR")
    trusted = set(state.facts.task_keys) if state.facts else None
    for platform, row in sorted(current.items()):
        yield from _version(home, platform, row, trusted)


def _version(home: ServerHome, platform: str, row: Row, trusted: set[str] | None) -> Iterator[Finding]:
    what = f"version {text_of(row.version_num)} for {platform}"
    verdict = check_version(home.folder / "apps" / APP / text_of(row.version_num) / platform)
    absent = [name for name in sorted(row.files) if not (home.download_dir / name).is_file()]
    keys = {key for key in verdict.trust if task_keys.id_of(key) not in verdict.revoked}
    if verdict.faults:
        yield lacks(f"{what}: {verdict.faults[0].rstrip('.')}", "pymw_setup --upgrade")
    elif not row.signed:
        yield lacks(f"{what} is not signed, so that clients refuse it", "pymw_setup --upgrade")
    elif absent:
        yield lacks(f"{what}: {home.download_dir} has no {absent[0]}", "pymw_setup --upgrade")
    elif trusted is not None and keys != trusted:
        yield lacks(f"{what} runs tasks of other keys than html/user/pymw.json says", "pymw_setup --upgrade")
    else:
        signed = ", ".join(sorted(task_keys.id_of(key) for key in keys))
        yield stands(f"{what}; {'tasks signed with ' + signed if signed else 'UNSIGNED tasks'}")


def _facts(home: ServerHome, state: State) -> Iterator[Finding]:
    if state.facts is None:
        yield lacks(f"there is no {home.facts}: a setup did not come to its end", "call it again")
    else:
        yield stands(f"{home.facts.name}: quorum {state.facts.min_quorum}")
