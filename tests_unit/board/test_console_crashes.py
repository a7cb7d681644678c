"""The console parser's events for crashes, resets and tracebacks."""

from __future__ import annotations

import pytest
from camrig.board.console_parser import LINE, ConsoleParser
from camrig.board.events import (
    ABORT,
    ASSERTION,
    BROWNOUT,
    HEAP_CORRUPTION,
    INTERRUPT_WATCHDOG,
    PANIC,
    STACK_OVERFLOW,
    TASK_WATCHDOG,
    Crashed,
    Frame,
    OutOfMemory,
    PanicDump,
    Prompt,
    ResetCause,
    Restarted,
    Serving,
    SoftRebooted,
    TaskFailed,
    Traceback,
)
from hypothesis import given
from hypothesis import strategies as st

PANICKED = b"""\r
Guru Meditation Error: Core  1 panic'ed (LoadProhibited). Exception was unhandled.\r
\r
Core  1 register dump:\r
PC      : 0x400d1234  PS      : 0x00060e30  A0      : 0x800d5678  A1      : 0x3ffb1f50  \r
EXCVADDR: 0x00000000  LBEG    : 0x4000c2e0  LEND    : 0x4000c2f6  LCOUNT  : 0xffffffff  \r
\r
\r
Backtrace: 0x400d1231:0x3ffb1f50 0x400d5675:0x3ffb1f70 |<-CORRUPTED\r
\r
\r
ELF file SHA256: 0000000000000000\r
\r
Rebooting...\r
ets Jul 29 2019 12:21:46\r
\r
rst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r
"""
RISCV = b"""Guru Meditation Error: Core  0 panic'ed (Illegal instruction). Exception was unhandled.\r
\r
Core  0 register dump:\r
MEPC    : 0x42007eac  RA      : 0x42007e5e  SP      : 0x3fc92d10  GP      : 0x3fc8b200  \r
Stack memory:\r
3fc92d10: 0x00000000 0x42007e5e 0x00000001 0x3c025a88 0x3fc92d30 0x00000000 0x00000000 0x00000000\r
\r
Rebooting...\r
"""
WATCHDOG = b"""E (15234) task_wdt: Task watchdog got triggered. The following tasks/users did not reset it in time:\r
E (15234) task_wdt:  - mp_task (CPU 1)\r
E (15234) task_wdt: Aborting.\r
\r
abort() was called at PC 0x400f1234 on core 0\r
\r
\r
Backtrace: 0x400818fa:0x3ffbe170 0x40081f4d:0x3ffbe190\r
\r
Rebooting...\r
"""
TASK = b"""Task exception wasn't retrieved\r
future: <Task> coro= <generator object 'later' at 3ffe1230>\r
Traceback (most recent call last):\r
  File "asyncio/core.py", line 1, in run_until_complete\r
  File "main.py", line 73, in later\r
OSError: [Errno 12] ENOMEM\r
"""
CHAIN = b"""Traceback (most recent call last):\r
  File "a.py", line 3, in f\r
KeyError: pin\r
\r
During handling of the above exception, another exception occurred:\r
\r
Traceback (most recent call last):\r
  File "a.py", line 5, in f\r
ValueError: no such pin\r
"""
ENDED = b"""Traceback (most recent call last):\r
  File "main.py", line 3, in <module>\r
MemoryError: memory allocation failed, allocating 4096 bytes\r
MicroPython v1.26.0 on 2025-08-09; Generic ESP32 module with SPIRAM with ESP32\r
Type "help()" for more information.\r
>>> """
EVERYTHING = PANICKED + TASK + WATCHDOG + CHAIN + RISCV + ENDED + b"x" * 3 * LINE + b"\r\n" + PANICKED


def test_a_panic_is_an_event_at_once_and_its_dump_before_the_restart():
    first, dump, restart = ConsoleParser().feed(PANICKED)
    assert first == Crashed(
        PANIC, "Guru Meditation Error: Core  1 panic'ed (LoadProhibited). Exception was unhandled."
    )
    assert isinstance(dump, PanicDump)
    assert dump.addresses == ("0x400d1231", "0x400d5675")
    assert dump.corrupted
    assert dict(dump.registers)["EXCVADDR"] == "0x00000000"
    assert dict(dump.registers)["PC"] == "0x400d1234"
    assert len(dump.registers) == 8
    assert restart == Restarted("SW_CPU_RESET")
    line_end = PANICKED.index(b"\n", 4) + 1
    assert ConsoleParser().feed(PANICKED[:line_end]) == [first]


def test_a_riscv_panic_has_program_counter_and_return_address():
    _, dump = ConsoleParser().feed(RISCV)
    assert dump.addresses == ("0x42007eac", "0x42007e5e")
    assert not dump.corrupted


