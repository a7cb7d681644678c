"""mpremote's transport, held open by a rig: quick reads, deadlines, and no terminal output of its own.

The raw REPL protocol is mpremote's. What is different here: reads wait for bytes instead of sleeping 10 ms,
every wait ends at a deadline, and a board that restarts in the middle of a command is noticed by its banner
instead of by ten seconds of silence.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from rig.board.port import Line, open_port
from rig.deadline import Deadline
from rig.errors import BoardReset, BoardSilent

RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n"

# What an ESP32 says when it restarts or dies: ROM banner, panic handler, brownout detector.
RESTART = re.compile(rb"rst:0x[0-9a-f]+|Guru Meditation Error|Rebooting\.\.\.|Brownout detector was triggered")


class Wire(SerialTransport):
    """One open serial line to a board. ``heard`` is called with everything that the board sends."""

    serial: Line

    def __init__(self, port: str, baud: int, heard: Callable[[bytes], None] = lambda data: None) -> None:
        self.in_raw_repl = False
        self.use_raw_paste = True
        self.device_name = port
        self.mounted = False
        self.is_pty = False
        self.serial = Line(open_port(port, baud), heard)
        self._running = False  # a command's bytes are on the line: a restart among them is an accident

    def read_until(
        self,
        min_num_bytes: int,
        ending: bytes,
        timeout: float | None = 10,
        data_consumer: Callable[[bytes], None] | None = None,
        timeout_overall: float | None = None,
    ) -> bytes:
        """Bytes up to and with ``ending``; fewer after ``timeout`` seconds of silence or at the deadline.

        Raises BoardReset when the board restarts while it runs a command.
        """
        line = self.serial
        until = line.deadline or Deadline.after(timeout_overall or 3600)
        quiet = Deadline.after(timeout or 3600)
        seen = 0
        while (at := line.buffer.find(ending, max(0, seen - len(ending)))) < 0:
            if self._running and RESTART.search(line.buffer, max(0, seen - 80)):
                raise self._restarted()
            seen = len(line.buffer)
            if quiet.passed or until.passed:
                return line.take(seen)
            if line.fill():
                quiet = Deadline.after(quiet.seconds)
        return line.take(at + len(ending))

    def run(self, code: str, seconds: float) -> tuple[bytes, bytes]:
        """What ``code`` prints on the board, and its traceback if it raises. The raw REPL must be on.

        Raises BoardReset, BoardSilent (unfinished after ``seconds``) or PortError.
        """
        line = self.serial
        line.deadline = Deadline.after(seconds)
        self._running = True
        try:
            self.exec_raw_no_follow(code)
            out, err = self.follow(timeout=seconds)
            return bytes(out), bytes(err)
        except (TransportError, struct.error) as error:
            self.in_raw_repl = False
            line.deadline = Deadline.after(1.5)
            if RESTART.search(self.drain(0.5)):
                raise self._restarted() from None
            raise BoardSilent(
                f"the board did not finish a command within {seconds:g} s ({error})",
                next="reset the board and try again",
            ) from None
        finally:
            line.deadline = None
            self._running = False

    def _restarted(self) -> BoardReset:
        self.in_raw_repl = False
        return BoardReset(
            "the board restarted in the middle of a command",
            next="check its power supply; the console shows the reset's cause",
        )

    def drain(self, quiet: float, most: int = 65536) -> bytes:
        """Everything that arrives until the line has been quiet for ``quiet`` seconds or ``most`` bytes came."""
        line = self.serial
        silence = Deadline.after(quiet)
        while not silence.passed and len(line.buffer) < most:
            if line.fill():
                silence = Deadline.after(quiet)
        return line.take(len(line.buffer))

    def close(self) -> None:
        """Release the port, also when the board behind it is gone."""
        try:
            super().close()
        except OSError:
            self.serial.close()
