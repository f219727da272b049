"""Accounts: made and found as clients do it."""

import hashlib

import httpx
import pytest
from pymw.project import app
from pymw.project.project import Project

from tests.project.played import Played, Reply

PASSWORD = hashlib.md5(b"secretv@example.org", usedforsecurity=False).hexdigest()
WRONG = hashlib.md5(b"other", usedforsecurity=False).hexdigest()


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "PASSWORD_SECONDS", 0.0)


def call(http: httpx.Client, page: str, **fields: str) -> Reply:
    answer = http.get(f"/pymw/{page}_account.php", params=fields)
    assert answer.status_code == 200
    return Reply(answer.text)


def create(http: httpx.Client, password: str = PASSWORD, email: str = "v@example.org") -> Reply:
    return call(http, "create", email_addr=email, passwd_hash=password, user_name="V & <co>")


def test_an_account_is_made_once_and_found_again(http: httpx.Client) -> None:
    key = create(http).value("authenticator")
    assert len(key) == 32
    assert create(http).value("authenticator") == key
    found = call(http, "lookup", email_addr="V@Example.org", passwd_hash=PASSWORD)
    assert found.value("authenticator") == key
    assert "<success/>" in call(http, "lookup", email_addr="v@example.org").text


@pytest.mark.parametrize(
    ("page", "email", "password", "number"),
    [
        ("lookup", "nobody@example.org", PASSWORD, "-136"),
        ("lookup", "owner", PASSWORD, "-136"),
        ("lookup", "v@example.org", WRONG, "-206"),
        ("create", "v@example.org", WRONG, "-137"),
        ("create", "no address", PASSWORD, "-205"),
        ("create", "owner", PASSWORD, "-205"),
        ("create", "w@example.org", "short", "-206"),
        ("create", "", "", "-205"),
    ],
)
def test_what_cannot_be_is_an_error_of_the_protocol(
    http: httpx.Client, page: str, email: str, password: str, number: str
) -> None:
    create(http)
    assert call(http, page, email_addr=email, passwd_hash=password).value("error_num") == number


def test_a_key_and_its_weak_form_attach_and_no_other(project: Project, http: httpx.Client) -> None:
    key = create(http).value("authenticator")
    client = Played(http, key, "c0")
    reply = client.ask(0)
    assert (reply.value("hostid"), reply.value("user_name")) == ("1", "V &amp; &lt;co&gt;")
    with project._reading() as db:
        password = db.execute("SELECT password FROM account WHERE authenticator = ?", (key,)).fetchone()[0]
    weak = hashlib.md5((key + password).encode(), usedforsecurity=False).hexdigest()
    for cpid, (good, text) in enumerate([(True, f"2_{weak}"), (False, f"1_{weak}"), (False, f"2_{key}")]):
        reply = Played(http, text, f"d{cpid}").ask(0)
        assert (reply.value("hostid") != "") == good


def test_accounts_can_be_closed(tmp_path: object, project: Project, http: httpx.Client) -> None:
    object.__setattr__(project.settings, "create_accounts", False)
    assert create(http).value("error_num") == "-208"
    assert "account_creation_disabled" in http.get("/pymw/get_project_config.php").text


def test_a_password_is_not_guessed_fast(http: httpx.Client) -> None:
    create(http)
    answers = [
        http.get("/pymw/lookup_account.php", params={"email_addr": "v@example.org"}).status_code
        for _ in range(app.ACCOUNTS_PER_MINUTE + 30)
    ]
    assert answers[:50] == [200] * 50
    assert answers[-1] == 503
