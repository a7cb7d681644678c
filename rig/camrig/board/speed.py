"""A faster line for a while: board and host change speed together, prove it by an echo, step down when it garbles.

The board carries a dead man's switch. The one command that changes its speed also waits for the proof, and goes back
by itself when none comes, so a line that carries nothing at the new speed costs seconds and never the board. Only a
hard reset is needed to be back at the speed that boards start with.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import serial
from mpremote.transport import TransportError
from serial import rfc2217

from camrig.board.port import set_baud
from camrig.board.transport import RAW_BANNER, Wire
from camrig.deadline import Deadline
from camrig.errors import BoardSilentError, CamrigError, PortError

STEPS = (2_000_000, 1_500_000, 921_600, 460_800, 230_400)  # tried below the wanted speed, as far as it is exceeded
PATTERN = b"\x55\xaa\x0f\xf0" + bytes(range(0x20, 0x7F))[::3] + b"UUUU\xff\x00\xff\x00"  # short of any receive buffer
AGREED = b"\x06"
SETTLE = 0.08  # seconds until a board has surely changed its speed
_SECONDS_FOR_ECHO = 1.5
_SECONDS_TO_GO_BACK = 5.0  # the board's own patience, and some

# Leaves the speed as it was unless the pattern arrives, and unless its echo is confirmed. A REPL on native USB has
# no speed, and a firmware that keeps UART 0 to itself raises ValueError.
_RAISE = """
import sys, time, select, micropython
from machine import UART
def _b(n):
    time.sleep_ms(30)
    UART(0, baudrate=n)
def _r(n, ms):
    p = select.poll()
    p.register(sys.stdin, select.POLLIN)
    t = time.ticks_ms()
    d = b''
    while len(d) < n and time.ticks_diff(time.ticks_ms(), t) < ms:
        if p.poll(20):
            d += sys.stdin.buffer.read(1)
    return d
def _go(fast, base, want, yes):
    micropython.kbd_intr(-1)
    ok = False
    try:
        _b(fast)
        if _r(len(want), 2500) == want:
            sys.stdout.buffer.write(want)
            ok = _r(1, 1000) == yes
    finally:
        if not ok:
            _b(base)
        micropython.kbd_intr(3)
    print(ok)
"""
_CAN = "import sys\nfrom machine import UART\nprint(sys.platform == 'esp32')"


@contextmanager
def at_speed(wire: Wire, wanted: int | None) -> Iterator[int]:
    """The line at ``wanted`` baud, or at the fastest below it that carries; gives the speed. The raw REPL must be on.

    Where a speed means nothing or cannot be changed (None wanted, a TCP socket, a board without the means), nothing
    is done. Raises BoardSilentError when the board cannot be found again at either speed, or PortError.
    """
    reached = _raise(wire, wanted) if wanted and wanted > wire.baud and _can(wire) else wire.baud
    try:
        yield reached
    except BaseException:
        with suppress(CamrigError, TransportError):  # the first cause is worth more
            _lower(wire, reached)
        raise
    _lower(wire, reached)


def _can(wire: Wire) -> bool:
    if not isinstance(wire.serial.port, (serial.Serial, rfc2217.Serial)) or wire.lines.name == "usb-cdc":
        return False
    out, error = wire.run(_CAN, 5)
    return not error and b"True" in out


def _raise(wire: Wire, wanted: int) -> int:
    if wire.run(_RAISE, 5)[1]:
        return wire.baud
    for speed in (wanted, *(step for step in STEPS if wire.baud < step < wanted)):
        if _agree(wire, speed):
            return speed
    return wire.baud


def _agree(wire: Wire, speed: int) -> bool:
    """One try at ``speed``; False when both ends are back where they were."""
    line = wire.serial
    line.deadline = Deadline.after(_SECONDS_FOR_ECHO)
    try:
        wire.exec_raw_no_follow(f"_go({speed}, {wire.baud}, {PATTERN!r}, {AGREED!r})")
        try:
            set_baud(line.port, speed)
        except PortError:  # no such speed on this side: let the board find that out
            return _resync(wire, wire.baud, speed)
        time.sleep(SETTLE)
        line.buffer.clear()
        line.write(PATTERN)
        line.deadline = Deadline.after(_SECONDS_FOR_ECHO)
        if line.read(len(PATTERN)) == PATTERN:
            line.write(AGREED)
            line.deadline = Deadline.after(_SECONDS_FOR_ECHO)
            if wire.read_until(1, b"\x04\x04>").endswith(b"True\r\n\x04\x04>"):
                line.buffer[:0] = b">"  # the prompt that the next command looks for
                return True
        return _resync(wire, wire.baud, speed)
    except TransportError:
        return _resync(wire, wire.baud, speed)
    finally:
        line.deadline = None


def _lower(wire: Wire, reached: int) -> None:
    line = wire.serial
    if line.port.baudrate == wire.baud:
        return  # never raised, or the board has restarted since
    try:
        line.deadline = Deadline.after(_SECONDS_FOR_ECHO)
        with suppress(TransportError):
            wire.exec_raw_no_follow(f"_b({wire.baud})")
        _resync(wire, wire.baud, reached)
    finally:
        line.deadline = None


def _resync(wire: Wire, base: int, other: int) -> bool:
    """Find the raw prompt at ``base``, and bring the board there when it answers at ``other``. Always False."""
    line = wire.serial
    until = Deadline.after(_SECONDS_TO_GO_BACK)
    while not until.passed:
        set_baud(line.port, base)
        if _prompt(wire, until):
            return False
        with suppress(PortError):
            set_baud(line.port, other)
            if _prompt(wire, until):
                with suppress(TransportError):
                    wire.exec_raw_no_follow(f"_b({base})")
                time.sleep(SETTLE)
    set_baud(line.port, base)
    wire.in_raw_repl = False
    raise BoardSilentError(
        f"the board did not come back from {other} to {base} baud",
        hint="reset it, and run without --hil-fast or with a lower one",
    )


def _prompt(wire: Wire, until: Deadline) -> Any:
    """Whether the raw prompt answers at the present speed; it is then the next thing to be read."""
    line = wire.serial
    wire.drain(0.05, most=4096)
    line.write(b"\r\x01")
    line.deadline = until.sooner(0.6)
    if not wire.read_until(1, RAW_BANNER + b">", timeout=0.6).endswith(RAW_BANNER + b">"):
        return False
    line.buffer[:0] = b">"
    return True
