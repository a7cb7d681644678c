"""The serial port: opened with its control lines released, read with deadlines, every byte overheard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import serial

from camrig.board.control_lines import BoardSerial
from camrig.board.line_profiles import DEVKIT, Profile
from camrig.deadline import Deadline
from camrig.errors import BlockedError, PortError

POLL = 0.05  # seconds that one read may block: how late a deadline is noticed at most
PATIENCE = 10.0  # seconds that a read of a given number of bytes waits when nobody set a deadline
AT_ONCE = 4096  # bytes taken in before anybody looks at them: a socket tells only that there are some


class Line:
    """An open port with a read buffer. ``heard`` is called with every chunk that arrives, as it arrives.

    Has what mpremote's transport asks of a pyserial port (read, write, inWaiting, rts, dtr, close), but a read
    waits until the deadline for all its bytes, and never longer. Raises PortError when the port goes away.
    """

    def __init__(self, port: Any, heard: Callable[[bytes], None]) -> None:
        self.port = port
        self.heard = heard
        self.buffer = bytearray()
        self.deadline: Deadline | None = None

    def fill(self) -> bool:
        """Take in what has arrived, waiting up to POLL seconds for a first byte. False when nothing came."""
        try:
            chunk = self.port.read(max(1, self.port.in_waiting))
            while chunk and len(chunk) < AT_ONCE and (more := self.port.in_waiting):
                chunk += self.port.read(more)
        except (OSError, TypeError) as error:  # TypeError: pyserial's way to say that the port was closed
            raise lost(error) from None
        if chunk:
            self.buffer += chunk
            self.heard(bytes(chunk))
        return bool(chunk)

    def read(self, size: int) -> bytes:
        """``size`` bytes, or fewer when the deadline passes first."""
        until = self.deadline or Deadline.after(PATIENCE)
        while len(self.buffer) < size and not until.passed:
            self.fill()
        return self.take(size)

    def take(self, size: int) -> bytes:
        """Up to ``size`` bytes that have arrived already."""
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def inWaiting(self) -> int:
        try:
            return len(self.buffer) + int(self.port.in_waiting)
        except OSError as error:
            raise lost(error) from None

    def write(self, data: bytes) -> int:
        try:
            return int(self.port.write(data) or 0)
        except OSError as error:
            raise lost(error) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("rts", "dtr"):
            setattr(self.port, name, value)
        else:
            super().__setattr__(name, value)

    def close(self) -> None:
        self.port.close()


def open_port(port: str, baud: int, lines: Profile = DEVKIT) -> Any:
    """An open pyserial port with DTR and RTS at the idle levels of ``lines``, locked against a second user.

    The levels are set before the port opens: asserted lines reset some ESP32-CAM carrier boards, or hold them in
    the boot loader. Ports without lines open all the same. Raises PortError.
    """
    try:
        try:
            return _opened(port, baud, lines)
        except (OSError, ValueError) as error:
            if not port.startswith("rfc2217:") or "'control'" not in str(error):
                raise
            # The server's own port has no lines to set, and it says so or keeps silent.
            return _opened(port + ("&" if "?" in port else "?") + "ign_set_control", baud, lines)
    except OSError as error:
        raise _refused(port, error) from None
    except ValueError as error:
        raise PortError(f"{port} is not a port that can be opened ({error})", hint="see --device in --help") from None


def _opened(port: str, baud: int, lines: Profile) -> Any:
    if "://" in port:
        found: Any = serial.serial_for_url(port, do_not_open=True)
    else:
        found = BoardSerial()
        found.port = port
        found.exclusive = True
    found.baudrate, found.timeout = baud, POLL
    found.dtr, found.rts = lines.dtr, lines.rts
    found.open()
    if isinstance(found, serial.Serial):  # the URL ports cannot time a write
        found.write_timeout = PATIENCE
    return found


def set_baud(port: Any, baud: int) -> None:
    """Follow the board to another speed. Raises PortError where the port cannot."""
    try:
        port.baudrate = baud
    except (OSError, ValueError, NotImplementedError) as error:
        raise PortError(f"the port cannot go at {baud} baud ({error})", hint="use a lower --hil-fast") from None


def lost(error: Exception) -> BlockedError:
    return PortError(f"the port was lost ({error})", hint="check cable and power; the board may have been unplugged")


def _refused(port: str, error: Exception) -> BlockedError:
    text = str(error).lower()
    code = getattr(error, "errno", None)
    if code == 2 or "no such file" in text or "filenotfound" in text:
        return PortError(f"there is no port {port}", hint="check cable and power, and the name of the port")
    if code in (11, 16) or "exclusively lock" in text or "busy" in text or (port[:3] == "COM" and code == 13):
        return PortError(
            f"{port} is in use by another program",
            hint="close the other terminal, mpremote or test run and try again",
        )
    if code == 13 or "permission denied" in text:
        return PortError(
            f"{port} may not be opened by this user", hint="add the user to the group that owns it, often dialout"
        )
    if code in (22, 25) or "could not configure port" in text or "inappropriate ioctl" in text:
        return PortError(f"{port} is not a serial port", hint="give the path of a board's port")
    return PortError(f"{port} cannot be opened ({error})", hint="check the address, the cable and the power")
