"""Whose failure a test's phase is: the test's, the application's, or the rig's.

The rules are those of docs/console-and-recovery.md.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from camrig.board.crash import APPLICATION, Crash
from camrig.board.events import Event, PanicDump, Restarted
from camrig.bringup.board_run import BoardRun
from camrig.deadline import Deadline
from camrig.deploy.hang import Hang
from camrig.dut import SECONDS_FOR_LAST_WORDS, Dut
from camrig.errors import (
    EXIT_FAILED,
    AnswerLostError,
    BoardCrashedError,
    CamrigError,
    FirmwareBootError,
    LibraryError,
    ServerSilentError,
)
from camrig.plugin.sections import Section, backtrace_section, console_sections
from camrig.probe.lost_exchanges import PAUSE, SECONDS_TO_RETURN

SECONDS_FOR_DUMP = 2.0  # from a panic's first line to the chip's restart: a kilobyte at 9,600 baud


@dataclass(frozen=True)
class Attribution:
    """What becomes of a test's phase: ``blocked``, ``failed`` with a text, or neither; and the sections to show.

    ``ignored``: the phase could not do its work, and the test has its verdict already.
    """

    failed: str = ""
    blocked: CamrigError | None = None
    ignored: bool = False
    sections: tuple[Section, ...] = ()


def attribute(
    board_run: BoardRun, phase: str, failed: bool, error: BaseException | None, text: str, elf: Path | None = None
) -> Attribution:
    """The attribution of a ``phase`` of the present test: setup, call or teardown.

    ``text`` is what pytest would say of ``error``; ``elf`` names functions in a panic's backtrace.
    """
    dut = board_run.dut
    if isinstance(error, (LibraryError, FirmwareBootError)):
        return Attribution(failed=f"{error}\n\n{error.details}".rstrip())
    if dut is None:
        return Attribution(blocked=error) if isinstance(error, CamrigError) else Attribution()
    crash = dut.crash_monitor.crash
    if crash is None and isinstance(error, OSError):  # the connection may die before the console says why
        crash = dut.crash_monitor.wait(SECONDS_FOR_LAST_WORDS)
    if crash is not None:
        return _crashed(board_run, dut, crash, error, text, elf)
    sections = console_sections(board_run, dut) if failed else ()  # before Ctrl-C, if that is needed
    if failed and (hang := _hang(board_run, dut, error)) is not None:
        return Attribution(failed=_hang_text(board_run, hang, error, text), sections=sections)
    if isinstance(error, CamrigError):
        return _rig_error(board_run, dut, phase, error)
    return Attribution(sections=sections)


def _hang(board_run: BoardRun, dut: Dut, error: BaseException | None) -> Hang | None:
    """What hangs on a board that does not answer any more, once its network has had the time to come back."""
    if board_run.broken is not None or dut.console.attended or not dut.server_url:
        return None
    if isinstance(error, CamrigError) and not isinstance(error, ServerSilentError):
        return None
    until = Deadline.after(0 if isinstance(error, ServerSilentError) else SECONDS_TO_RETURN)
    while not dut.answers():
        if until.passed:
            board_run.record_silence(ServerSilentError("the server gives no answer", board=board_run.spec))
            return board_run.find_hang()
        time.sleep(PAUSE)
    return None


def _hang_text(board_run: BoardRun, hang: Hang, error: BaseException | None, text: str) -> str:
    own = error is not None and not isinstance(error, CamrigError)
    shown = text if own else _place_in_test(board_run, error)
    failure = BoardCrashedError(hang.summary, board=board_run.spec, hint="fix it and run again")
    parts = [str(failure), hang.details, shown]
    return "\n\n".join(filter(None, parts))


def _rig_error(board_run: BoardRun, dut: Dut, phase: str, error: CamrigError) -> Attribution:
    if isinstance(error, (AnswerLostError, ServerSilentError)):
        board_run.record_silence(error)
    if error.exit_code == EXIT_FAILED:
        where = _place_in_test(board_run, error)
        return Attribution(failed=f"{error}\n\n{where}".rstrip(), sections=console_sections(board_run, dut))
    if phase == "teardown" and board_run.broken is not None:
        return Attribution(ignored=True)
    return Attribution(blocked=error)


def _crashed(
    board_run: BoardRun, dut: Dut, crash: Crash, error: BaseException | None, text: str, elf: Path | None
) -> Attribution:
    board_run.record_crash(crash, between=False)
    dump = _panic_dump(board_run, dut, crash)
    down = dut.down(crash)
    if crash.attributed_to != APPLICATION:
        return Attribution(blocked=down)
    sections = [*console_sections(board_run, dut, crash)]
    if dump is not None:
        sections.append(backtrace_section(board_run, dump, elf))
    own = error is not None and not isinstance(error, CamrigError)
    shown = text if own else _place_in_test(board_run, error)
    return Attribution(failed=f"{down}\n\n{shown}".rstrip(), sections=tuple(sections))


def _panic_dump(board_run: BoardRun, dut: Dut, crash: Crash) -> PanicDump | None:
    """A panic's dump, once the panic handler has printed all of it."""

    def complete(event: Event) -> bool | None:
        return True if isinstance(event, (PanicDump, Restarted)) else None

    console, first = dut.console, board_run.start.events
    if crash.firmware:
        try:
            console.wait(complete, first, Deadline.after(SECONDS_FOR_DUMP))
        except CamrigError:
            return None
    dumps = [event for event in console.since(first) if isinstance(event, PanicDump)]
    return dumps[-1] if dumps else None


def _place_in_test(board_run: BoardRun, error: BaseException | None) -> str:
    """The line of the test that was at work; empty when the test had run to its end."""
    file = Path(board_run.start.test.partition("::")[0]).name
    entry, place = error.__traceback__ if error else None, ""
    while entry is not None:
        code = entry.tb_frame.f_code
        if Path(code.co_filename).name == file:
            place = f"{file}:{entry.tb_lineno}: in {code.co_name}"
        entry = entry.tb_next
    return place
