"""The web page that everybody sees."""

import re
from pathlib import Path
from typing import Any

import pytest
from pymw.errors import ProjectError
from pymw.project import tallies
from pymw.project.project import Project
from pymw.project.settings import Settings
from pymw.project.web import words
from pymw.project.web.plot import plot

from tests.project import filled
from tests.project.site import OWNER, PRIVATE, Site, read

# What clients read.


@pytest.mark.parametrize("query", ["", "?live", "?x=%3Cscheduler%3E"])
def test_a_client_finds_the_scheduler_on_a_short_line_of_its_own(full: Site, query: str) -> None:
    page = read(full, f"/pymw/{query}")
    tag = '<link rel="boinc_scheduler" href="http://127.0.0.1:8080/pymw/cgi">'
    assert [line for line in page.splitlines() if "boinc_scheduler" in line] == [tag]
    # A client cuts lines at 255 bytes, and takes what it finds in a piece.
    assert len(tag) < 255 and "<scheduler>" not in page


def test_the_longest_url_still_fits_a_piece(project: Project) -> None:
    url = "http://192.0.2.7:8080/" + "p" * 177 + "/"
    longest = Site(project, url=url)
    (line,) = [line for line in longest.get(url).text.splitlines() if "boinc_scheduler" in line]
    longest.close()
    assert len(line) < 255 and line.endswith('/cgi">')


# What volunteers read.


def test_the_page_says_what_the_project_is_and_how_to_join(project: Project) -> None:
    site = Site(
        project,
        description="We <fold>.\n\nAll of it.",
        home_page="https://lab.example.org/?a=1&b=2",
        contact="ask@example.org",
    )
    page = read(site, "/pymw/")
    site.close()
    assert "<p>We &lt;fold&gt;.</p>" in page and "<p>All of it.</p>" in page
    assert 'href="https://lab.example.org/?a=1&amp;b=2"' in page and 'href="mailto:ask@example.org"' in page
    assert "<code>http://127.0.0.1:8080/pymw/</code>" in page
    assert "boinccmd --create_account http://127.0.0.1:8080/pymw/ EMAIL PASSWORD NAME" in page
    assert "boinccmd --project_attach http://127.0.0.1:8080/pymw/ KEY" in page
    assert len(re.findall("<li>", page)) == 3


def test_where_no_account_can_be_made_the_page_does_not_say_so(project: Project) -> None:
    site = Site(project, create_accounts=False)
    page = read(site, "/pymw/")
    site.close()
    assert "create_account" not in page and "Ask its owner" in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"home_page": "javascript:alert(1)"},
        {"home_page": "https://a.example/ x"},
        {"contact": "nobody"},
        {"description": "bell\x07"},
        {"description": "x" * 5001},
    ],
)
def test_a_setting_that_no_page_can_show_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ProjectError):
        Settings(name="Lab", url="http://192.0.2.7/", **wrong)  # type: ignore[arg-type]


def test_the_figures_are_those_of_the_project(full: Site) -> None:
    page = read(full, "/pymw/")
    counts = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page))
    assert counts["tasks waiting"] == "30" and counts["tasks in progress"] == "18"
    assert (counts["tasks done"], counts["tasks failed"]) == ("528", "24")
    assert int(counts["results in the last 24 hours"]) > 100
    assert re.search('role="img" aria-labelledby="plot plot-says">\n<title id="plot-says">5', page)
    assert "Linux, 64 bits" in page and "odd-one" in page


def test_nothing_personal_is_on_the_page(full: Site) -> None:
    page = read(full, "/pymw/")
    for secret in ("example.org", "secret-domain", "203.0.113", "alert", full.project.owner_key()):
        assert secret not in page


def test_names_of_accounts_are_shown_if_the_owner_says_so_and_are_harmless(project: Project) -> None:
    filled.fill(project)
    site = Site(project, show_account_names=True)
    page = read(site, "/pymw/")
    site.close()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "<script" not in page
    assert "\u202e" not in page and "\x1b" not in page and "\x00" not in page


def test_every_page_forbids_scripts_and_frames(full: Site) -> None:
    full.sign_in()
    addresses = ["/pymw/", OWNER, "/pymw/static/style.css", *(f"{OWNER}/{page}" for page in PRIVATE)]
    for address in [*addresses, "/pymw/static/no"]:
        headers = full.get(address).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
        assert headers["referrer-policy"] == "same-origin"
        assert "no-store" in headers.get("cache-control", "") or not address.startswith(OWNER)
    assert full.get("/pymw/static/..%2fbase.html").status_code == 404


def test_the_plot_stands_for_its_hours() -> None:
    drawn = plot([tallies.Hour(0, 30, 10), tallies.Hour(3600, 0, 0)])
    assert (drawn.top, drawn.bars[0].bad_height, drawn.bars[0].good_height) == (40, 25.0, 75.0)
    assert drawn.bars[0].good_y == 0 and drawn.bars[0].bad_y == 75
    assert plot([tallies.Hour(0, 0, 0)]).sentence == "No results in the last 1 hours."
    for most in range(3000):
        top = plot([tallies.Hour(0, most, 0)]).top
        assert most <= top <= max(4, 1.5 * most) and top % 2 == 0


# What strangers write.


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a\x00b\x07c\nd", "a b c d"),
        ("\x1b[1;31mred\x1b[0m \x1b]0;title\x07x", "red x"),
        ("abc\u202ecba\u2066\u200b", "abc cba"),
        ("J\u00c3\u00bcrgen", "J\u00fcrgen"),
        ("x" * 500, "x" * 59 + "\u2026"),
        ("a" + "\u0300" * 100, "a" + "\u0300" * 3),
        ("\ud800lone", "lone"),
    ],
)
def test_a_strangers_name_is_one_line_that_can_be_seen(said: str, shown: str) -> None:
    assert words.line(said) == shown


def test_of_a_long_text_its_end_is_shown() -> None:
    shown = words.block("begin" + "x\r\n" * 1_000_000 + "the end\x00", 100)
    assert shown.startswith("\u2026\n") and shown.endswith("the end ") and len(shown) <= 102


def test_settings_with_words_of_any_language_are_kept(tmp_path: Path) -> None:
    about: dict[str, Any] = {
        "description": 'Für "alle"\n\n\U0001f9ec',
        "contact": "https://lab.example.org/",
        "home_page": "",
    }
    with Project.create(tmp_path / "p", name="Größe", url="http://192.0.2.7/", **about) as made:
        again = Project.open(made.folder)
        assert again.settings == made.settings
        again.close()
