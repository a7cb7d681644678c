"""mpremote's transport, held open by a rig: quick reads, deadlines, and no terminal output of its own.

The raw REPL protocol is mpremote's. What is different here: reads wait for bytes instead of sleeping 10 ms,
every wait ends at a deadline, and a board that restarts in the middle of a command is noticed by what it says then
instead of by ten seconds of silence.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from camrig.board import control_lines
from camrig.board.line_profiles import DEVKIT, Profile
from camrig.board.port import Line, open_port, set_baud
from camrig.board.reset_detector import Watch
from camrig.deadline import Deadline
from camrig.errors import BoardResetError, BoardSilentError

RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n"
SECONDS_FOR_CAUSE = 0.6  # a restarting board is listened to for so long before it is reported


class _RestartError(Exception):
    """Thrown out of whatever read is going on."""


class Wire(SerialTransport):
    """One open serial line to a board. ``heard`` is called with everything that the board sends.

    ``lines`` is how DTR and RTS are wired, ``baud`` the speed at which the board starts.
    """

    serial: Line

    def __init__(
        self, port: str, baud: int, heard: Callable[[bytes], None] = lambda data: None, lines: Profile = DEVKIT
    ) -> None:
        self.in_raw_repl = False
        self.use_raw_paste = True
        self.device_name = port
        self.mounted = False
        self.is_pty = False
        self.baud = baud
        self.lines = lines
        self._heard = heard
        self._watch: Watch | None = None  # there is one while a command runs: a restart is then an accident
        self.serial = Line(open_port(port, baud, lines), self._overhear)

    def _overhear(self, data: bytes) -> None:
        self._heard(data)
        if self._watch is not None and self._watch.feed(data):
            raise _RestartError

    def read_until(
        self,
        min_num_bytes: int,
        ending: bytes,
        timeout: float | None = 10,
        data_consumer: Callable[[bytes], None] | None = None,
        timeout_overall: float | None = None,
    ) -> bytes:
        """Bytes up to and with ``ending``; fewer after ``timeout`` seconds of silence or at the deadline."""
        line = self.serial
        until = line.deadline or Deadline.after(timeout_overall or 3600)
        quiet = Deadline.after(timeout or 3600)
        seen = 0
        while (at := line.buffer.find(ending, max(0, seen - len(ending)))) < 0:
            seen = len(line.buffer)
            if quiet.passed or until.passed:
                return line.take(seen)
            if line.fill():
                quiet = Deadline.after(quiet.seconds)
        return line.take(at + len(ending))

    def run(self, code: str | bytes, seconds: float) -> tuple[bytes, bytes]:
        """What ``code`` prints on the board, and its traceback if it raises. The raw REPL must be on.

        It has to print text: a run of other bytes counts as a board that restarted at another speed.
        Raises BoardResetError, BoardSilentError (unfinished after ``seconds``) or PortError.
        """
        line = self.serial
        line.deadline = Deadline.after(seconds)
        self._watch = watch = Watch()
        try:
            if line.buffer and watch.feed(bytes(line.buffer)):  # it restarted since the last command
                raise _RestartError
            self.exec_raw_no_follow(code)
            out, err = self.follow(timeout=seconds)
            return bytes(out), bytes(err)
        except _RestartError:
            self._listen(watch)
            raise self._restarted(watch) from None
        except (TransportError, struct.error) as error:
            # Something came that was no answer, which may be the first of a restarting board's words.
            if self._listen(watch) or watch.noise:
                raise self._restarted(watch) from None
            self.in_raw_repl = False
            raise BoardSilentError(
                f"the board did not finish a command within {seconds:g} s ({_plain(error)})",
                hint="reset the board and try again",
            ) from None
        finally:
            line.deadline = None
            self._watch = None

    def _listen(self, watch: Watch) -> bool:
        """Take in what a board says that has just restarted, or may have; whether it has.

        From a restart on it speaks at the speed at which it starts.
        """
        self._watch = None
        self.follow_board(self.baud)
        until = Deadline.after(SECONDS_FOR_CAUSE)
        line = self.serial
        while not until.passed and not (watch.restarted and watch.cause):
            start = len(line.buffer)
            if line.fill():
                watch.feed(bytes(line.buffer[start:]))
        line.buffer.clear()
        return watch.restarted

    def _restarted(self, watch: Watch) -> BoardResetError:
        self.in_raw_repl = False
        cause = f" ({watch.cause})" if watch.cause else ""
        if not watch.restarted:
            return BoardResetError(
                "the line turned to noise in the middle of a command: the board restarted at another speed, or the "
                "line garbles",
                hint="run again; if it stays so, check cable and power, or lower --hil-baud",
            )
        return BoardResetError(
            f"the board restarted in the middle of a command{cause}",
            hint="check its power supply; the console shows the reset's cause",
        )

    def follow_board(self, baud: int) -> None:
        """Talk at ``baud`` from here on. Raises PortError where the port cannot."""
        if self.serial.port.baudrate != baud:
            set_baud(self.serial.port, baud)

    def pulse(self) -> bool:
        """Reset the chip through its control lines; False where port or wiring cannot. It then starts at ``baud``."""
        done = control_lines.pulse(self.serial.port, self.lines)
        if done:
            self.in_raw_repl = False
            self.follow_board(self.baud)
        return done

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
        except (OSError, ValueError):  # ValueError: an RFC 2217 server refuses to set lines
            self.serial.close()


def _plain(error: Exception) -> str:
    """The transport's words, bounded: it quotes everything that it read."""
    text = str(error)
    return text if len(text) <= 120 else text[:117] + "..."
