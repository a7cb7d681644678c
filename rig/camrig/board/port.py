"""The serial port: opened with its control lines idle, read with deadlines, every byte passed to a listener."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import serial

from camrig.board.control_lines import BoardSerial
from camrig.board.line_profiles import DEVKIT, LineProfile
from camrig.deadline import Deadline
from camrig.errors import BlockedError, CamrigError, PortError

POLL = 0.05  # seconds that one read may block, so a deadline is noticed at most that late
DEFAULT_TIMEOUT = 10.0  # seconds, for a read without a deadline and for a write
CHUNK = 4096  # bytes read before the listener gets them; a socket reports only that there are some


class Line:
    """An open port with a read buffer. ``listener`` is called with every chunk as it arrives.

    It has what mpremote's transport uses of a pyserial port (read, write, inWaiting, rts, dtr, close), but a read
    waits until the deadline for all its bytes, and never longer. Raises what ``explain`` makes of the PortError when
    the port is lost.
    """

    def __init__(
        self,
        port: Any,
        listener: Callable[[bytes], None],
        explain: Callable[[CamrigError], CamrigError] = lambda error: error,
    ) -> None:
        self.port = port
        self.listener = listener
        self.explain = explain
        self.buffer = bytearray()
        self.deadline: Deadline | None = None

    def fill(self) -> bool:
        """Read what has arrived, waiting up to POLL seconds for a first byte. False if nothing came."""
        try:
            chunk = self.port.read(max(1, self.port.in_waiting))
            while chunk and len(chunk) < CHUNK and (waiting := self.port.in_waiting):
                chunk += self.port.read(waiting)
        except (OSError, TypeError) as error:  # TypeError: raised by pyserial when the port was closed
            raise self.explain(lost_port(error)) from None
        if chunk:
            self.buffer += chunk
            self.listener(bytes(chunk))
        return bool(chunk)

    def cancel_read(self) -> None:
        """End a ``fill`` of another thread that waits for a first byte, where the port can do that."""
        if cancel := getattr(self.port, "cancel_read", None):
            with suppress(OSError, ValueError):
                cancel()

    def read(self, size: int) -> bytes:
        """``size`` bytes, or fewer if the deadline passes first."""
        deadline = self.deadline or Deadline.after(DEFAULT_TIMEOUT)
        while len(self.buffer) < size and not deadline.passed:
            self.fill()
        return self.take(size)

    def take(self, size: int) -> bytes:
        """Up to ``size`` bytes that are in the buffer already."""
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def inWaiting(self) -> int:
        try:
            return len(self.buffer) + int(self.port.in_waiting)
        except OSError as error:
            raise self.explain(lost_port(error)) from None

    def write(self, data: bytes) -> int:
        try:
            return int(self.port.write(data) or 0)
        except OSError as error:
            raise self.explain(lost_port(error)) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("rts", "dtr"):
            setattr(self.port, name, value)
        else:
            super().__setattr__(name, value)

    def close(self) -> None:
        self.port.close()


def open_port(port: str, baud: int, lines: LineProfile = DEVKIT) -> Any:
    """An open pyserial port with DTR and RTS at the idle levels of ``lines``, locked against other programs.

    The levels are set before the port opens: asserted lines reset some ESP32-CAM carrier boards, or hold them in
    the boot loader. Ports without control lines open too. Raises PortError.
    """
    try:
        try:
            return _opened(port, baud, lines)
        except (OSError, ValueError) as error:
            if not port.startswith("rfc2217:") or "'control'" not in str(error):
                raise
            # The server's port has no control lines, and the server refuses to set them or does not answer.
            return _opened(port + ("&" if "?" in port else "?") + "ign_set_control", baud, lines)
    except OSError as error:
        raise _refused(port, error) from None
    except ValueError as error:
        raise PortError(f"{port} cannot be opened ({error})", hint="see --device in --help") from None


def _opened(port: str, baud: int, lines: LineProfile) -> Any:
    if "://" in port:
        serial_port: Any = serial.serial_for_url(port, do_not_open=True)
    else:
        serial_port = BoardSerial()
        serial_port.port = port
        serial_port.exclusive = True
    serial_port.baudrate, serial_port.timeout = baud, POLL
    serial_port.dtr, serial_port.rts = lines.dtr, lines.rts
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of pyserial itself, where a network port opens
        serial_port.open()
    if isinstance(serial_port, serial.Serial):  # URL ports have no time-out for writes
        serial_port.write_timeout = DEFAULT_TIMEOUT
    return serial_port


def set_baud(port: Any, baud: int) -> None:
    """Change the speed of the open port. Raises PortError if the port does not support it."""
    try:
        port.baudrate = baud
    except (OSError, ValueError, NotImplementedError) as error:
        raise PortError(f"the port does not support {baud} baud ({error})", hint="use a lower --hil-fast") from None


def lost_port(error: Exception) -> PortError:
    """The error for a port that failed after it was opened."""
    return PortError(
        f"the port was lost ({error})",
        hint="check cable and power; the board may have been unplugged",
    )


def _refused(port: str, error: Exception) -> BlockedError:
    text = str(error).lower()
    code = getattr(error, "errno", None)
    if code == 2 or "no such file" in text or "filenotfound" in text:
        return PortError(f"there is no port {port}", hint="check cable and power, and the name of the port")
    if code in (11, 16) or "exclusively lock" in text or "busy" in text or (port[:3] == "COM" and code == 13):
        return PortError(
            f"{port} is in use by another program",
            hint="close the terminal, mpremote or other program that has it open, and try again",
        )
    if code == 13 or "permission denied" in text:
        return PortError(
            f"{port} may not be opened by this user", hint="add the user to the group that owns it, often dialout"
        )
    if code in (22, 25) or "could not configure port" in text or "inappropriate ioctl" in text:
        return PortError(f"{port} is not a serial port", hint="name the port of a board")
    return PortError(f"{port} cannot be opened ({error})", hint="check the address, the cable and the power")
