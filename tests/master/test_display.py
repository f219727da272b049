"""progress=True shows how far all tasks are."""

import io
import time

import pymw
import pytest
from pymw import display
from rich.console import Console

from tests.master.inline import Inline

STATE = {"waiting": 2, "running": 3, "submitted": 10, "finished": 4, "failed": 1, "cancelled": 0}


def test_a_bar_follows_the_counts_and_stays_at_the_end() -> None:
    stream, state = io.StringIO(), dict(STATE)
    bar = display.Display(lambda: state, Console(file=stream, force_terminal=True, width=100))
    state.update(running=0, waiting=0, finished=9)
    bar.stop()
    last = stream.getvalue()
    assert "10/10" in last and "100%" in last and "1 failed" in last


def test_where_there_is_no_terminal_lines_say_what_has_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(display, "_LINE_PERIOD", 0.01)
    state = dict(STATE)
    lines = display.start(lambda: state)
    _until(lambda: "5 of 10" in capsys.readouterr().err)
    time.sleep(0.05)  # some periods without a change
    assert capsys.readouterr().err == ""
    state.update(finished=6)
    _until(lambda: capsys.readouterr().err == "tasks: 7 of 10 have ended, 3 running, 1 failed\n")
    lines.stop()


def test_a_master_shows_its_tasks_and_ends_the_display(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(display, "_LINE_PERIOD", 0.01)
    with pymw.Master(Inline(hold=True), progress=True) as master:
        future = master.submit(pow, 2, 3)
        _until(lambda: "0 of 1" in capsys.readouterr().err)
        future.cancel()
    assert capsys.readouterr().err.count("\n") <= 1


def _until(true: object, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
