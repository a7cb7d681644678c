"""A wait on a terminal shows how long it takes; in a log or a pipe nothing of it appears."""

from __future__ import annotations

import io
import threading

import pytest
from camrig.elapsed import ElapsedLine, terminal_line
from camrig.steps import Steps


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Screen:
    """The texts that were shown; ``shown`` is set when one is."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.shown = threading.Event()

    def __call__(self, text: str) -> None:
        self.texts.append(text)
        if text:
            self.shown.set()


def seen(stream: Terminal) -> str:
    """What is left on the last line of a terminal."""
    line: list[str] = []
    column = 0
    for character in stream.getvalue():
        if character == "\r":
            column = 0
        else:
            line[column : column + 1] = character
            column += 1
    return "".join(line).rstrip()


def test_a_long_wait_is_shown_and_then_gone():
    screen = Screen()
    with ElapsedLine(screen, patience=0, every=0.001)(lambda seconds: f"deploy {seconds >= 0}"):
        assert screen.shown.wait(10)
    assert screen.texts[0] == "deploy True"
    assert screen.texts[-1] == ""


def test_a_short_wait_is_not_shown():
    screen = Screen()
    with ElapsedLine(screen, patience=60)(lambda seconds: "boot"):
        pass
    assert screen.texts == []


def test_what_is_printed_meanwhile_has_the_line_for_itself():
    screen = Screen()
    line = ElapsedLine(screen, patience=0, every=0.001)
    with line(lambda seconds: "boot"):
        assert screen.shown.wait(10)
        with line.hidden():
            assert screen.texts[-1] == ""


@pytest.mark.parametrize("stream", [io.StringIO(), None], ids=["pipe", "steps without a terminal"])
def test_nothing_is_shown_without_a_terminal(stream):
    assert (terminal_line(stream) if stream is not None else None) is None
    threads = threading.active_count()
    with Steps()("boot"):
        assert threading.active_count() == threads


def test_a_line_is_replaced_and_removed():
    stream = Terminal()
    rewrite = terminal_line(stream)
    for text in ("deploy 2 s  long progress", "deploy 3 s"):
        rewrite(text)
        assert seen(stream) == text
    rewrite("x" * 500)
    assert "\n" not in stream.getvalue()
    assert len(seen(stream)) < 500
    rewrite("")
    assert seen(stream) == ""


def test_the_innermost_step_is_shown_with_its_progress(monkeypatch):
    screen, lines = Screen(), []
    steps = Steps(lambda line: lines.append(str(line)), screen)
    monkeypatch.setattr(steps, "_elapsed", ElapsedLine(screen, patience=0, every=0.001))
    with steps("connect"):
        assert screen.shown.wait(10)
        with steps("recover"):
            steps.progress("3 of 7")
            screen.texts.clear()
            screen.shown.clear()
            assert screen.shown.wait(10)
            steps.say("the board is waited for")
            assert lines == ["the board is waited for"]
    names = {text.split()[0] for text in screen.texts if text}
    assert "recover" in names
    assert any(text.endswith("3 of 7") for text in screen.texts)
    assert [line.split()[0] for line in lines] == ["the", "recover", "connect"]
