"""What a test report shows of a board: the test's console, tracebacks that are not in it, a panic's backtrace."""

from __future__ import annotations

import linecache
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from camrig.redaction import hide, visible, visible_in_colour

if TYPE_CHECKING:
    from camrig.board.crash import Crash
    from camrig.board.events import PanicDump
    from camrig.bringup.board_run import BoardRun
    from camrig.dut import Dut

LINES_BEFORE = 3  # of the console, from before a test
LINES = 30  # of a failed test's console
LINES_OF_CRASH = 60  # registers, backtrace and the boot banner behind them
LINES_TO_CRASH = 25
TRACEBACKS = 3

Section = tuple[str, str]  # title and text


def console_sections(board_run: BoardRun, dut: Dut, crash: Crash | None = None) -> tuple[Section, ...]:
    """The console of the present test, around a crash if there was one, and the tracebacks that it does not show."""
    from camrig.board.events import Traceback

    console, start = dut.console, board_run.start
    shown = _console_lines(board_run, dut, crash)
    sections = [(f"console of {board_run.spec}", shown)]
    events = console.since(start.events)
    tracebacks = [console.hide(event.text) for event in events if isinstance(event, Traceback)]
    hidden = [text for text in tracebacks[-TRACEBACKS:] if text not in shown]
    if hidden:
        sections.append((f"tracebacks on {board_run.spec}", "\n\n".join(hidden)))
    return tuple(sections)


def backtrace_section(board_run: BoardRun, dump: PanicDump, elf: Path | None) -> Section:
    """The functions that a panic's dump names, as far as the firmware's ELF file is at hand."""
    from camrig.board.backtrace import decode

    return f"backtrace of {board_run.spec}", decode(dump.addresses, elf)


def _console_lines(board_run: BoardRun, dut: Dut, crash: Crash | None) -> str:
    console, start = dut.console, board_run.start
    lines = console.text(since=start.mark).rstrip("\n").split("\n")
    if crash is not None and len(lines) > LINES_OF_CRASH:
        after = len(console.text(since=crash.mark).rstrip("\n").split("\n"))
        end = min(len(lines), len(lines) - after + LINES_OF_CRASH - LINES_TO_CRASH)
        first = max(0, len(lines) - after - LINES_TO_CRASH)
        return "\n".join(["…", *lines[first:end]])
    if crash is None and len(lines) > LINES:
        return "\n".join(["…", *lines[-LINES:]])
    before = console.before(start.mark, LINES_BEFORE)
    own = "\n".join(lines) or "(no output from the board)"
    return f"{before}\n--- {start.test.rpartition('::')[2]} ---\n{own}" if before else own


def hide_secrets(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Hide secrets, and control characters, in all that a report may print: also locals, captured output and what a
    test recorded.
    """
    if isinstance(report.longrepr, tuple):  # of a skipped test: file, line and reason
        path, line, reason = report.longrepr
        report.longrepr = (path, line, visible(hide(reason)))
    elif report.longrepr is not None:
        text = report.longreprtext
        if (shown := visible(hide(text))) != text:
            report.longrepr = shown
    report.sections = [(hide(name), visible_in_colour(hide(content))) for name, content in report.sections]
    if isinstance(report, pytest.TestReport):
        report.user_properties = [(name, _recorded(value)) for name, value in report.user_properties]
        if hasattr(report, "wasxfail"):
            report.wasxfail = visible(hide(report.wasxfail))


def hide_in_warning(warning: warnings.WarningMessage) -> None:
    """Hide secrets in a warning, and in the line of source that pytest shows with it."""
    line = warning.line if warning.line is not None else linecache.getline(warning.filename, warning.lineno)
    text = str(warning.message)
    if (shown := visible(hide(text))) != text:
        warning.message = shown
    if hide(line) != line:
        warning.line = hide(line)


def _recorded(value: object) -> object:
    """A property as it may be kept. JUnit's XML has the text of any object."""
    return value if value is None or isinstance(value, (bool, int, float)) else hide(str(value))
