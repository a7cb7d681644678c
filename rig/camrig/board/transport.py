"""A serial transport for mpremote's raw REPL protocol that a rig keeps open: quick reads, deadlines, no output.

The differences from mpremote's own: reads wait for bytes instead of sleeping 10 ms, every wait ends at a deadline,
and a board that restarts during a command is recognised by its output, not by ten seconds of silence.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from camrig.board import control_lines
from camrig.board.line_profiles import DEVKIT, LineProfile
from camrig.board.port import Line, open_port, set_baud
from camrig.board.reset_detector import ResetDetector
from camrig.board.unfinished_deploy import UnfinishedDeployError, is_finishing
from camrig.deadline import Deadline
from camrig.errors import BoardResetError, BoardSilentError, PortError
from camrig.redaction import hide

RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n"
RECENT = 256  # bytes of output in which a line of an unfinished deploy is looked for
SECONDS_FOR_CAUSE = 0.6  # how long to wait for the cause of a restart before it is reported


class RawReplError(Exception):
    """What came is not what the protocol of the raw REPL says."""


class _RestartError(Exception):
    """Ends the read that is under way."""


class Transport:
    """One open serial line to a board. ``listener`` is called with everything that the board sends.

    ``lines`` is the wiring of DTR and RTS, ``baud`` the speed at which the board starts; ``lost`` makes the error for
    a port that is lost.
    """

    serial: Line

    def __init__(
        self,
        port: str,
        baud: int,
        listener: Callable[[bytes], None] = lambda data: None,
        lines: LineProfile = DEVKIT,
        lost: Callable[[Exception], PortError] | None = None,
    ) -> None:
        self.in_raw_repl = False
        self.use_raw_paste = True
        self.device_name = port
        self.baud = baud
        self.lines = lines
        self._listener = listener
        self._detector: ResetDetector | None = None  # set while a command runs, when no restart is expected
        self.expects_repl = False  # set while the raw REPL is entered
        self.recent = b""  # the last output meanwhile
        self.serial = Line(open_port(port, baud, lines), self._receive, lost)

    def _receive(self, data: bytes) -> None:
        self._listener(data)
        if self._detector is not None and self._detector.feed(data):
            raise _RestartError
        if self.expects_repl:
            self.recent = (self.recent + data)[-RECENT:]
            if is_finishing(self.recent):
                raise UnfinishedDeployError

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

    def submit(self, code: str | bytes) -> None:
        """Have the board run ``code``, at whose raw prompt it is, and wait for nothing else. Raises RawReplError."""
        from camrig.board import raw_repl

        raw_repl.submit(self, code)

    def raw_paste_write(self, code: bytes) -> None:
        """Called by mpremote's code when the board has agreed to raw paste."""
        from camrig.board import raw_repl

        raw_repl.paste(self, code)

    def run(self, code: str | bytes, seconds: float) -> tuple[bytes, bytes]:
        """The output of ``code`` on the board, and its traceback if it raises. The raw REPL must be on.

        The output must be text: a run of other bytes counts as a board that restarted at another speed.
        Raises BoardResetError, BoardSilentError (unfinished after ``seconds``) or PortError.
        """
        from camrig.board import raw_repl

        line = self.serial
        line.deadline = Deadline.after(seconds)
        self._detector = detector = ResetDetector()
        try:
            if line.buffer and detector.feed(bytes(line.buffer)):  # it restarted after the last command
                raise _RestartError
            self.submit(code)
            return raw_repl.follow(self, seconds)
        except _RestartError:
            self._read_restart(detector)
            raise self._reset_error(detector) from None
        except RawReplError as error:
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

    def drain(self, quiet: float, most: int = 65536, ending: bytes | None = None) -> bytes:
        """What arrives until the line is quiet for ``quiet`` seconds, or ``most`` bytes or ``ending`` came."""
        line = self.serial
        silence = Deadline.after(quiet)
        while not silence.passed and len(line.buffer) < most and not (ending and line.buffer.endswith(ending)):
            if line.fill():
                silence = Deadline.after(quiet)
        return line.take(len(line.buffer))

    def close(self) -> None:
        """Release the port, also if the board behind it is gone."""
        # In this order: Windows would clear DTR before RTS, which resets an ESP32. ValueError: an RFC 2217 server
        # refused to set the lines.
        try:
            with suppress(OSError, ValueError):
                self.serial.rts = False
                self.serial.dtr = False
        finally:
            self.serial.close()


def _plain(error: Exception) -> str:
    """The error's text, shortened: mpremote quotes everything that it read."""
    text = hide(str(error))
    return text if len(text) <= 120 else text[:117] + "..."
