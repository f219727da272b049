"""The pages in headless Chromium, as people see them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pymw.project import serve
from pymw.project.layout import Layout
from pymw.project.project import Project
from pymw.project.serve import Listening

from tests.project import filled
from tests.project.browser import Browser, chromium

# For each element with text of its own: its contrast with the nearest background, by WCAG's formula.
CONTRAST = r"""
const light = (c) => c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const parts = (text) => text.match(/[\d.]+/g).map(Number);
const behind = (e) => {
    for (; e; e = e.parentElement) {
        const c = parts(getComputedStyle(e).backgroundColor);
        if (c.length === 3 || c[3] === 1) return c.slice(0, 3);
    }
    return [255, 255, 255];
};
const low = [];
for (const e of document.body.querySelectorAll("*")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || e.closest("svg")) continue;
    const a = light(parts(getComputedStyle(e).color).slice(0, 3)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push(`${e.outerHTML.slice(0, 80)}: ${ratio.toFixed(2)}`);
}
return low;
"""
TOO_WIDE = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
PAGES = ("running", "failed", "all", "batches", "computers", "task/23", "task/560", "task/9999")


@contextmanager
def served(project: Project) -> Iterator[str]:
    """The URL of the project, while it is served."""
    where = Listening("127.0.0.1", 0)
    server = serve.make(Layout(project.folder), project.settings, where)
    with serve.bound(where) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/pymw/"
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


def sign_in(browser: Browser, url: str, key: str) -> None:
    browser.open(f"{url}owner")
    browser.type("#key", key)
    browser.click("main button")


def fits_and_is_readable(browser: Browser, url: str) -> None:
    for width in (390, 1280):
        for dark in (False, True):
            browser.size(width, dark=dark)
            browser.open(url)
            assert browser.script(TOO_WIDE) == 0, (url, width)
            assert browser.script(CONTRAST) == [], (url, dark)


def test_the_front_page_fits_a_phone_and_a_desk_by_day_and_night(project: Project, browser: Browser) -> None:
    with served(project) as url:
        browser.errors()
        fits_and_is_readable(browser, url)
        browser.sees("No computer yet")
        filled.fill(project)
    with served(project) as url:
        fits_and_is_readable(browser, url)
        browser.sees("Take part in three steps")
        browser.sees("Windows, 64 bits")
        browser.click("figure summary")
        browser.sees("hour (UTC)", "figure table")
        assert browser.errors() == []


def test_the_owner_s_pages_fit_too(project: Project, browser: Browser) -> None:
    filled.fill(project)
    filled.open_workunit(project, "w" * 150, "b" * 200)
    filled.add_log(project, 23, b"x" * 5000, b"line\n" * 1000, "Traceback")
    with served(project) as url:
        fits_and_is_readable(browser, f"{url}owner")
        sign_in(browser, url, project.owner_key())
        for page in PAGES:
            fits_and_is_readable(browser, f"{url}owner/{page}")


def test_the_owner_signs_in_sees_why_a_task_failed_and_cancels_another(
    project: Project, browser: Browser
) -> None:
    filled.fill(project)
    with served(project) as url:
        browser.size(390)
        browser.errors()
        sign_in(browser, url, project.owner_key())
        browser.sees("Running tasks")
        browser.click("nav a[href$=failed]")
        browser.click("tbody tr:last-child a")
        browser.sees("MemoryError: too much")
        browser.sees("<script>alert(1)</script>")
        browser.open(f"{url}owner/task/560")
        browser.click("details.danger summary")
        browser.click("button.bad")
        browser.sees("cancelled", ".facts")
        assert project.state_of(["sweep_000560"])["sweep_000560"].state == "failure"
        browser.click("header button")
        browser.sees("For the owner")
        browser.open(f"{url}owner/running")
        browser.sees("The owner's key")
        assert browser.errors() == []
