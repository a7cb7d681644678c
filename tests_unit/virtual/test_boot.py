"""boot.py, main.py, resets and Ctrl-C behave as on an ESP32."""

from __future__ import annotations

import pytest

BANNER = b'camrig virtual board with ESP32\r\nType "help()" for more information.\r\n>>> '
HELLO = "print('boot runs'); ready = 1\n"
MAIN = "print('main runs', ready)\n"


def test_hard_reset_runs_both_scripts_then_the_repl(line):
    line.put("boot.py", HELLO)
    line.put("main.py", MAIN)
    line.hard_reset()
    assert line.until(BANNER).startswith(b"boot runs\r\nmain runs 1\r\nMicroPython ")


def test_soft_reset_from_the_friendly_repl_runs_both_scripts(line):
    line.put("boot.py", HELLO)
    line.put("main.py", MAIN)
    line.raw().exit_raw_repl()
    line.until(b">>> ")
    line.type(b"\x04")
    assert line.until(BANNER).startswith(b"\r\nMPY: soft reboot\r\nboot runs\r\nmain runs 1\r\n")


def test_soft_reset_from_the_raw_repl_runs_boot_only(line):
    line.put("boot.py", HELLO)
    line.put("main.py", MAIN)
    line.raw()
    line.type(b"\x04")
    line.until(b"OK\r\nMPY: soft reboot\r\n")
    assert line.until(b">") == b"boot runs\r\nraw REPL; CTRL-B to exit\r\n>"
    line.type(b"\x04")
    line.until(b"CTRL-B to exit\r\n>")
    assert b">>>" not in line.raw().exec("print(1)")


def test_main_that_raises_leaves_a_traceback_and_the_repl(line):
    line.put("main.py", "def f():\n    1/0\nf()\n")
    line.hard_reset()
    assert line.until(BANNER).startswith(
        b'Traceback (most recent call last):\r\n  File "main.py", line 3, in <module>\r\n'
        b'  File "main.py", line 2, in f\r\nZeroDivisionError: divide by zero\r\n'
    )


def test_boot_that_raises_keeps_main_from_running(line):
    line.put("boot.py", "raise ValueError('broken')\n")
    line.put("main.py", MAIN)
    line.hard_reset()
    shown = line.until(BANNER)
    assert b"ValueError: broken" in shown
    assert b"main runs" not in shown


def test_a_script_that_does_not_compile_prints_the_line(line):
    line.put("main.py", "x = 1\nx ==== 2\n")
    line.hard_reset()
    assert b'File "main.py", line 2\r\nSyntaxError' in line.until(BANNER)


def test_globals_are_those_of_a_fresh_board(line):
    assert set(line.run("print(' '.join(dir()))").split()) <= {"__name__", "__file__", "gc", "vfs", "bdev"}


def test_globals_of_main_stay_in_the_repl(line):
    line.put("main.py", "left = 'here'\n")
    line.hard_reset()
    line.until(BANNER)
    line.type(b"left\r")
    line.until(b"'here'\r\n>>> ")


@pytest.mark.parametrize(
    "main",
    [
        "print('spin')\nwhile True: pass\n",
        "import time\nprint('spin')\nwhile True: time.sleep(100)\n",
        "import asyncio\nasync def f():\n    print('spin')\n    await asyncio.sleep(100)\nasyncio.run(f())\n",
        "import sys\nprint('spin')\nsys.stdin.read(1)\n",
        "print('spin')\nwhile True: print('x' * 100)\n",
    ],
    ids=["busy", "sleeping", "asyncio", "reading", "printing"],
)
def test_ctrl_c_interrupts_main(line, main):
    line.put("main.py", main)
    line.hard_reset()
    line.until(b"spin\r\n")
    line.type(b"\x03")
    assert b"KeyboardInterrupt: \r\n" in line.until(BANNER)
    assert line.run("print(6*7)") == "42"


