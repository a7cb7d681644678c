"""A temporary higher line speed: board and host change together, check it by an echo, and step down if it fails.

The board has a dead man's switch. The command that changes its speed also waits for the echo test, and goes back by
itself if none comes, so a line that does not work at the new speed costs seconds and never the board. A hard reset
always brings the board back to the speed at which it starts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import serial

from camrig.board.control_lines import is_rfc2217
from camrig.board.firmware_modules import firmware_imports
from camrig.board.port import set_baud
from camrig.board.transport import RAW_BANNER, RawReplError, Transport
from camrig.deadline import Deadline
from camrig.errors import BoardSilentError, CamrigError, PortError

STEPS = (2_000_000, 1_500_000, 921_600, 460_800, 230_400)  # tried in turn below the requested speed
PATTERN = b"\x55\xaa\x0f\xf0" + bytes(range(0x20, 0x7F))[::3] + b"UUUU\xff\x00\xff\x00"  # fits any receive buffer
AGREED = b"\x06"
SETTLE = 0.08  # seconds within which a board has changed its speed
_SECONDS_FOR_ECHO = 1.5
_SECONDS_TO_GO_BACK = 5.0  # longer than the board waits for the echo test

# Restores the speed unless the pattern arrives and its echo is confirmed. A REPL on native USB has no speed, and
# firmware that does not share UART 0 raises ValueError.
_RAISE = (
    firmware_imports("sys", "time", "select", "micropython", "machine")
    + """\
def _b(n):
    time.sleep_ms(30)
    machine.UART(0, baudrate=n)
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
)
_SUPPORTED = firmware_imports("machine") + "machine.UART\nprint(sys.platform == 'esp32')"


@contextmanager
def at_speed(transport: Transport, requested: int | None) -> Iterator[int]:
    """Run the line at ``requested`` baud, or the fastest lower speed that works; yields it. The raw REPL must be on.

    The speed is not changed if ``requested`` is None, or if port or board do not support it (a TCP socket, native
    USB, firmware that does not share UART 0). Raises BoardSilentError if the board answers at neither speed
    afterwards, or PortError.
    """
    speed = transport.baud
    if requested is not None and requested > transport.baud and _supported(transport):
        speed = _raise(transport, requested)
    try:
        yield speed
    except BaseException:
        with suppress(CamrigError, RawReplError):  # the first error is the cause
            _lower(transport, speed)
        raise
    _lower(transport, speed)


def _supported(transport: Transport) -> bool:
    port = transport.serial.port
    if not (isinstance(port, serial.Serial) or is_rfc2217(port)) or transport.lines.name == "usb-cdc":
        return False
    out, error = transport.run(_SUPPORTED, 5)
    return not error and b"True" in out


def _raise(transport: Transport, requested: int) -> int:
    """Raise the speed as far as the line allows; returns the speed reached."""
    if transport.run(_RAISE, 5)[1]:
        return transport.baud
    for speed in (requested, *(step for step in STEPS if transport.baud < step < requested)):
        if _change(transport, speed):
            return speed
    return transport.baud


def _change(transport: Transport, speed: int) -> bool:
    """Change both ends to ``speed``; False if both are back at the old speed."""
    line = transport.serial
    line.deadline = Deadline.after(_SECONDS_FOR_ECHO)
    try:
        transport.submit(f"_go({speed}, {transport.baud}, {PATTERN!r}, {AGREED!r})")
        try:
            set_baud(line.port, speed)
        except PortError:  # not supported by this port: the board goes back by itself
            return _resync(transport, transport.baud, speed)
        time.sleep(SETTLE)
        line.buffer.clear()
        line.write(PATTERN)
        line.deadline = Deadline.after(_SECONDS_FOR_ECHO)
        if line.read(len(PATTERN)) == PATTERN:
            line.write(AGREED)
            line.deadline = Deadline.after(_SECONDS_FOR_ECHO)
            if transport.read_until(1, b"\x04\x04>").endswith(b"True\r\n\x04\x04>"):
                line.buffer[:0] = b">"  # the prompt that the next command expects
                return True
        return _resync(transport, transport.baud, speed)
    except RawReplError:
        return _resync(transport, transport.baud, speed)
    finally:
        line.deadline = None


def _lower(transport: Transport, speed: int) -> None:
    line = transport.serial
    if line.port.baudrate == transport.baud:
        return  # not raised, or the board has restarted since
    try:
        line.deadline = Deadline.after(_SECONDS_FOR_ECHO)
        with suppress(RawReplError):
            transport.submit(f"_b({transport.baud})")
        _resync(transport, transport.baud, speed)
    finally:
        line.deadline = None


def _resync(transport: Transport, base: int, raised: int) -> bool:
    """Find the raw prompt at ``base``, bringing the board there if it answers at ``raised``. Always False."""
    line = transport.serial
    deadline = Deadline.after(_SECONDS_TO_GO_BACK)
    while not deadline.passed:
        set_baud(line.port, base)
        if _prompt(transport, deadline):
            return False
        with suppress(PortError):
            set_baud(line.port, raised)
            if _prompt(transport, deadline):
                with suppress(RawReplError):
                    transport.submit(f"_b({base})")
                time.sleep(SETTLE)
    set_baud(line.port, base)
    transport.in_raw_repl = False
    raise BoardSilentError(
        f"the board did not come back from {raised} to {base} baud",
        hint="reset it, and run without --hil-fast or with a lower speed",
    )


def _prompt(transport: Transport, deadline: Deadline) -> bool:
    """Whether the raw prompt answers at the present speed; it is then put back for the next command."""
    line = transport.serial
    transport.drain(0.05, most=4096)
    line.write(b"\r\x01")
    line.deadline = deadline.sooner(0.6)
    if not transport.read_until(1, RAW_BANNER + b">", timeout=0.6).endswith(RAW_BANNER + b">"):
        return False
    line.buffer[:0] = b">"
    return True
