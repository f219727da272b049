"""A client that is played: it asks, computes and reports in an instant, and as a test wants it."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx

PLATFORM = "x86_64-pc-linux-gnu"


@dataclass
class Task:
    """A task that a client has. outputs: their names on the wire, and the certificates, in order."""

    name: str
    workunit: str
    outputs: dict[str, tuple[str, int]] = field(default_factory=dict)


@dataclass
class Reply:
    """A scheduler's reply."""

    text: str

    def values(self, tag: str) -> list[str]:
        """All elements of this name."""
        return re.findall(f"<{tag}>([^<]*)</{tag}>", self.text)

    def value(self, tag: str) -> str:
        """The first, "" if there is none."""
        return next(iter(self.values(tag)), "")

    def names(self, tag: str) -> list[str]:
        """The names in all blocks of this name."""
        return [name for text in self.blocks(tag) for name in re.findall("<name>([^<]*)</name>", text)]

    def blocks(self, tag: str) -> list[str]:
        """What is in all blocks of this name."""
        return re.findall(f"<{tag}>\n(.*?)</{tag}>", self.text, re.DOTALL)

    def tasks(self) -> list[Task]:
        """The tasks in it."""
        files = {}
        for text in self.blocks("file_info"):
            if match := re.search(r"<xml_signature>\n(.*?)</xml_signature>", text, re.DOTALL):
                about = Reply(text)
                files[about.value("name")] = (match[1], int(about.value("max_nbytes")))
        found = []
        for text in self.blocks("result"):
            about = Reply(text)
            outputs = {name: files[name] for name in about.values("file_name")}
            found.append(Task(about.value("name"), about.value("wu_name"), outputs))
        return found


class Played:
    """A client. http: to the project's server. path: of the master URL."""

    def __init__(
        self, http: httpx.Client, key: str, cpid: str, platforms: Sequence[str] = (PLATFORM,), ncpus: int = 1
    ) -> None:
        self.http, self.key, self.cpid, self.platforms, self.ncpus = http, key, cpid, platforms, ncpus
        self.path = "/pymw/"
        self.hostid, self.seqno, self.code_sign_key = 0, 0, ""
        self.tasks: dict[str, Task] = {}
        self.done: list[str] = []
        self.last = b""

    def request(self, seconds: float = 1e6, extra: str = "") -> bytes:
        """The next request: it reports what is done, and asks for so many seconds of work."""
        others = self.platforms[1:]
        platforms = "".join(f"<alt_platform><name>{name}</name></alt_platform>" for name in others)
        held = "".join(f"<other_result>\n<name>{name}</name>\n</other_result>\n" for name in self.tasks)
        key = f"<code_sign_key>\n{self.code_sign_key}\n</code_sign_key>\n" if self.code_sign_key else ""
        return (
            f"<scheduler_request>\n<authenticator>{self.key}</authenticator>\n<hostid>{self.hostid}</hostid>\n"
            f"<rpc_seqno>{self.seqno}</rpc_seqno>\n<core_client_major_version>7</core_client_major_version>\n"
            f"<allow_multiple_clients>1</allow_multiple_clients>\n"
            f"<work_req_seconds>{seconds}</work_req_seconds>\n<cpu_req_secs>{seconds}</cpu_req_secs>\n"
            f"<cpu_req_instances>{self.ncpus if seconds else 0}</cpu_req_instances>\n"
            f"<platform_name>{self.platforms[0]}</platform_name>\n{platforms}{key}"
            f"<host_info>\n<host_cpid>{self.cpid}</host_cpid>\n<p_ncpus>{self.ncpus}</p_ncpus>\n"
            f"<p_fpops>1000000000.0</p_fpops>\n<m_nbytes>8e9</m_nbytes>\n</host_info>\n"
            f"{''.join(self.done)}<other_results>\n{held}</other_results>\n{extra}</scheduler_request>\n"
        ).encode("latin-1")

    def ask(self, seconds: float = 1e6, extra: str = "", lose: bool = False) -> Reply:
        """Send a request and obey the reply. lose: the reply never arrives."""
        self.last = self.request(seconds, extra)
        if self.hostid:
            self.seqno += 1
        answer = self.http.post(f"{self.path}cgi", content=self.last)
        assert answer.status_code == 200, answer.text
        reply = Reply(answer.text)
        if not lose:
            self._obey(reply)
        return reply

    def _obey(self, reply: Reply) -> None:
        if hostid := reply.value("hostid"):
            self.hostid, self.seqno = int(hostid), 1
        for text in reply.blocks("code_sign_key"):
            self.code_sign_key = text.strip()
        acknowledged = reply.names("result_ack")
        self.done = [text for text in self.done if Reply(text).value("name") not in acknowledged]
        for task in reply.tasks():
            self.tasks.setdefault(task.name, task)
        for name in reply.names("result_abort"):
            if self.tasks.pop(name, None):
                self._report(name, 202, 6, {})

    def upload(self, name: str, data: bytes, certificate: str, max_nbytes: int, offset: int = 0) -> str:
        """Upload a file; returns the status."""
        body = upload_request(name, data, certificate, max_nbytes, offset)
        answer = self.http.post(f"{self.path}file_upload_handler", content=body)
        assert answer.status_code == 200
        return Reply(answer.text).value("status")

    def finish(self, name: str, data: bytes = b"value", log: bytes = b"log", upload: bool = True) -> None:
        """A task succeeds: upload its outputs (or not), and keep the report for the next request."""
        task = self.tasks.pop(name)
        files = dict(zip(task.outputs, (data, log), strict=True))
        for file, content in files.items():
            certificate, max_nbytes = task.outputs[file]
            assert not upload or self.upload(file, content, certificate, max_nbytes) == "0"
        self._report(name, 0, 5, files)

    def fail(self, name: str, status: int, said: str = "words") -> None:
        """A task fails, having said something."""
        self.tasks.pop(name)
        self._report(name, status, 3, {}, said)

    def _report(
        self, name: str, status: int, state: int, files: Mapping[str, bytes], said: str = "words"
    ) -> None:
        infos = "".join(
            f"<file_info>\n<name>{file}</name>\n<nbytes>{len(data)}.000000</nbytes>\n"
            f"<md5_cksum>{md5(data)}</md5_cksum>\n</file_info>\n"
            for file, data in files.items()
        )
        self.done.append(
            f"<result>\n<name>{name}</name>\n<final_cpu_time>1.5</final_cpu_time>\n"
            f"<final_elapsed_time>2.0</final_elapsed_time>\n<exit_status>{status}</exit_status>\n"
            f"<state>{state}</state>\n<stderr_out>\n<![CDATA[\n<stderr_txt>\n{said}\n</stderr_txt>\n]]>\n"
            f"</stderr_out>\n{infos}</result>\n"
        )


def md5(data: bytes) -> str:
    """MD5 of some bytes, in hexadecimal."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def upload_request(
    name: str, data: bytes, certificate: str, max_nbytes: int, offset: int = 0, checksum: str = ""
) -> bytes:
    """The body with which a client uploads a file from an offset on."""
    head = (
        "<data_server_request>\n    <core_client_major_version>7</core_client_major_version>\n<file_upload>\n"
        f"<file_info>\n<name>{name}</name>\n<xml_signature>\n{certificate.strip()}</xml_signature>\n"
        f"<max_nbytes>{max_nbytes}</max_nbytes>\n</file_info>\n<nbytes>{len(data)}</nbytes>\n"
        f"<md5_cksum>{checksum or md5(data)}</md5_cksum>\n<offset>{offset}</offset>\n<data>\n"
    )
    return head.encode("latin-1") + data[offset:]
