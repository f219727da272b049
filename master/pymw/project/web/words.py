"""Numbers, times and BOINC's codes in words; and strangers' text, so that it can be shown."""

from __future__ import annotations

import re
import time
import unicodedata

from pymw.project.states import ErrorMask, Outcome, State, Validity

SHORTENED = "…"

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_MARKS = re.compile(
    r"((?:[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u20ff\ufe20-\ufe2f]){3})"
    r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
_PLATFORMS = {
    "windows_x86_64": "Windows, 64 bits",
    "windows_intelx86": "Windows, 32 bits",
    "windows_arm64": "Windows on ARM",
    "x86_64-pc-linux-gnu": "Linux, 64 bits",
    "i686-pc-linux-gnu": "Linux, 32 bits",
    "aarch64-unknown-linux-gnu": "Linux on ARM, 64 bits",
    "arm-unknown-linux-gnueabihf": "Linux on ARM, 32 bits",
    "x86_64-apple-darwin": "macOS on Intel",
    "arm64-apple-darwin": "macOS on Apple silicon",
    "aarch64-android-linux-gnu": "Android, 64 bits",
    "arm-android-linux-gnu": "Android, 32 bits",
}
_MASKS = {
    ErrorMask.COULDNT_SEND: "no computer could take it",
    ErrorMask.TOO_MANY_ERRORS: "too many errors",
    ErrorMask.TOO_MANY_TOTAL: "too many attempts",
    ErrorMask.CANCELLED: "cancelled",
}
_OUTCOMES = {
    Outcome.SUCCESS: "success",
    Outcome.COULDNT_SEND: "could not be sent",
    Outcome.CLIENT_ERROR: "error",
    Outcome.NO_REPLY: "no reply by the deadline",
    Outcome.DIDNT_NEED: "not needed any more",
    Outcome.VALIDATE_ERROR: "output missing or damaged",
    Outcome.CLIENT_DETACHED: "computer left the project",
}
_VALIDITIES = {
    Validity.VALID: "valid",
    Validity.INVALID: "differs from the valid result",
    Validity.INCONCLUSIVE: "not decided: results differ",
}
# The client's codes, and those of PyMW's worker and launcher.
_EXITS = {
    -131: "an output was too large",
    -161: "an output was missing",
    -226: "ended again and again without a result",
    192: "the application ended unexpectedly",
    194: "no sign of life from the client",
    195: "the process of the task died",
    196: "used too much disk",
    197: "took too long",
    198: "used too much memory",
    202: "aborted by the project",
    203: "aborted by the volunteer",
    204: "a child process could not be started",
    205: "not enough memory on this computer",
    206: "no fitting Python on this computer",
}
_UNITS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (0.0, "s"))


def line(text: str, longest: int = 60) -> str:
    """A stranger's text on one line, of bounded length, without what is not seen or turns text round."""
    return _shortened(" ".join(_visible(_decoded(text[: 20 * longest])).split()), longest)


def block(text: str, longest: int) -> str:
    """The same with its lines; of what is too long, the end is shown, which tells how it ended."""
    ending = text[-4 * longest :]
    shown = _visible(ending.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")
    if len(shown) > longest or len(text) > len(ending):
        return f"{SHORTENED}\n{shown[-longest:]}"
    return shown


def platform(name: str) -> str:
    """A platform as people call it."""
    return _PLATFORMS.get(name) or line(name, 40) or "unknown"


def mask(number: int) -> str:
    """Why a workunit failed."""
    return ", ".join(text for flag, text in _MASKS.items() if number & flag) or "unknown"


def exit_status(number: int | None) -> str:
    """An exit status of a client, with what it means."""
    if number is None:
        return "none"
    meaning = _EXITS.get(number)
    return f"{number}: {meaning}" if meaning else str(number)


def result(state: int, outcome: int, validity: int) -> str:
    """How far a result is."""
    if state != State.OVER:
        return "waiting" if state == State.UNSENT else "in progress"
    text = _OUTCOMES.get(Outcome(outcome), "unknown")
    judged = _VALIDITIES.get(Validity(validity))
    return f"{text}, {judged}" if judged and outcome == Outcome.SUCCESS else text


def number(value: float) -> str:
    """A number with narrow spaces between thousands, which cannot be taken for a decimal point anywhere."""
    return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def span(seconds: float) -> str:
    """A time span, in its largest unit."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / (size or 1):.0f}\N{NO-BREAK SPACE}{unit}"
    return "0\N{NO-BREAK SPACE}s"


def ago(then: float, now: float) -> str:
    """When something was, or will be."""
    return f"{span(now - then)} ago" if now >= then else f"in {span(then - now)}"


def utc(then: float) -> str:
    """A time to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(min(max(then, 0.0), 4e9)))


def _decoded(text: str) -> str:
    """Requests are read as Latin-1; most of what is in them was UTF-8."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _visible(text: str) -> str:
    text = _ESCAPES.sub("", text)
    kept = "".join(each if each in "\n\t" or _is_seen(each) else " " for each in text)
    return _MARKS.sub(r"\1", kept)


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + SHORTENED