def test_a_task_watchdog_that_aborts_makes_two_crashes_and_a_dump():
    kinds = [event.kind if isinstance(event, Crashed) else event for event in ConsoleParser().feed(WATCHDOG)]
    assert kinds == [TASK_WATCHDOG, ABORT, PanicDump((), ("0x400818fa", "0x40081f4d"))]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"Guru Meditation Error: Core  0 panic'ed (Interrupt wdt timeout on CPU0).", INTERRUPT_WATCHDOG),
        (b"\x1b[0;31mE (531) esp_system: Brownout detector was triggered\x1b[0m", BROWNOUT),
        (b"assert failed: xQueueSemaphoreTake queue.c:1545 (( pxQueue ))", ASSERTION),
        (b"***ERROR*** A stack overflow in task mp_task has been detected.", STACK_OVERFLOW),
        (b"CORRUPT HEAP: Bad head at 0x3ffe1234. Expected 0xabba1234 got 0x00000000", HEAP_CORRUPTION),
        (b"abort() was called at PC 0x400f1234 on core 0", ABORT),
    ],
)
def test_the_kind_of_a_crash_follows_from_its_first_line(line, kind):
    (event,) = ConsoleParser().feed(line + b"\r\n")
    assert event.kind == kind


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (b"rst:0x1 (POWERON),boot:0x8 (SPI_FAST_FLASH_BOOT)", Restarted("POWERON")),
        (b"rst:0x10 (RTCWDT_RTC_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", Restarted("RTCWDT_RTC_RESET")),
        (b"MPY: soft reboot", SoftRebooted()),
        (b"camrig: reset cause wdt", ResetCause("wdt")),
        (b"MemoryError: memory allocation failed, allocating 9000 bytes", OutOfMemory),
        (b'picture 7MicroPython v1.21.0-dirty on 2023-11-01; CAMERA\r\nType "help()" for more information.', Prompt),
        (b"I run MicroPython v1.21.0 on 2023-11-01; CAMERA", None),
        (b"the reset cause was an abort()", None),
        (b"MicroPython is on the board", None),
    ],
)
def test_a_single_line_makes_its_event(line, event):
    events = ConsoleParser().feed(line + b"\r\n")
    if isinstance(event, type):
        assert isinstance(events[0], event)
    else:
        assert events == ([event] if event else [])


def test_an_unhandled_task_exception_names_the_task():
    (event,) = ConsoleParser().feed(TASK)
    assert isinstance(event, TaskFailed)
    assert event.task == "<generator object 'later' at 3ffe1230>"
    assert event.error == "OSError: [Errno 12] ENOMEM"
    assert event.where == "main.py:73 in later"
    assert event.frames[0] == Frame("asyncio/core.py", 1, "run_until_complete")


def test_a_task_does_not_own_a_later_traceback():
    events = ConsoleParser().feed(TASK.split(b"Traceback")[0] + b"something else\r\n" + CHAIN)
    assert not any(isinstance(event, TaskFailed) for event in events)


def test_a_chained_traceback_includes_the_one_before():
    first, second = ConsoleParser().feed(CHAIN)
    assert first.error == "KeyError: pin"
    assert second.error == "ValueError: no such pin"
    assert second.where == "a.py:5 in f"
    assert second.text.count("Traceback") == 2
    assert "During handling" in second.text
    assert second.text.startswith(first.text)


def test_a_chain_ends_at_any_other_line():
    lines = CHAIN.replace(b"occurred:\r\n", b"occurred:\r\nGET /capture 200\r\n")
    second = ConsoleParser().feed(lines)[-1]
    assert second.text.count("Traceback") == 1


def test_a_long_chain_is_bounded():
    link = CHAIN[CHAIN.index(b"\r\nDuring") :]
    events = ConsoleParser().feed(CHAIN + link * 50)
    assert len(events) == 52
    assert max(event.text.count("Traceback") for event in events) <= 5


def test_a_full_heap_is_a_separate_event():
    trace, memory, prompt = ConsoleParser().feed(ENDED)
    assert isinstance(trace, Traceback)
    assert memory == OutOfMemory("MemoryError: memory allocation failed, allocating 4096 bytes")
    assert isinstance(prompt, Prompt)


def test_a_log_line_does_not_end_a_traceback():
    lines = TASK.replace(b'  File "main.py"', b'W (1234) wifi: bcn timeout\r\n  File "main.py"')
    (event,) = ConsoleParser().feed(lines)
    assert event.error == "OSError: [Errno 12] ENOMEM"
    assert len(event.frames) == 2


def test_a_crash_ends_an_unfinished_traceback():
    events = ConsoleParser().feed(CHAIN[:65] + PANICKED)
    assert [type(event) for event in events] == [Traceback, Crashed, PanicDump, Restarted]


def test_a_dump_without_an_end_is_bounded():
    parser = ConsoleParser()
    parser.feed(PANICKED[: PANICKED.index(b"ELF")])
    events = parser.feed(b"noise\r\n" * 1000)
    assert [type(event) for event in events] == [PanicDump]


def test_a_traceback_without_an_end_is_bounded():
    parser = ConsoleParser()
    events = parser.feed(b"Traceback (most recent call last):\n" + b'  File "x.py", line 1, in f\n' * 1000)
    assert len(events) == 1
    assert len(events[0].frames) < 100


@given(st.lists(st.integers(0, len(EVERYTHING)), max_size=12))
def test_any_cut_gives_the_same_events(cuts):
    parser, events, last = ConsoleParser(), [], 0
    for cut in [*sorted(cuts), len(EVERYTHING)]:
        events += parser.feed(EVERYTHING[last:cut])
        last = max(last, cut)
    assert events == ConsoleParser().feed(EVERYTHING)


_PIECES = [bytes(line) + b"\n" for line in EVERYTHING.split(b"\n")]


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(_PIECES)), max_size=60))
def test_any_mix_of_lines_and_noise_parses_alike_in_any_cut(pieces):
    parser, events = ConsoleParser(), []
    for piece in pieces:
        events += parser.feed(piece)
    assert events == ConsoleParser().feed(b"".join(pieces))
    assert not [event for event in events if isinstance(event, Serving)]


@given(st.integers(1, 9), st.integers(0, 3 * LINE))
def test_a_long_line_counts_as_several_wherever_it_is_cut(parts, index):
    data = b"y" * (parts * LINE) + b"\nMPY: soft reboot\n"
    parser = ConsoleParser()
    assert parser.feed(data[:index]) + parser.feed(data[index:]) == [SoftRebooted()]
