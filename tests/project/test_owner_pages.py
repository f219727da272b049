"""What only the owner sees and does."""

import html
import re
from urllib.parse import urlencode

import pytest
from pymw.project.project import Project
from pymw.project.web import listings, owner, sessions

from tests.project import filled
from tests.project.site import OWNER, PRIVATE, Site, read


def test_without_the_key_there_is_nothing_of_the_owners(full: Site) -> None:
    for page in PRIVATE:
        answer = full.get(f"{OWNER}/{page}")
        assert (answer.status_code, answer.headers["location"], answer.text) == (303, OWNER, "")
    full.cookies.set(owner.COOKIE, "x" * 43, domain="127.0.0.1", path=OWNER)
    assert full.get(f"{OWNER}/running").status_code == 303


def test_a_wrong_key_signs_nobody_in_and_often_is_too_often(full: Site) -> None:
    for key in ("", "0" * 32, "\u20ac", full.project.owner_key()[:-1]):
        answer = full.post(f"{OWNER}/sign_in", key=key)
        assert answer.status_code == 403 and "not the owner" in html.unescape(answer.text)
        assert "set-cookie" not in answer.headers
    answers = [full.post(f"{OWNER}/sign_in", key="no").status_code for _ in range(owner.SIGN_INS_PER_MINUTE)]
    assert answers[0] == 403 and answers[-1] == 429
    assert full.sign_in().status_code == 429


def test_the_cookie_is_no_key_and_cannot_be_read_by_scripts_or_sent_by_others(full: Site) -> None:
    cookie = full.sign_in().headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/pymw/owner" in cookie
    assert full.project.owner_key() not in cookie and "Secure" not in cookie
    assert "Running tasks" in read(full, f"{OWNER}/running")


def test_over_https_the_cookie_goes_nowhere_else(project: Project) -> None:
    site = Site(project, url="https://lab.example.org/pymw/")
    # The proxy's host is not the one that the browser sees.
    answer = site.post(f"{OWNER}/sign_in", "https://lab.example.org", key=project.owner_key())
    site.close()
    assert answer.status_code == 303 and "Secure" in answer.headers["set-cookie"]


def test_signing_out_ends_it_and_so_does_time(full: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    full.sign_in()
    kept = full.cookies[owner.COOKIE]
    full.post(f"{OWNER}/sign_out", form_token=full.form_token())
    full.cookies.set(owner.COOKIE, kept, domain="127.0.0.1", path=OWNER)
    assert full.get(f"{OWNER}/running").status_code == 303
    full.cookies.clear()
    monkeypatch.setattr(sessions, "SECONDS", -1.0)
    full.sign_in()
    assert full.get(f"{OWNER}/running").status_code == 303


def test_a_form_of_another_site_does_nothing(full: Site) -> None:
    assert (
        full.post(f"{OWNER}/sign_in", "http://evil.example", key=full.project.owner_key()).status_code == 403
    )
    full.sign_in()
    token, name = full.form_token(), "sweep_000600"
    full.post(f"{OWNER}/cancel", name=name)
    full.post(f"{OWNER}/cancel", name=name, form_token="x")
    for origin in ("null", "http://evil.example", "http://127.0.0.1"):
        full.post(f"{OWNER}/cancel", origin, name=name, form_token=token)
        full.post(f"{OWNER}/cancel_batch", origin, batch="sweep/5", form_token=token)
        full.post(f"{OWNER}/sign_out", origin, form_token=token)
    assert full.ask("GET", f"{OWNER}/cancel", params={"name": name}).status_code == 405
    assert full.project.state_of([name])[name].state == "unsent"
    assert full.get(f"{OWNER}/running").status_code == 200


def test_the_owner_cancels_a_task_and_a_batch(full: Site) -> None:
    full.sign_in()
    token = full.form_token()
    answer = full.post(f"{OWNER}/cancel", name="sweep_000600", id="600", form_token=token)
    assert answer.headers["location"] == f"{OWNER}/task/600"
    assert "cancelled" in read(full, f"{OWNER}/task/600")
    before = full.project.counts()
    full.post(f"{OWNER}/cancel_batch", batch="sweep/5", form_token=token)
    after = full.project.counts()
    assert after.failed - before.failed == 6 and after.succeeded == before.succeeded
    assert "open" not in re.findall('class="state">([a-z]+)<', read(full, f"{OWNER}/all", batch="sweep/5"))


def test_what_runs_is_listed_with_who_has_it_and_until_when(full: Site) -> None:
    full.sign_in()
    page = read(full, f"{OWNER}/running")
    assert len(re.findall('data-label="deadline"', page)) == 18
    assert "sweep_000553" in page and "ago</time>" in page and "in 2" in page
    assert "&lt;script&gt;" in page and "<script" not in page


def test_a_failed_task_tells_why(full: Site) -> None:
    filled.add_log(
        full.project, 23, b"<b>out</b>\x00", b"\xff warn", "Traceback: <i>" + "y" * 100_000 + "END"
    )
    full.sign_in()
    assert "sweep_000023" in read(full, f"{OWNER}/failed")
    page = read(full, f"{OWNER}/task/23")
    for text in ("too many errors", "195: the process of the task died", "MemoryError: too much"):
        assert text in page
    assert "&lt;b&gt;out&lt;/b&gt;" in page and "\ufffd warn" in page and "yyyEND" in page
    assert "<script" not in page and "<b>" not in page and "\x00" not in page and len(page) < 30_000


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b garbage", b"0" * 5_000_000])
def test_a_log_that_is_none_does_no_harm(full: Site, content: bytes) -> None:
    filled.add_log(full.project, 23, b"", b"", "").write_bytes(content)
    full.sign_in()
    assert "The log " in read(full, f"{OWNER}/task/23")


def test_computers_are_shown_to_the_owner(full: Site) -> None:
    full.sign_in()
    page = read(full, f"{OWNER}/computers")
    assert "desk-1.secret-domain.example" in page and "macOS on Apple silicon" in page and "8.0.2" in page


@pytest.mark.parametrize(("page", "count"), [("all", 600), ("failed", 24), ("batches", 7), ("computers", 25)])
def test_pages_follow_one_another_to_the_end(
    full: Site, monkeypatch: pytest.MonkeyPatch, page: str, count: int
) -> None:
    monkeypatch.setattr(listings, "ROWS", 7)
    monkeypatch.setattr(listings._page, "__defaults__", (7,))
    full.sign_in()
    seen, address = list[str](), f"{OWNER}/{page}"
    while True:
        text = read(full, address)
        row = '<li><a href="([^"]+)"' if page == "batches" else r'scope="row">(?:<a href=")?([^" <]+)'
        seen += re.findall(row, text.replace("<li>\n", "<li>"))
        following = re.search(r'<a href="(\?[^"]+)" rel="next"', text)
        if following is None:
            break
        address = f"{OWNER}/{page}{html.unescape(following[1])}"
    assert len(seen) == len(set(seen)) == count


@pytest.mark.parametrize("after", ["x", "-1", "9" * 30, "nan,1", "inf,inf", "1e999,", "\x00", "' OR 1=1"])
def test_a_place_that_is_none_is_no_error(full: Site, after: str) -> None:
    full.sign_in()
    for page in PRIVATE:
        assert full.get(f"{OWNER}/{page}?{urlencode({'after': after})}").status_code == 200
    assert full.get(f"{OWNER}/task/{10**30}").status_code == 404
