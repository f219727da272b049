"""Many BOINC clients in one process, which do nothing but speak: the load for project_server.py.

Each keeps one connection and does what a client does: it asks for tasks with a request as a real client sends
it, downloads the arguments of each, uploads the result and the log of each, and reports them with the next
request. All are one process with ready-made requests, so that the load costs little beside what it measures.

Called with one argument, a JSON object with the fields of Plan; prints what it saw as one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import re
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
# A request as client 7.20.5 sent it: 7 kB, most of which no server reads.
CAPTURED = Path(__file__).parent.parent / "tests/project/data/b2_sched_no_work.req"
_RESULT = re.compile(
    rb"<result>\n<name>([^<]*)</name>.*?<file_name>([^<]*)</file_name>.*?<file_name>([^<]*)</file_name>", re.S
)
_OUTPUT = re.compile(
    rb"<name>([^<]*)</name>\n<generated_locally/>.*?<max_nbytes>([^<]*)<.*?<xml_signature>\n(.*?)</xml_sig",
    re.S,
)
_ARGUMENTS = re.compile(rb"<url>http://[^/]*([^<]*/download/arguments_[^<]*)</url>")
_VALUE, _LOG = b"v" * 200, b"log\n" * 10


@dataclass(frozen=True)
class Plan:
    """What to do. server: its process. tasks: that a client asks for at once. jobs: after which it ends.

    rate: jobs a second of all clients together, each of which waits between its requests; 0: nobody waits.
    """

    port: int
    key: str
    server: int
    hosts: int
    tasks: int
    jobs: int
    rate: float


@dataclass
class Seen:
    """What was seen. Seconds; reported: jobs; *_cpu: of processors; latencies: of scheduler requests."""

    elapsed: float = 0.0
    reported: int = 0
    server_cpu: float = 0.0
    clients_cpu: float = 0.0
    latencies: list[float] = field(default_factory=list)


def server_cpu(process: int) -> float:
    """Seconds of processors that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def ready(path: str) -> bytes:
    """The constant part of a POST."""
    head = (
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "User-Agent: BOINC client (x86_64-pc-linux-gnu 7.20.5)",
        "Accept: */*",
        "Accept-Encoding: deflate, gzip, br, zstd",
        "Accept-Language: en_GB",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Length: ",
    )
    return "\r\n".join(head).encode()


SCHEDULER, UPLOAD = ready("/pymw/cgi"), ready("/pymw/file_upload_handler")


def described(data: bytes) -> bytes:
    """Size and MD5 of a file, as reports and uploads give them."""
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return f"<nbytes>{len(data)}</nbytes>\n<md5_cksum>{md5}</md5_cksum>\n".encode()


ABOUT = {data: described(data) for data in (_VALUE, _LOG)}


