"""A project with a server and clients, all of which end with the test."""

import datetime
import ipaddress
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pymw.project import serve
from pymw.project.jobs import Input, Workunit
from pymw.project.layout import Layout
from pymw.project.project import Project
from pymw.project.serve import Listening
from pymw.project.volunteer import Volunteer
from pymw_packager import task_keys
from pymw_packager.client_process import free_port

from tests.bench.packages import Packages
from tests.project import filled
from tests.project.played import Played
from tests.project.server import Server
from tests.project.site import Site


@dataclass
class Lab:
    """A project with an application for this machine, its server, and real clients.

    url: where clients reach it, which may be a proxy's.
    """

    project: Project
    server: Server
    folder: Path
    clients: list[Volunteer] = field(default_factory=list)

    def add_client(self, ncpus: int = 1, folder: Path | None = None, prefix: Sequence[str] = ()) -> Volunteer:
        """Start a client that attaches to the owner's account. folder, prefix: as Volunteer's."""
        folder = folder or self.folder / f"client{len(self.clients)}"
        client = Volunteer(folder, self.project.settings.url, self.project.owner_key(), ncpus, prefix)
        self.clients.append(client)
        client.start()
        return client

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """If this block fails, print what the server and the clients say."""
        try:
            yield
        except BaseException:
            print(self.tell())
            raise

    def tell(self) -> str:
        """What the server and the clients say."""
        return "\n".join(
            [self.server.log.read_text()[-3000:], *(client.log()[-6000:] for client in self.clients)]
        )


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project without a server and without applications."""
    with Project.create(
        tmp_path / "lab", name="Lab", url="http://127.0.0.1:8080/pymw/", unsigned=True
    ) as made:
        yield made


@contextmanager
def opened(
    folder: Path, packages: Packages, url_port: int = 0, signed: bool = False, **settings: Any
) -> Iterator[Lab]:
    """A lab; everything in it ends with the block.

    url_port: if clients reach the server through another. signed: whether volunteers run signed tasks alone.
    settings: more of Settings.
    """
    port = free_port()
    url = f"http://127.0.0.1:{url_port or port}/pymw/"
    with Project.create(
        folder / "lab", name="Lab", url=url, next_rpc_delay=2, unsigned=not signed, **settings
    ) as made:
        trust = (task_keys.read_public(Layout(made.folder).task_key.with_suffix(".pub")),) if signed else ()
        made.add_version(packages.get("x86_64-pc-linux-gnu", "none", trust=trust))
        lab = Lab(made, Server(made.folder, port), folder)
        try:
            lab.server.start()
            yield lab
        finally:
            with ExitStack() as ending:  # each is ended, whatever becomes of the others
                ending.callback(lab.server.kill)
                for client in lab.clients:
                    ending.callback(client.stop, 10)


@pytest.fixture(scope="module")
def shared_lab(
    boinc_client: None, packages: Packages, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """A lab with two clients that several tests use, one after the other."""
    with opened(tmp_path_factory.mktemp("shared"), packages) as lab:
        lab.add_client()
        lab.add_client()
        yield lab


@pytest.fixture
def lab(boinc_client: None, packages: Packages, tmp_path: Path) -> Iterator[Lab]:
    """A lab without clients for one test."""
    with opened(tmp_path, packages) as made:
        yield made


@pytest.fixture
def make_lab(boinc_client: None, packages: Packages, tmp_path: Path) -> Callable[..., object]:
    """Makes a lab whose clients go through another port."""
    return lambda url_port: opened(tmp_path, packages, url_port)


@contextmanager
def served(project: Project, certificate: Path | None = None, key: Path | None = None) -> Iterator[int]:
    """The server of a project, in a thread; its port."""
    where = Listening("127.0.0.1", 0, certificate, key)
    server = serve.make(Layout(project.folder), project.settings, where)
    with serve.bound(where) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture
def http(project: Project, packages: Packages) -> Iterator[httpx.Client]:
    """A client of HTTP, for the server of `project` in a thread, with an application for 64-bit Linux."""
    project.add_version(packages.get("x86_64-pc-linux-gnu", "none"))
    with (
        served(project) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client,
    ):
        yield client


@pytest.fixture
def play(project: Project, http: httpx.Client) -> Callable[..., Played]:
    """Makes clients that are played; each has an identity of its own."""
    count = itertools.count()
    return lambda **about: Played(http, project.owner_key(), f"{next(count):032x}", **about)


@pytest.fixture
def submit(project: Project) -> Callable[..., Workunit]:
    """Submits a workunit of this name."""
    inputs = (Input(project.stage(b"code", "bundle"), "pymw_bundle", sticky=True),)

    def one(name: str = "wu", **about: object) -> Workunit:
        workunit = Workunit(name=name, inputs=inputs, **about)  # type: ignore[arg-type]
        project.submit([workunit])
        return workunit

    return one


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "lab")])
    now = datetime.datetime.now(datetime.timezone.utc)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (tmp_path / "chain.pem").write_bytes(made.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(secret)
    return tmp_path / "chain.pem", tmp_path / "key.pem"


@pytest.fixture
def site(project: Project) -> Iterator[Site]:
    """The pages of a project in which nothing has happened."""
    made = Site(project)
    yield made
    made.close()


@pytest.fixture
def full(project: Project, site: Site) -> Site:
    """The pages of a project in which much has happened."""
    filled.fill(project)
    return site
