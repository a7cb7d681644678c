"""mpremote's serial transport, adapted to a rig that keeps it open: quick reads, deadlines, no terminal output.

The raw REPL protocol is mpremote's. The differences: reads wait for bytes instead of sleeping 10 ms, every wait ends
at a deadline, and a board that restarts during a command is recognised by its output, not by ten seconds of silence.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from camrig.board import control_lines
from camrig.board.line_profiles import DEVKIT, LineProfile
from camrig.board.port import Line, open_port, set_baud
from camrig.board.reset_detector import ResetDetector
from camrig.deadline import Deadline
from camrig.errors import BoardResetError, BoardSilentError

RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n"
SECONDS_FOR_CAUSE = 0.6  # how long to wait for the cause of a restart before it is reported


class _RestartError(Exception):
    """Ends the read that is under way."""


class Transport(SerialTransport):
    """One open serial line to a board. ``listener`` is called with everything that the board sends.

    ``lines`` is the wiring of DTR and RTS, ``baud`` the speed at which the board starts.
    """

    serial: Line

    def __init__(
        self,
        port: str,
        baud: int,
        listener: Callable[[bytes], None] = lambda data: None,
        lines: LineProfile = DEVKIT,
    ) -> None:
        self.in_raw_repl = False
        self.use_raw_paste = True
        self.device_name = port
        self.mounted = False
        self.is_pty = False
        self.baud = baud
        self.lines = lines
        self._listener = listener
        self._detector: ResetDetector | None = None  # set while a command runs, when no restart is expected
        self.serial = Line(open_port(port, baud, lines), self._receive)

    def _receive(self, data: bytes) -> None:
        self._listener(data)
        if self._detector is not None and self._detector.feed(data):
            raise _RestartError

    def read_until(
        self,
        min_num_bytes: int,
        ending: bytes,
        timeout: float | None = 10,
        data_consumer: Callable[[bytes], None] | None = None,
        timeout_overall: float | None = None,
    ) -> bytes:
        """Bytes up to and including ``ending``; fewer after ``timeout`` seconds of silence or at the deadline."""
        line = self.serial
        deadline = line.deadline or Deadline.after(timeout_overall or 3600)
        silence = Deadline.after(timeout or 3600)
        searched = 0
        while (index := line.buffer.find(ending, max(0, searched - len(ending)))) < 0:
            searched = len(line.buffer)
            if silence.passed or deadline.passed:
                return line.take(searched)
            if line.fill():
                silence = Deadline.after(silence.seconds)
        return line.take(index + len(ending))

    def run(self, code: str | bytes, seconds: float) -> tuple[bytes, bytes]:
        """The output of ``code`` on the board, and its traceback if it raises. The raw REPL must be on.

        The output must be text: a run of other bytes counts as a board that restarted at another speed.
        Raises BoardResetError, BoardSilentError (unfinished after ``seconds``) or PortError.
        """
        line = self.serial
        line.deadline = Deadline.after(seconds)
        self._detector = detector = ResetDetector()
        try:
            if line.buffer and detector.feed(bytes(line.buffer)):  # it restarted after the last command
                raise _RestartError
            self.exec_raw_no_follow(code)
            out, err = self.follow(timeout=seconds)
            return bytes(out), bytes(err)
        except _RestartError:
            self._read_restart(detector)
            raise self._reset_error(detector) from None
        except (TransportError, struct.error) as error:
            # Bytes came that are not an answer; they may be the first output of a restarting board.
            if self._read_restart(detector) or detector.noise:
                raise self._reset_error(detector) from None
            self.in_raw_repl = False
            raise BoardSilentError(
                f"the board did not finish a command within {seconds:g} s ({_plain(error)})",
                hint="reset the board and try again",
            ) from None
        finally:
            line.deadline = None
            self._detector = None

    def _read_restart(self, detector: ResetDetector) -> bool:
        """Read what a board prints that may have restarted, at the speed at which it starts; true if it has."""
        self._detector = None
        self.follow_board(self.baud)
        deadline = Deadline.after(SECONDS_FOR_CAUSE)
        line = self.serial
        while not deadline.passed and not (detector.restarted and detector.cause):
            start = len(line.buffer)
            if line.fill():
                detector.feed(bytes(line.buffer[start:]))
        line.buffer.clear()
        return detector.restarted

    def _reset_error(self, detector: ResetDetector) -> BoardResetError:
        self.in_raw_repl = False
        cause = f" ({detector.cause})" if detector.cause else ""
        if not detector.restarted:
            return BoardResetError(
                "the line turned to noise in the middle of a command: the board restarted at another speed, or the "
                "line corrupts data",
                hint="run again; if it happens again, check cable and power, or lower --hil-baud",
            )
        return BoardResetError(
            f"the board restarted in the middle of a command{cause}",
            hint="check its power supply; the console shows the cause of the reset",
        )

    def follow_board(self, baud: int) -> None:
        """Use ``baud`` from now on. Raises PortError if the port does not support it."""
        if self.serial.port.baudrate != baud:
            set_baud(self.serial.port, baud)

    def pulse(self) -> bool:
        """Reset the chip through its control lines; it then starts at ``baud``. False if port or wiring cannot."""
        pulsed = control_lines.pulse(self.serial.port, self.lines)
        if pulsed:
            self.in_raw_repl = False
            self.follow_board(self.baud)
        return pulsed

    def drain(self, quiet: float, most: int = 65536) -> bytes:
        """Everything that arrives until the line has been quiet for ``quiet`` seconds or ``most`` bytes came."""
        line = self.serial
        silence = Deadline.after(quiet)
        while not silence.passed and len(line.buffer) < most:
            if line.fill():
                silence = Deadline.after(quiet)
        return line.take(len(line.buffer))

    def close(self) -> None:
        """Release the port, also if the board behind it is gone."""
        try:
            super().close()
        except (OSError, ValueError):  # ValueError: an RFC 2217 server refused to set the lines
            self.serial.close()


def _plain(error: Exception) -> str:
    """The error's text, shortened: mpremote quotes everything that it read."""
    text = str(error)
    return text if len(text) <= 120 else text[:117] + "..."
