"""A chip that crashes, hangs, waits in its boot loader or loses power, seen by a client on the serial port."""

from __future__ import annotations

import re

import pytest
from camrig.errors import SettingsError
from camrig.virtual.board import VirtualConfig
from mpremote.transport import TransportError

BANNER = b'camrig virtual board with ESP32\r\nType "help()" for more information.\r\n>>> '
CAUSE = "import machine\nprint('cause', machine.reset_cause())\n"
SERVE = "import socket\ns = socket.socket()\ns.bind(('', 8080))\ns.listen(1)\nprint('listens')\ns.accept()\n"
PANIC = (
    rb"\r\nGuru Meditation Error: Core  1 panic'ed \(LoadProhibited\)\. Exception was unhandled\.\r\n\r\n"
    rb"Core  1 register dump:\r\nPC      : 0x400e14ee  PS .*EXCCAUSE: 0x0000001c  \r\nEXCVADDR: .*"
    rb"\r\n\r\n\r\nBacktrace: (0x[0-9a-f]{8}:0x[0-9a-f]{8} ?)+\r\n"
    rb".*ELF file SHA256: [0-9a-f]{16}\r\n\r\nRebooting\.\.\.\r\n"
    rb"ets Jul 29 2019 12:21:46\r\n\r\nrst:0xc \(SW_CPU_RESET\),boot:0x13 \(SPI_FAST_FLASH_BOOT\)\r\n"
)


@pytest.mark.parametrize(
    ("fault", "says", "cause"),
    [
        ("guru", PANIC, 2),
        ("reset", rb"ets Jul 29 2019 12:21:46\r\n\r\nrst:0xc \(SW_CPU_RESET\)", 2),
        ("brownout", rb"Brownout detector was triggered\r\n\r\nets .*rst:0xf \(RTCWDT_BROWN_OUT_RESET\)", 1),
        (
            "task-wdt",
            rb"E \(\d+\) task_wdt: Task watchdog got triggered\..* - mp_task \(CPU 1\).*Backtrace: 0x"
            rb".*Rebooting\.\.\..*rst:0xc \(SW_CPU_RESET\)",
            3,
        ),
        (
            "int-wdt",
            rb"Core  0 panic'ed \(Interrupt wdt timeout on CPU0\)\. \r\n.*Core  0 register dump"
            rb".*Core  1 register dump.*Rebooting\.\.\..*rst:0x8 \(TG1WDT_SYS_RESET\)",
            3,
        ),
    ],
)
def test_a_crash_prints_its_reason_and_restarts_with_its_cause(line, board, fault, says, cause):
    line.put("boot.py", CAUSE)
    line.raw().exec_raw_no_follow("print('busy')\nwhile True: pass")
    line.until(b"busy\r\n")
    board.fault(f"{fault}@now")
    shown = line.until(BANNER)
    assert re.search(says, shown, re.DOTALL), shown
    assert b"cause %d\r\n" % cause in shown
    assert board.struck()[-1].fault == f"{fault}@now"
    assert line.run("print(6*7)") == "42"


def test_a_fault_can_wait_for_the_second_program(line, board):
    board.fault("reset@exec*2")
    raw = line.raw()
    assert raw.exec("print(1)") == b"1\r\n"
    raw.use_raw_paste = False  # mpremote then looks at two bytes instead of waiting ten seconds
    with pytest.raises(TransportError, match="could not exec command"):
        raw.exec_raw_no_follow("open('late', 'w').close()\nprint(2)")
    assert b"rst:0xc (SW_CPU_RESET)" in line.until(BANNER)
    assert line.run("import os; print('late' in os.listdir())") == "False"


def test_a_fault_can_strike_in_the_middle_of_a_program(line, board):
    board.fault("reset@exec+0.2")
    line.raw().exec_raw_no_follow("print('begun')\nwhile True: pass")
    assert b"begun\r\nets Jul" in line.until(BANNER)


def test_a_crash_at_ready_comes_before_the_next_line_of_code(line, board):
    line.put("main.py", SERVE)
    board.fault("guru")
    line.hard_reset()
    shown = line.until(b"listens\r\n")
    assert shown.count(b"Guru Meditation") == 1  # once: the second start is whole
    assert line.run("print(1)") == "1"


def test_a_boot_loop_lasts_until_it_is_cleared(line, board):
    board.fault("brownout@boot*all")
    board.power_cycle()
    for _ in range(3):
        line.until(b"Brownout detector was triggered\r\n")
    board.clear("brownout")
    line.until(BANNER)
    assert line.run("print(1)") == "1"


@pytest.mark.parametrize(("fault", "says"), [("silent", b""), ("boot-loader", b"DOWNLOAD_BOOT")])
def test_a_standstill_lasts_until_a_power_cycle(line, board, fault, says):
    line.put("main.py", "print('main runs')\n")
    line.listen()
    board.fault(fault)
    line.type(b"\x03\x03\r\x01\x04" * 10)
    received = line.listen()
    assert says in received
    assert (b"waiting for download\r\n" in received) is bool(says)
    assert b"Micro" not in received + b"raw"
    board.power_cycle()
    assert b"main runs" in line.until(BANNER)


@pytest.mark.parametrize("fault", ["silent", "boot-loader"])
def test_a_board_started_at_a_standstill_runs_nothing(faulty, connect, fault):
    board = faulty(fault)
    line = connect(board)
    line.type(b"\r\x03\r")
    received = line.listen()
    assert b"MicroPython" not in received
    assert b"rst:0x1 (POWERON_RESET),boot:0x13" not in received
    board.clear()
    line.until(BANNER)


def test_ctrl_c_is_ignored_until_a_hard_reset(line, board):
    line.raw().exec_raw_no_follow("import time\nprint('busy')\nwhile True: time.sleep_ms(10)")
    line.until(b"busy\r\n")
    board.fault("ignore-ctrl-c@now")
    line.type(b"\x03\x03\r\x03")
    assert b"KeyboardInterrupt" not in line.listen()
    board.power_cycle()
    line.until(BANNER)
    line.type(b"while True: pass\r\r\r")
    line.type(b"\x03")
    assert b"KeyboardInterrupt" in line.until(b"\r\n>>> ")


def test_a_typo_is_refused_before_a_board_is_started(board):
    with pytest.raises(SettingsError, match="garble"):
        VirtualConfig(faults=("grable",))
    with pytest.raises(SettingsError, match="garble"):
        board.fault("grable")
    with pytest.raises(SettingsError, match="Similar: guru"):
        board.clear("guri")


def test_clear_removes_a_pending_fault(line, board):
    board.fault("guru@exec")
    board.clear()
    assert line.raw().exec("print(1)") == b"1\r\n"
