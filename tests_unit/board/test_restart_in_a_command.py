"""A board that restarts in the middle of a command is reported at once, whatever it prints."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

import pytest
from camrig.board.reset_detector import ResetDetector
from camrig.board.session import Session
from camrig.board.transport import Transport
from camrig.errors import BoardResetError, PortError
from camrig.virtual.board import VirtualBoard, VirtualConfig
from hypothesis import given
from hypothesis import strategies as st

BANNER = b"ets Jul 29 2019 12:21:46\r\n\r\nrst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"
GARBLED = bytes(random.Random(7).randrange(256) for _ in range(len(BANNER)))
PANIC = b"\r\nGuru Meditation Error: Core  1 panic'ed (LoadProhibited). Exception was unhandled.\r\n" + BANNER
NOTICED = 2.0  # seconds


@pytest.fixture
def transport(peer) -> Iterator[Transport]:
    port = Transport(peer.path, 115200)
    yield port
    port.close()


def restarting(after: str, output: bytes) -> Callable:
    """A board that restarts at one stage of a raw-paste command."""

    def play(peer) -> None:
        peer.say(b">")
        peer.until(b"\x05A\x01")
        if after != "prompt":
            peer.say(b"R\x01\x40\x00")  # a window of 64 bytes
            peer.read()
        if after == "output":
            while True:
                peer.say(b"\x01")
                if b"\x04" in peer.read():
                    break
            peer.say(b"\x04half an ans")
        peer.say(output)

    return play


@pytest.mark.parametrize("words", [BANNER, GARBLED, PANIC], ids=["banner", "garbled", "panic"])
@pytest.mark.parametrize("after", ["prompt", "upload", "output"])
def test_a_restart_is_reported_at_any_stage_of_a_command(peer, transport, after, words):
    peer.script(restarting(after, words))
    start = time.monotonic()
    with pytest.raises(BoardResetError) as raised:
        transport.run("x = 1\n" * 100, 15)
    assert time.monotonic() - start < NOTICED
    if words is BANNER:
        assert "(SW_CPU_RESET)" in str(raised.value)
    if words is PANIC:
        assert "(LoadProhibited)" in str(raised.value)
    assert not transport.in_raw_repl


def test_a_restart_between_two_commands_is_reported_by_the_second(peer, transport):
    peer.say(BANNER + b'MicroPython v1.26.0 on 2025-08-09; x\r\nType "help()" for more information.\r\n>>> ')
    while not transport.serial.buffer.endswith(b">>> "):
        transport.serial.fill()
    with pytest.raises(BoardResetError, match="SW_CPU_RESET"):
        transport.run("1", 5)


def test_a_pulled_cable_is_a_lost_port(peer, transport):
    def play(peer) -> None:
        peer.say(b">")
        peer.until(b"\x05A\x01")
        peer.unplug()

    peer.script(play)
    start = time.monotonic()
    with pytest.raises(PortError, match="the port was lost"):
        transport.run("x = 1", 15)
    assert time.monotonic() - start < NOTICED


def test_a_flood_after_the_restart_does_not_delay_the_report(peer, transport):
    def play(peer) -> None:
        peer.say(b">")
        peer.until(b"\x05A\x01")
        peer.say(b"Rebooting...\r\n")
        while True:
            peer.say(b"flood " * 64)
            if is_over(peer):
                return

    start = time.monotonic()
    peer.script(play)
    with pytest.raises(BoardResetError):
        transport.run("x = 1", 15)
    assert time.monotonic() - start < NOTICED


def is_over(peer) -> bool:
    import select

    return bool(select.select([peer._stop_read], [], [], 0.001)[0])


def test_the_real_interpreter_reset_within_a_command_is_reported():
    with VirtualBoard.start(VirtualConfig()) as board:
        session = Session(board.path, 115200)
        try:
            session.repl()
            start = time.monotonic()
            with pytest.raises(BoardResetError, match="SW_CPU_RESET"):
                session.exec("print('x' * 2000)\nimport machine\nmachine.reset()")
            assert time.monotonic() - start < NOTICED
            session.repl()
            assert session.exec("print(6 * 7)").strip() == "42"
            board.power_cycle()  # while no command runs
            with pytest.raises(BoardResetError, match="POWERON_RESET"):
                session.exec("import time\ntime.sleep(10)")
            session.repl()
            assert session.exec("print(6 * 7)").strip() == "42"
        finally:
            session.close()


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\0"), max_size=40)), st.integers(1, 7))
def test_text_in_any_language_and_any_cut_is_not_a_restart(lines, cut):
    data = "\n".join(lines).encode("utf-8", "ignore")
    detector = ResetDetector()
    for start in range(0, len(data), cut):
        assert not detector.feed(data[start : start + cut])


@given(st.integers(1, 300), st.binary(max_size=20))
def test_a_banner_is_found_in_any_cut(cut, before):
    data, detector = before + PANIC, ResetDetector()
    results = [detector.feed(data[start : start + cut]) for start in range(0, len(data), cut)]
    assert any(results)
    assert (detector.restarted, detector.cause) == (True, "LoadProhibited")
