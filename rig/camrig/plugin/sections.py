"""What a test report shows of a board: the test's console, tracebacks that are not in it, a panic's backtrace."""

from __future__ import annotations

from pathlib import Path

import pytest

from camrig.board.backtrace import decode
from camrig.board.crash import Crash
from camrig.board.events import PanicDump, Traceback
from camrig.bringup.board_run import BoardRun
from camrig.dut import Dut
from camrig.redaction import hide

LINES_BEFORE = 3  # of the console, from before a test
LINES = 30  # of a failed test's console
LINES_OF_CRASH = 60  # registers, backtrace and the boot banner behind them
LINES_TO_CRASH = 25
TRACEBACKS = 3

Section = tuple[str, str]  # title and text


def console_sections(board_run: BoardRun, dut: Dut, crash: Crash | None = None) -> tuple[Section, ...]:
    """The console of the present test, around a crash if there was one, and the tracebacks that it does not show."""
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


def hide_secrets(report: pytest.TestReport) -> None:
    """Hide secrets in all that a report may print: also locals, captured output and what a test recorded."""
    text = report.longreprtext
    if (hidden := hide(text)) != text:
        report.longrepr = hidden
    report.sections = [(hide(name), hide(content)) for name, content in report.sections]
    report.user_properties = [
        (name, hide(value) if isinstance(value, str) else value) for name, value in report.user_properties
    ]
