"""Signs of a crash or a restart count only where firmware or application write them, not where others quote them."""

from __future__ import annotations

import threading

import pytest
from camrig.board.console import Console
from camrig.board.console_parser import ConsoleParser
from camrig.board.crash import CrashMonitor
from camrig.board.events import Crashed, Prompt, ResetCause, Restarted, Serving, SoftRebooted
from camrig.errors import PortError

SIGNS = {
    "Guru Meditation Error: Core  1 panic'ed (LoadProhibited). Exception was unhandled.": Crashed,
    "Guru Meditation Error: Core  0 panic'ed (Interrupt wdt timeout on CPU0).": Crashed,
    "abort() was called at PC 0x400f1234 on core 0": Crashed,
    "assert failed: xQueueSemaphoreTake queue.c:1545 (( pxQueue ))": Crashed,
    "***ERROR*** A stack overflow in task mp_task has been detected.": Crashed,
    "CORRUPT HEAP: Bad head at 0x3ffe1234. Expected 0xabba1234 got 0x00000000": Crashed,
    "Brownout detector was triggered": Crashed,
    "E (15234) task_wdt: Task watchdog got triggered. The following tasks did not reset it in time:": Crashed,
    "rst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)": Restarted,
    "rst:0x1 (POWERON),boot:0x8 (SPI_FAST_FLASH_BOOT)": Restarted,
    "MPY: soft reboot": SoftRebooted,
    "camrig: reset cause wdt": ResetCause,
    "MicroPython v1.26.0 on 2025-08-09; Generic ESP32 module with ESP32": Prompt,
    "camrig: serving http://192.168.4.2:8080": Serving,
}
QUOTES = {
    "in a log line": "the client's header was {}",
    "in quotes": "'{}'",
    "in double quotes": '"{}"',
    "in an exception's text": 'Traceback (most recent call last):\r\n  File "main.py", line 3, in f\r\nError: {}',
    "in the text of a number that is none": "ValueError: invalid syntax for integer with base 10: '{}'",
    "in bytes": "b'{}\\r\\n'",
    "with more behind it, in quotes": "'{} and more'",
    "behind a blank request line": "GET /{} HTTP/1.1",
    "in JSON": '{{"text": "{}"}}',
}
SIGN_EVENTS = tuple(set(SIGNS.values()))


@pytest.mark.parametrize(("sign", "event"), SIGNS.items(), ids=lambda value: str(value)[:30])
def test_a_sign_at_the_start_of_a_line_counts(sign, event):
    assert isinstance(ConsoleParser().feed(sign.encode() + b"\r\n")[0], event)


@pytest.mark.parametrize("quote", QUOTES)
@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign[:30])
def test_a_quoted_sign_does_not_count(sign, quote):
    events = ConsoleParser().feed((QUOTES[quote].format(sign) + "\r\nserved\r\n").encode())
    assert not [event for event in events if isinstance(event, SIGN_EVENTS)]


@pytest.mark.parametrize("junk", [b"\x00", b"\xff\xfe", b"\x1b[0;31m", b"\r", b">>> "])
@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign[:30])
def test_bytes_of_another_speed_do_not_hide_a_sign(sign, junk):
    assert [type(event) for event in ConsoleParser().feed(junk + sign.encode() + b"\r\n")] == [SIGNS[sign]]


@pytest.mark.parametrize("serves", [True, False], ids=["the same boot answers", "nothing answers"])
@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign[:30])
def test_a_sign_is_believed_only_if_the_application_no_longer_answers(sign, serves):
    console, cuts = Console(), []
    monitor = CrashMonitor(console, on_crash=lambda: cuts.append(sign), still_serves=lambda: serves)
    monitor.start("http://192.168.4.2:8080")
    console.feed(b"\r\n" + sign.encode() + b"\r\n")
    assert (monitor.crash is None) is serves
    assert bool(cuts) is not serves


def test_a_crash_is_proved_once():
    console, looks = Console(), []
    monitor = CrashMonitor(console, still_serves=lambda: bool(looks.append(1)))
    monitor.start()
    console.feed(b"\r\nMPY: soft reboot\r\n")
    assert monitor.crash is monitor.crash is not None
    assert len(looks) == 1


@pytest.mark.parametrize(("url", "is_crash"), [
    ("http://192.168.4.2:8090", False), ("http://192.168.4.2:8080", True), ("http://192.168.4.3:8080", True),
])  # fmt: skip
def test_a_second_server_does_not_count_as_a_restart(url, is_crash):
    console = Console()
    monitor = CrashMonitor(console)
    monitor.start("http://192.168.4.2:8080")
    console.feed(b"stream: serving " + url.encode() + b"\r\n")
    assert bool(monitor.crash) is is_crash


@pytest.mark.parametrize("serves", [[False], [True, False], [True, True, False]])
def test_signs_that_come_during_a_proof_wait_for_their_own(serves):
    console, answers, proving = Console(), iter([*serves, False, False]), threading.Event()

    def still_serves():
        assert proving.wait(10)
        return next(answers)

    monitor = CrashMonitor(console, still_serves=still_serves)
    monitor.start("http://192.168.4.2:8080")
    signs = ["Brownout detector was triggered", "rst:0xc (SW_CPU_RESET)", "MPY: soft reboot"]
    for sign in signs:
        console.feed(b"\r\n" + sign.encode() + b"\r\n")
    proving.set()
    expected = ["brownout", "restart", "soft reset"][len(serves) - 1]
    assert monitor.crash.kind == expected


def test_a_lost_port_needs_no_proof():
    console = Console()
    monitor = CrashMonitor(console, still_serves=lambda: True)
    monitor.start()
    console.fail(PortError("the port is gone"))
    assert monitor.crash.kind == "port lost"
