"""The parts that need no process: output, REPL state, and the port's queue."""

from __future__ import annotations

import os
import select
import time

import pytest
from camrig.virtual.deadlock_detector import LOOK, SUSPECT, DeadlockDetector
from camrig.virtual.link.address import LoopbackAddress
from camrig.virtual.link.pty import BACKLOG, STALLED, PtyPort
from camrig.virtual.repl_output import ConsoleBytes, ReplOutput, StartupMark
from camrig.virtual.repl_state import FRIENDLY_BANNER, RAW_BANNER, RawReplEntry, ReplState
from camrig.virtual.run_console import Keys, RunConsole
from hypothesis import given
from hypothesis import strategies as st

PREFIX = b"\xfe123456"


def pieces(data, cuts):
    """``data`` split at the given positions."""
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


def shown(output, parts):
    events = [event for part in parts for event in output.feed(part)] + list(output.flush())
    text = b"".join(event.data for event in events if isinstance(event, ConsoleBytes))
    return text, [event.letter for event in events if isinstance(event, StartupMark)]


def binary(data):
    return PREFIX + b"B%04x" % len(data) + data


@given(st.lists(st.integers(0, 200)))
def test_output_does_not_depend_on_how_it_is_split(cuts):
    data = (
        b"a\nb\r\nM;" + PREFIX + b"U\xfe\n" + binary(b"\n" + PREFIX + b"\r") + b"\nold name!\r" + PREFIX + b"D\nold"
    )
    text, marks = shown(ReplOutput(PREFIX, (b"old name", b"new")), pieces(data, cuts))
    assert text == b"a\r\nb\r\nM;\xfe\r\n\n" + PREFIX + b"\r\nnew!\r\nold"
    assert marks == [b"U", b"D"]


@given(st.binary(max_size=300), st.lists(st.integers(0, 400)))
def test_binary_output_passes_unchanged(data, cuts):
    assert shown(ReplOutput(PREFIX), pieces(binary(data), cuts)) == (data, [])


def test_output_holds_only_the_beginning_of_a_message():
    output = ReplOutput(PREFIX)
    assert [event.data for event in output.feed(b"text\xfe1")] == [b"text"]
    assert output.holding
    assert [event.data for event in output.flush()] == [b"\xfe1"]
    assert not output.holding


@given(st.lists(st.integers(0, 200)))
def test_the_last_banner_tells_the_repl(cuts):
    state = ReplState()
    for data, raw in ((b"x" + RAW_BANNER, True), (b"OK\x04\x04>", True), (FRIENDLY_BANNER + b"1", False)):
        for part in pieces(data, cuts):
            state.feed(part)
        assert state.raw is raw


@given(st.lists(st.integers(0, 200)))
def test_raw_entry_hides_the_friendly_prompt(cuts):
    entry = RawReplEntry()
    first = [entry.feed(part) for part in pieces(b"MicroPython x\r\n" + FRIENDLY_BANNER, cuts)]
    assert b"".join(text for text, _ in first) == b""
    assert b"".join(keys for _, keys in first) == b"\x01"
    second = [entry.feed(part) for part in pieces(b"\r\n" + RAW_BANNER + b"more", cuts)]
    assert b"".join(text for text, _ in second) == RAW_BANNER + b"more"
    assert b"".join(keys for _, keys in second) == b""
    assert entry.over


@pytest.fixture
def port(tmp_path):
    port = PtyPort(tmp_path / "board")
    yield port
    port.close()


def drain(fd, port, now):
    data = b""
    while select.select([fd], [], [], 0.05)[0]:
        data += os.read(fd, 65536)
        port.flush(now)
    return data


def test_the_port_is_raw_both_ways(port):
    client = os.open(port.path, os.O_RDWR | os.O_NOCTTY)
    try:
        port.write(bytes(range(256)), time.monotonic())
        assert drain(client, port, time.monotonic()) == bytes(range(256))
        os.write(client, b"\x03\x04\r\n")
        assert select.select([port.master], [], [], 5)[0]
        assert port.read() == b"\x03\x04\r\n"
        assert port.read() == b""
    finally:
        os.close(client)


def test_without_a_reader_the_oldest_output_is_lost(port):
    now = 100.0
    for n in range(4000):
        port.write(b"%098d\r\n" % n, now)
    assert port.waiting
    assert not port.congested(now + STALLED)
    client = os.open(port.path, os.O_RDWR | os.O_NOCTTY)
    try:
        data = drain(client, port, now)
    finally:
        os.close(client)
    assert data.endswith(b"%098d\r\n" % 3999)
    assert BACKLOG < len(data) < 400000


def test_a_client_that_reads_slowly_makes_the_board_wait(port):
    for _ in range(2000):
        port.write(bytes(100), 100.0)
    assert port.congested(100.0)


def test_every_board_gets_a_different_address():
    addresses = [LoopbackAddress() for _ in range(20)]
    try:
        assert len({address.text for address in addresses}) == 20
        assert all(address.text.startswith("127.") for address in addresses)
    finally:
        for address in addresses:
            address.close()


def run_console(raw=False):
    return RunConsole(PREFIX, "MicroPython v1; linux", ReplState(), raw)


def split_events(events):
    events = list(events)
    text = b"".join(event.data for event in events if isinstance(event, ConsoleBytes))
    return text, b"".join(event.data for event in events if isinstance(event, Keys))


def test_a_run_that_reaches_the_repl_before_boot_has_failed():
    console = run_console()
    list(console.feed(b"MemoryError: no room\n" + FRIENDLY_BANNER))
    assert (console.up, console.failed, console.early_error) == (False, True, "MemoryError: no room")


def test_a_run_whose_boot_was_reached_has_not_failed():
    console = run_console()
    list(console.feed(PREFIX + b"U" + FRIENDLY_BANNER))
    assert (console.up, console.failed, console.early_error) == (True, False, "no output")


def test_a_run_enters_the_raw_repl_only_after_its_scripts():
    console = run_console(raw=True)
    text, keys = split_events(console.feed(PREFIX + b"U" + b"boot >>> \n" + PREFIX + b"D" + FRIENDLY_BANNER))
    assert (text, keys, console.entering_raw) == (b"boot >>> \r\n", b"\x01", True)
    text, keys = split_events(console.feed(b"\r\n" + RAW_BANNER))
    assert (text, keys, console.entering_raw) == (RAW_BANNER, b"", False)


class LockedInterpreter:
    """``waits_for_lock`` as the test sets it."""

    waits_for_lock = True


def test_a_deadlock_is_reported_after_two_looks_that_agree():
    detector, interpreter = DeadlockDetector(), LockedInterpreter()
    assert not detector.check(interpreter, 10.0, 10.0)
    assert not detector.check(interpreter, 10.0, 10.1)  # too early for the second look
    assert detector.wake_at == 10.0 + LOOK
    assert detector.check(interpreter, 10.0, 10.0 + LOOK)


def test_a_lock_long_after_an_interrupt_is_not_a_deadlock():
    detector = DeadlockDetector()
    assert not detector.check(LockedInterpreter(), 10.0, 11.0 + SUSPECT)
    assert detector.wake_at is None
