"""What a crash is attributed to, and how waiting threads learn of it."""

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
    ("event", "attributed_to"),
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
def test_each_event_is_attributed(event, attributed_to):
    crash = crash_of(event)
    assert (crash.attributed_to if crash else None) == attributed_to


def test_the_end_of_main_names_the_last_exception():
    assert crash_of(Prompt("MicroPython"), TRACE).summary == "main.py ended with OSError: 28"


def monitored(**arguments) -> tuple[Console, CrashMonitor]:
    console = Console()
    monitor = CrashMonitor(console, **arguments)
    monitor.start()
    return console, monitor


def test_the_first_crash_is_kept():
    console, monitor = monitored()
    console.feed(
        b"Guru Meditation Error: Core 1 panic'ed (x)\nabort() was called at PC 0x1\nrst:0x1 (POWERON_RESET)\n"
    )
    assert monitor.crash.kind == PANIC


def test_a_restart_by_the_rig_is_not_a_crash():
    console, monitor = monitored()
    console.attend()
    console.feed(b"MPY: soft reboot\nrst:0xc (SW_CPU_RESET)\n")
    assert monitor.crash is None
    monitor.start()
    console.feed(b"rst:0xc (SW_CPU_RESET)\n")
    assert monitor.crash is not None
    monitor.forget()
    assert monitor.crash is None


def test_a_lost_port_is_attributed_to_power_or_cable():
    console, monitor = monitored()
    console.fail(PortError("the port was lost"))
    assert (monitor.crash.kind, monitor.crash.attributed_to) == ("port lost", POWER_OR_CABLE)


def test_a_port_lost_before_the_start_is_a_crash_at_the_start():
    console = Console()
    console.fail(PortError("the port was lost"))
    monitor = CrashMonitor(console)
    assert monitor.crash is None
    monitor.start()
    assert monitor.crash.kind == "port lost"


def test_on_crash_runs_before_waiting_threads_wake():
    order = []
    console, monitor = monitored(on_crash=lambda: order.append("on_crash"))
    waiting = threading.Thread(target=lambda: order.append(monitor.wait(10).kind))
    waiting.start()
    console.feed(b"rst:0xc (SW_CPU_RESET)\n")
    waiting.join(10)
    assert order == ["on_crash", "restart"]


def test_waiting_without_a_crash_ends():
    assert monitored()[1].wait(0) is None


def test_the_number_of_kept_events_is_bounded():
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


def test_lines_before_a_mark():
    console = Console(["hunter2"])
    console.feed(b"one\r\ntwo hunter2\r\nthree\r\n")
    mark = console.mark()
    console.feed(b"four\r\n")
    assert console.before(mark, 2) == "two ***\nthree"
    assert console.before(0, 3) == ""


def test_a_secret_in_a_crash_is_hidden():
    console = Console(["hunter2"])
    monitor = CrashMonitor(console)
    monitor.start()
    console.feed(
        b'Traceback (most recent call last):\n  File "m.py", line 1, in f\nOSError: hunter2\nMPY: soft reboot\n'
    )
    assert "hunter2" not in monitor.crash.summary
    assert console.hide("with hunter2") == "with ***"
