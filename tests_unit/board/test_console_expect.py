"""What ``expect`` and a ready line count as printed: whole lines, whatever pieces they come in, and no boot's."""

from __future__ import annotations

import re
import threading

import pytest
from camrig.board import console as console_module
from camrig.board.console import Console
from camrig.board.expect import bytes_of_boot
from camrig.errors import BoardCrashedError, NotPrintedError

LINE = b"sample 17 temperature 21.5 \xc2\xb0C\r\n"
PATTERNS = {  # and what the whole line gives
    r"temperature ([\d.]+)": "21.5",
    r"sample (\d+)": "17",
    r"^sample (\d+) .*(?:C)$": "17",
    r"temperature (.*)$": "21.5 °C",
    r"(\d+\.\d+) °": "21.5",
    r"sample (\d*)": "17",
}
ROM = (
    b"ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"
    b"configsip: 0, SPIWP:0xee\r\nclk_drv:0x00,q_drv:0x00,d_drv:0x00,cs0_drv:0x00,hd_drv:0x00,wp_drv:0x00\r\n"
    b"mode:DIO, clock div:2\r\nload:0x3fff0030,len:4832\r\nho 0 tail 12 room 4\r\nload:0x40078000,len:16460\r\n"
    b"entry 0x400805f0\r\n"
)
BOOTS = {
    "ROM": ROM,
    "ROM behind bytes of another speed": b"\xff\x00~\x80" + ROM,
    "soft reset": b"MPY: soft reboot\r\n",
    "reset by a command": b"OK\x04\x04>OK",
    "ROM and the cause": ROM + b"camrig: reset cause pwron\r\n",
}


def fed_later(monkeypatch, console, data):
    """Feed ``data`` from another thread, as soon as ``expect`` waits for what else comes."""
    monkeypatch.setattr(console_module, "SECONDS_TO_GROW", 30.0)
    waits = threading.Event()

    def feed():
        waits.wait(30)
        console.feed(data)

    original = console._change.wait

    def wait(timeout=None):
        waits.set()
        return original(timeout)

    monkeypatch.setattr(console._change, "wait", wait)
    monkeypatch.setattr(console._change, "wait_for", lambda predicate, timeout=None: _wait_for(wait, predicate))
    threading.Thread(target=feed, daemon=True).start()


def _wait_for(wait, predicate):
    while not predicate():
        wait(30)
    return True


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_line_in_two_pieces_counts_as_the_whole_one(monkeypatch, pattern):
    for cut in range(1, len(LINE)):
        console = Console()
        console.feed(LINE[:cut])
        fed_later(monkeypatch, console, LINE[cut:])
        assert console.expect(pattern, timeout=30).group(1) == PATTERNS[pattern], LINE[:cut]


def test_what_the_whole_line_does_not_match_does_not_match_a_part(monkeypatch):
    console = Console()
    console.feed(b"temperature 21")
    fed_later(monkeypatch, console, b".5 C\r\n")
    with pytest.raises(NotPrintedError):
        console.expect(r"temperature ([\d.]+)$", timeout=0.5)


def test_a_prompt_without_a_line_break_counts_once_nothing_else_comes(monkeypatch):
    monkeypatch.setattr(console_module, "SECONDS_TO_GROW", 0.01)
    console = Console()
    console.feed(b"name: ")
    assert console.expect(r"^name: $", timeout=30)


def test_a_match_in_front_of_the_end_does_not_wait(monkeypatch):
    monkeypatch.setattr(console_module, "SECONDS_TO_GROW", 30.0)
    console = Console()
    console.feed(b"progress ...")
    assert console.expect(r"progress", timeout=30)


def test_a_time_out_ends_the_wait_for_the_rest_of_a_line(monkeypatch):
    monkeypatch.setattr(console_module, "SECONDS_TO_GROW", 30.0)
    console = Console()
    console.feed(b"name: ")
    assert console.expect(r"^name: $", timeout=0.01)


@pytest.mark.parametrize("pattern", ["", "^", "$", ".*", r"\s*", "a?", "^$", "up|", re.compile("(?:x)*")])
def test_a_pattern_that_any_output_matches_is_refused(pattern):
    console = Console()
    console.feed(b"up\r\n")
    with pytest.raises(ValueError, match="matches an empty line, and so any output"):
        console.expect(pattern, timeout=0)


@pytest.mark.parametrize("boot", BOOTS.values(), ids=list(BOOTS))
@pytest.mark.parametrize("application", [b"", b"logger ready\r\n", b"mode: night\r\nload: 3\r\n", b"entry"])
def test_what_a_boot_prints_is_not_the_applications(boot, application):
    assert (boot + application)[bytes_of_boot(boot + application) :] == application
    console = Console()
    console.feed(b"of the last boot\r\n")
    mark = console.mark()
    console.feed(boot + application)
    console.start_application(mark, lambda seconds: None)
    assert console.application_lines(mark) == application.decode().replace("\r\n", "\n").replace("entry", "")
    for pattern in ("boot", "^load:0x", "DIO", "entry 0", "OK", "ets", "last"):
        with pytest.raises(NotPrintedError):
            console.expect(pattern, timeout=0)


def test_output_of_before_a_restart_in_the_boot_does_not_count():
    console = Console()
    mark = console.mark()
    console.feed(b"logger ready\r\n" + ROM)
    assert console.application_lines(mark) == ""


def test_a_line_behind_the_end_of_the_application_does_not_count():
    console = Console(board="desk")
    console.start_application(console.mark(), lambda seconds: BoardCrashedError("main.py ended"))
    console.feed(b'MicroPython v1.24.0 on 2024-10-25; ESP32\r\nType "help()" for more information.\r\n>>> up\r\n')
    with pytest.raises(BoardCrashedError, match=r"main\.py ended"):
        console.expect("^>>> up$", timeout=30)
