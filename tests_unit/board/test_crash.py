"""Whose doing it is when an application goes down, and how those who wait learn of it."""

from __future__ import annotations

import threading

import pytest
from camrig.board.console import EVENTS, Console
from camrig.board.crash import APPLICATION, POWER_OR_CABLE, CrashMonitor, crash_of
from camrig.board.events import (
    BROWNOUT,
    PANIC,
    Crashed,
    OutOfMemory,
    PanicDump,
    Prompt,
    ResetCause,
    Restarted,
    Serving,
    SoftRebooted,
    Traceback,
    WifiJoined,
)
from camrig.errors import PortError

TRACE = Traceback("Traceback…", "OSError: 28")


@pytest.mark.parametrize(
    ("event", "blame"),
    [
        (Crashed(PANIC, "Guru Meditation Error"), APPLICATION),
        (Crashed(BROWNOUT, "Brownout detector was triggered"), POWER_OR_CABLE),
        (Restarted("SW_CPU_RESET"), APPLICATION),
        (Restarted("TG1WDT_SYS_RESET"), APPLICATION),
        (Restarted("DEEPSLEEP_RESET"), APPLICATION),
        (Restarted("POWERON_RESET"), POWER_OR_CABLE),
        (Restarted("RTCWDT_BROWN_OUT_RESET"), POWER_OR_CABLE),
        (Restarted("USB_UART_CHIP_RESET"), POWER_OR_CABLE),
        (ResetCause("pwron"), POWER_OR_CABLE),
        (ResetCause("wdt"), APPLICATION),
        (SoftRebooted(), APPLICATION),
        (Prompt("MicroPython v1.26.0"), APPLICATION),
        (Serving("http://10.0.0.2"), POWER_OR_CABLE),
        (TRACE, None),
        (OutOfMemory("MemoryError"), None),
        (PanicDump((), ()), None),
        (WifiJoined("10.0.0.2"), None),
    ],
)
def test_blame(event, blame):
    crash = crash_of(event)
    assert (crash.attributed_to if crash else None) == blame


def test_main_ended_with_its_last_exception():
    assert crash_of(Prompt("MicroPython"), TRACE).what == "main.py ended with OSError: 28"


def watched() -> tuple[Console, CrashMonitor]:
    console = Console()
    watch = CrashMonitor(console)
    watch.start()
    return console, watch


def test_the_first_sign_is_kept():
    console, watch = watched()
    console.feed(
        b"Guru Meditation Error: Core 1 panic'ed (x)\nabort() was called at PC 0x1\nrst:0x1 (POWERON_RESET)\n"
    )
    assert watch.crash.kind == PANIC


def test_what_the_rig_does_itself_is_no_crash():
    console, watch = watched()
    console.attended = True
    console.feed(b"MPY: soft reboot\nrst:0xc (SW_CPU_RESET)\n")
    assert watch.crash is None
    watch.start()
    console.feed(b"rst:0xc (SW_CPU_RESET)\n")
    assert watch.crash is not None
    watch.forget()
    assert watch.crash is None


def test_a_lost_line_is_the_benchs():
    console, watch = watched()
    console.fail(PortError("the port was lost"))
    assert (watch.crash.kind, watch.crash.attributed_to) == ("port lost", POWER_OR_CABLE)


def test_a_line_that_was_lost_before_is_noticed_at_the_start():
    console = Console()
    console.fail(PortError("the port was lost"))
    watch = CrashMonitor(console)
    assert watch.crash is None
    watch.start()
    assert watch.crash.kind == "port lost"


def test_who_waits_is_woken_after_the_crash_is_known_and_acted_on():
    console, watch = watched()
    order = []
    watch.on_crash = lambda: order.append("cut")
    waiting = threading.Thread(target=lambda: order.append(watch.wait(10).kind))
    waiting.start()
    console.feed(b"rst:0xc (SW_CPU_RESET)\n")
    waiting.join(10)
    assert order == ["cut", "restart"]


def test_a_wait_without_a_crash_ends():
    assert watched()[1].wait(0) is None


def test_a_night_of_tracebacks_is_bounded():
    console = Console()
    for _ in range(3):
        console.feed(b"MPY: soft reboot\n" * EVENTS)
    assert console.seen == 3 * EVENTS
    assert len(console.events) == EVENTS
    seen = console.seen
    console.feed(b"camrig: serving http://10.0.0.2\n")
    assert console.since(seen) == [Serving("http://10.0.0.2")]
    assert len(console.since(0)) == EVENTS
    assert console.since(console.seen) == []


def test_lines_ahead_of_a_mark():
    console = Console(["hunter2"])
    console.feed(b"one\r\ntwo hunter2\r\nthree\r\n")
    mark = console.mark()
    console.feed(b"four\r\n")
    assert console.before(mark, 2) == "two ***\nthree"
    assert console.before(0, 3) == ""


def test_a_secret_in_the_boards_last_words_is_hidden():
    console = Console(["hunter2"])
    watch = CrashMonitor(console)
    watch.start()
    console.feed(
        b'Traceback (most recent call last):\n  File "m.py", line 1, in f\nOSError: hunter2\nMPY: soft reboot\n'
    )
    assert "hunter2" not in watch.crash.what
    assert console.hide("with hunter2") == "with ***"
