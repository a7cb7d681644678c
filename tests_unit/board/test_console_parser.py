"""The console parser makes the same events of bytes in any cut, and the console keeps and hides them."""

from __future__ import annotations

import threading

import pytest
from camrig.board.console import Console
from camrig.board.console_parser import ConsoleParser
from camrig.board.events import (
    BROWNOUT,
    Crashed,
    Prompt,
    ResetCause,
    Restarted,
    Serving,
    Traceback,
    WifiFailed,
    WifiJoined,
)
from camrig.deadline import Deadline
from camrig.errors import PortError
from hypothesis import given
from hypothesis import strategies as st

BOOT = (
    b"ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"
    b"camrig: reset cause pwron\r\ncamrig: wifi joining lab\r\n"
    b"camrig: wifi connected 192.168.4.7 rssi -51 channel 6 pm 0\r\n"
    b"camrig: serving http://192.168.4.7:8080\r\n"
)
CRASH = (
    b'Traceback (most recent call last):\r\n  File "main.py", line 3, in <module>\r\n'
    b'  File "main.py", line 2, in f\r\n'
    b"OSError: [Errno 28] ENOSPC\r\n"
    b"MicroPython v1.26.0 on 2025-08-09; Generic ESP32 module with SPIRAM with ESP32\r\n"
    b'Type "help()" for more information.\r\n>>> '
)


def test_a_boot_makes_its_events_in_order():
    assert ConsoleParser().feed(BOOT) == [
        Restarted("POWERON_RESET"),
        ResetCause("pwron"),
        WifiJoined("192.168.4.7 rssi -51 channel 6 pm 0"),
        Serving("http://192.168.4.7:8080"),
    ]


def test_a_traceback_is_complete_and_ends_with_its_exception():
    trace, prompt = ConsoleParser().feed(CRASH)
    assert isinstance(trace, Traceback)
    assert trace.error == "OSError: [Errno 28] ENOSPC"
    assert trace.text.count("File") == 2
    assert prompt == Prompt("MicroPython v1.26.0 on 2025-08-09; Generic ESP32 module with SPIRAM with ESP32")


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (b"camrig: wifi failed wrong-password", WifiFailed("wrong-password")),
        (b"camrig: wifi not configured", WifiFailed("not-configured")),
        (b"camrig: wifi failed refused 204", WifiFailed("refused 204")),
        (b"I (123) app: serving http://10.0.0.2/", Serving("http://10.0.0.2")),
        (b"Guru Meditation Error: Core  0 panic'ed (LoadProhibited).", None),
        (b"Brownout detector was triggered", Crashed(BROWNOUT, "Brownout detector was triggered")),
        (b"serving http://nowhere:99999999", False),
        (b"the docs are at http://10.0.0.2/manual", False),
    ],
)
def test_a_single_line_makes_its_event(line, event):
    events = ConsoleParser().feed(line + b"\r\n")
    if event is None:
        assert isinstance(events[0], Crashed)
    else:
        assert events == ([event] if event else [])


@given(st.lists(st.integers(0, len(BOOT + CRASH)), max_size=8))
def test_any_cut_gives_the_same_events(cuts):
    data = BOOT + CRASH
    parser, events, last = ConsoleParser(), [], 0
    for cut in [*sorted(cuts), len(data)]:
        events += parser.feed(data[last:cut])
        last = max(last, cut)
    assert events == ConsoleParser().feed(data)


@given(st.binary(max_size=3000))
def test_noise_never_raises_and_makes_no_serving_event(noise):
    events = ConsoleParser().feed(noise + b"\n")
    assert not [event for event in events if isinstance(event, Serving) and b"serving http://" not in noise]


def test_a_flood_without_a_line_end_is_bounded():
    parser = ConsoleParser()
    for _ in range(1000):
        parser.feed(b"x" * 1000)
    assert parser.feed(b"\ncamrig: serving http://10.0.0.2:80\n")[-1] == Serving("http://10.0.0.2:80")
    assert len(parser._partial) <= 2048


def test_the_console_hides_secrets():
    console = Console(["hunter2", ""])
    console.feed(b"connecting with hunter2\r\nok\r\n")
    assert console.text() == "connecting with ***\nok\n"


def test_text_since_a_mark_survives_the_bound_of_the_console():
    console = Console()
    console.feed(b"old\n")
    mark = console.mark()
    console.feed(b"x" * 3_000_000 + b"\nnew\n")
    assert console.text(since=mark).endswith("\nnew\n")
    assert "old" not in console.text(since=mark)


def test_an_event_wakes_a_waiting_thread():
    console = Console()
    waiting = threading.Thread(target=lambda: console.feed(BOOT))
    waiting.start()
    event = console.wait(lambda event: event if isinstance(event, Serving) else None, 0, Deadline.after(10))
    waiting.join()
    assert event == Serving("http://192.168.4.7:8080")


def test_waiting_raises_the_error_that_broke_the_line():
    console = Console()
    console.fail(PortError("the port was lost"))
    with pytest.raises(PortError, match="lost"):
        console.wait(lambda event: event, 0, Deadline.after(10))


def test_waiting_ends_at_the_deadline():
    assert Console().wait(lambda event: event, 0, Deadline.after(0)) is None