def test_ctrl_c_interrupts_boot_after_a_soft_reset_from_the_raw_repl(line):
    line.put("boot.py", "print('spin')\nwhile True: pass\n")
    line.type(b"\x04")
    line.until(b"spin\r\n")
    line.type(b"\x03")
    assert b"KeyboardInterrupt" in line.until(b"raw REPL; CTRL-B to exit\r\n")
    line.transport.fs_rmfile("boot.py")


def test_ctrl_c_sent_right_after_code_interrupts_it(line):
    raw = line.raw()
    for _ in range(10):
        raw.exec_raw_no_follow("while True: pass")
        line.type(b"\x03")
        assert b"KeyboardInterrupt" in raw.follow(10)[1]


def test_many_ctrl_c_interrupt_only_the_running_code(line):
    raw = line.raw()
    raw.exec("kept = 1")
    raw.exec_raw_no_follow("while True: pass")
    line.type(b"\x03" * 20)
    assert b"KeyboardInterrupt" in raw.follow(10)[1]
    line.type(b"\x03\x03")
    assert raw.exec("print(kept)") == b"1\r\n"


def test_ctrl_c_is_data_after_kbd_intr_minus_one(line):
    raw = line.raw()
    raw.exec_raw_no_follow(
        "import micropython, sys\nmicropython.kbd_intr(-1)\nprint('ready')\n"
        "print(sys.stdin.buffer.read(3))\nmicropython.kbd_intr(3)"
    )
    line.until(b"ready\r\n")
    line.type(b"a\x03b")
    assert raw.follow(10) == (b"b'a\\x03b'\r\n", b"")


def test_reset_cause_tells_hard_soft_and_power_on_resets_apart(line, board):
    line.put("boot.py", "import machine\nprint('cause', machine.reset_cause())\n")
    line.hard_reset()
    line.until(b"cause 2\r\n")
    line.until(BANNER)
    line.type(b"\x04")
    line.until(b"cause 5\r\n")
    line.until(BANNER)
    board.power_cycle()
    shown = line.until(b"cause 1\r\n")
    assert b"ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n" in shown


@pytest.mark.parametrize("code", ["import machine; machine.soft_reset()", "import sys; sys.exit(3)"])
def test_system_exit_is_a_soft_reset(line, code):
    raw = line.raw()
    raw.exec_raw_no_follow(code)
    line.until(b"MPY: soft reboot\r\n")
    line.until(b"raw REPL; CTRL-B to exit\r\n>")


def test_system_exit_in_main_is_a_soft_reset(line):
    line.put("main.py", "import machine, time\nprint('again')\ntime.sleep_ms(100)\nmachine.soft_reset()\n")
    line.hard_reset()
    for _ in range(3):
        line.until(b"again\r\nMPY: soft reboot\r\n")
    assert line.run("print('raw')") == "raw"


def test_a_watchdog_that_is_not_fed_resets(line):
    line.put("boot.py", "import machine\nprint('cause', machine.reset_cause())\n")
    line.raw().exec_raw_no_follow("import machine\nw = machine.WDT(timeout=200)\nw.feed()\nwhile True: pass")
    shown = line.until(b"cause 3\r\n")
    assert b"Task watchdog got triggered" in shown
    assert b"rst:0xc" in shown


def test_a_crash_of_the_interpreter_is_a_panic(line):
    line.put("boot.py", "import machine\nprint('cause', machine.reset_cause())\n")
    line.raw().exec_raw_no_follow("import machine\nmachine.mem32[0]")
    shown = line.until(b"cause 2\r\n")
    assert b"Guru Meditation Error" in shown
    assert b"Rebooting..." in shown


def test_one_connection_survives_sixty_resets(line):
    for _ in range(30):
        assert line.raw().eval("6*7") == 42
    for _ in range(30):
        line.hard_reset()
        line.until(BANNER)
    assert line.raw().eval("6*7") == 42


def test_keys_typed_during_a_reset_do_not_block_it(line, board):
    for _ in range(5):
        line.type(b"\r\x03\x03")
        board.power_cycle()
        line.type(b"\r\x03\x03\r\x01\r\x03")
        assert line.raw().eval("1") == 1