class Swarm:
    """All clients together."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.seen = plan, Seen()
        self.done = asyncio.Event()
        body = CAPTURED.read_bytes().partition(b"\r\n\r\n")[2] or CAPTURED.read_bytes()
        body = re.sub(rb"<authenticator>[^<]*", f"<authenticator>{plan.key}".encode(), body)
        body = re.sub(rb"<p_ncpus>[^<]*", f"<p_ncpus>{plan.tasks}".encode(), body)
        body = re.sub(rb"<(other_results|code_sign_key|result)>.*?</\1>\s*", b"", body, flags=re.S)
        asks = r"(<work_req_seconds|<cpu_req_secs|<cpu_req_instances)>[^<]*"
        self.template = re.sub(asks.encode(), rb"\1>@", body)

    async def run(self) -> Seen:
        """Attach all, then let them work until all jobs are reported."""
        loop = asyncio.get_running_loop()
        clients = []
        for number in range(self.plan.hosts):
            make = partial(Client, self, number)
            _, client = await loop.create_connection(make, "127.0.0.1", self.plan.port)
            await client.attach()
            clients.append(client)
        self.left_to_warm_up = self.plan.hosts * self.plan.tasks
        for client in clients:
            client.begin()
        await self.done.wait()
        self.seen.elapsed, self.seen.server_cpu, self.seen.clients_cpu = (
            now - before for now, before in zip(self.clocks(), self.began, strict=True)
        )
        return self.seen

    def clocks(self) -> tuple[float, float, float]:
        """The time, and what the server and this process have used of the processors."""
        return time.perf_counter(), server_cpu(self.plan.server), time.process_time()

    def reported(self, count: int) -> None:
        """So many more jobs are acknowledged. Those that were the first of their client only warm it up."""
        if self.left_to_warm_up > 0:
            self.left_to_warm_up -= count
            self.began = self.clocks()
            self.seen.latencies.clear()
            return
        self.seen.reported += count
        if self.seen.reported >= self.plan.jobs:
            self.done.set()


class Client(asyncio.Protocol):
    """One client: what it has asked for decides what comes next."""

    def __init__(self, swarm: Swarm, number: int) -> None:
        self.swarm = swarm
        self.loop = asyncio.get_running_loop()
        head, tail = swarm.template.split(b"<hostid>")[0], swarm.template.partition(b"</rpc_seqno>")[2]
        self.head = head
        self.tail = re.sub(rb"<host_cpid>[^<]*", f"<host_cpid>{number:032x}".encode(), tail)
        self.key, self.hostid, self.seqno = b"", b"0", 0
        self.reports: list[bytes] = []
        self.steps: list[bytes] = []
        self.buffer, self.then = b"", self.next_step

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.swarm.done.is_set():
            sys.exit("the server has closed a connection")

    def send(self, request: bytes, then: Callable[[bytes], None]) -> None:
        """Send a request; `then` gets the body of the answer."""
        self.then = then
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self.buffer.lower().find(b"content-length: ", 0, head) + 16
        end = head + 4 + int(self.buffer[at : self.buffer.find(b"\r", at)])
        if len(self.buffer) < end:
            return
        if not self.buffer.startswith(b"HTTP/1.1 200"):
            sys.exit(f"the server says {self.buffer[:200]!r}")
        body, self.buffer = self.buffer[head + 4 : end], b""
        self.then(body)

    def ask(self, then: Callable[[bytes], None], wants: bool = True) -> None:
        """Send a scheduler request."""
        body = (
            b"%s<hostid>%s</hostid>\n<rpc_seqno>%d</rpc_seqno>%s%s<other_results>\n</other_results>\n%s"
            % (self.head, self.hostid, self.seqno, self.key, b"".join(self.reports), self.tail)
        ).replace(b">@", b">%d" % (self.swarm.plan.tasks * wants))
        self.seqno += 1
        self.asked = time.perf_counter()
        self.send(b"%s%d\r\n\r\n%s" % (SCHEDULER, len(body), body), then)

    async def attach(self) -> None:
        """The first request."""
        answered: asyncio.Future[bytes] = self.loop.create_future()
        self.ask(answered.set_result, wants=False)
        reply = await answered
        self.hostid, self.seqno = reply.partition(b"<hostid>")[2].partition(b"<")[0], 1
        self.key = b"<code_sign_key>" + reply.partition(b"<code_sign_key>")[2].partition(b"</code")[0]
        self.key += b"</code_sign_key>\n"

    def begin(self) -> None:
        """Work from now on, at its own pace."""
        plan = self.swarm.plan
        self.interval = plan.hosts * plan.tasks / plan.rate if plan.rate else 0.0
        self.at = self.loop.time() + random.random() * self.interval
        self.loop.call_at(self.at, self.ask, self.assigned)

    def assigned(self, reply: bytes) -> None:
        """The scheduler's reply: prepare all transfers and the reports."""
        self.swarm.seen.latencies.append(time.perf_counter() - self.asked)
        self.swarm.reported(len(self.reports))
        outputs = {name: (most, signature) for name, most, signature in _OUTPUT.findall(reply)}
        self.steps = [
            b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: BOINC client (x86_64-pc-linux-gnu 7.20.5)\r\n"
            b"Accept: */*\r\nAccept-Encoding: deflate, gzip, br, zstd\r\n\r\n" % path
            for path in _ARGUMENTS.findall(reply)
        ]
        self.reports = []
        for name, *files in _RESULT.findall(reply):
            self.steps += [upload(f, *outputs[f], d) for f, d in zip(files, ABOUT, strict=True)]
            self.reports.append(report(name, files))
        self.steps.reverse()
        self.next_step(b"")

    def next_step(self, _: bytes) -> None:
        """The next transfer; after the last one, the next request."""
        if self.steps:
            self.send(self.steps.pop(), self.next_step)
        else:
            self.at += self.interval
            if self.interval and self.at > self.loop.time():
                self.loop.call_at(self.at, self.ask, self.assigned)
            elif self.reports:
                self.ask(self.assigned)
            else:
                self.loop.call_later(0.5, self.ask, self.assigned)


def upload(name: bytes, most: bytes, signature: bytes, data: bytes) -> bytes:
    """The request that uploads a file."""
    body = (
        b"<data_server_request>\n    <core_client_major_version>7</core_client_major_version>\n"
        b"    <core_client_minor_version>20</core_client_minor_version>\n"
        b"    <core_client_release>5</core_client_release>\n<file_upload>\n<file_info>\n<name>%s</name>\n"
        b"<xml_signature>\n%s</xml_signature>\n<max_nbytes>%s</max_nbytes>\n</file_info>\n%s<offset>0</offset>\n"
        b"<data>\n%s" % (name, signature.strip(), most, ABOUT[data], data)
    )
    return b"%s%d\r\n\r\n%s" % (UPLOAD, len(body), body)


def report(name: bytes, files: list[bytes]) -> bytes:
    """What a request says of a finished task."""
    infos = b"".join(
        b"<file_info>\n<name>%s</name>\n%s</file_info>\n" % (file, about)
        for file, about in zip(files, ABOUT.values(), strict=True)
    )
    return (
        b"<result>\n<name>%s</name>\n<final_cpu_time>1.5</final_cpu_time>\n<final_elapsed_time>2.0</final_"
        b"elapsed_time>\n<exit_status>0</exit_status>\n<state>5</state>\n<platform>x86_64-pc-linux-gnu</platform>\n"
        b"<version_num>104</version_num>\n<stderr_out>\n<core_client_version>7.20.5</core_client_version>\n"
        b"<![CDATA[\n<stderr_txt>\nwords\n</stderr_txt>\n]]>\n</stderr_out>\n%s</result>\n" % (name, infos)
    )


def main() -> None:
    """Do what the plan says."""
    swarm = Swarm(Plan(**json.loads(sys.argv[1])))
    print(json.dumps(asdict(asyncio.run(swarm.run()))))
    sys.stdout.flush()
    os._exit(0)  # a thousand connections need not be closed one by one


if __name__ == "__main__":
    main()
