"""Beside an error the console is shown since the last boot, without the rig's own traffic and the ROM's lines."""

from __future__ import annotations

import pytest
from camrig.board.console import Console

ROM = """ets Jul 29 2019 12:21:46\r

rst:0x{} ({}),boot:0x13 (SPI_FAST_FLASH_BOOT)\r
configsip: 0, SPIWP:0xee\r
clk_drv:0x00,q_drv:0x00,d_drv:0x00,cs0_drv:0x00,hd_drv:0x00,wp_drv:0x00\r
mode:DIO, clock div:2\r
load:0x3fff0030,len:4728\r
ho 0 tail 12 room 4\r
entry 0x400805b4\r
I (29) boot: ESP-IDF v5.2.2 2nd stage bootloader\r
"""
SOFTWARE, PANIC = ROM.format("c", "SW_CPU_RESET"), "Guru Meditation Error: Core  1 panic'ed (LoadProhibited).\r\n"
RAW = "raw REPL; CTRL-B to exit\r\n>OK9b9bbab6\r\n\x04\x04>OKMPY: soft reboot\r\nraw REPL; CTRL-B to exit\r\n>"
TEXT = "camrig: reset cause hard\r\nHello > world\r\n>>> not a prompt of ours? no: it is\r\n"


@pytest.mark.parametrize(("text", "lines"), [
    ("old\r\n" + SOFTWARE + "new\r\n", ["new"]),
    (RAW + SOFTWARE + "new\r\n", ["new"]),
    (SOFTWARE + "new\r\n" + RAW, []),  # a soft reboot is a boot
    (SOFTWARE + "new\r\nraw REPL; CTRL-B to exit\r\n>OK9b9bbab6\r\n\x04\x04>", ["new"]),
    (">OKTraceback (most recent call last):\r\n", ["OKTraceback (most recent call last):"]),
    ("OK\x04Traceback (most recent call last):\r\n", ["Traceback (most recent call last):"]),
    (SOFTWARE + "one\r\n" + SOFTWARE + "two\r\n", ["rst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", "two"]),
    (SOFTWARE + "one\r\n" + PANIC + SOFTWARE + "two\r\n",
     [PANIC.strip(), "rst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", "two"]),
    ("loaded 3 files\r\nentry of a day\r\nI (9) wifi: up\r\n",
     ["loaded 3 files", "entry of a day", "I (9) wifi: up"]),
    ("a > b\r\n10 OK\r\nOK: done\r\n", ["a > b", "10 OK", "OK: done"]),
])  # fmt: skip
def test_lines_that_matter(text, lines):
    console = Console()
    console.feed(text.encode())
    assert console.excerpt(20).split("\n") == (lines or [""])


def test_the_last_lines_are_kept_and_secrets_hidden():
    console = Console(["top secret"])
    console.feed(b"one\r\ntwo\r\nwith top secret\r\n")
    mark = console.mark()
    assert console.excerpt(2) == "two\nwith ***"
    assert console.excerpt(2, since=mark) == ""
