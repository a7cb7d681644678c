"""One board on one held wire: its REPL while the rig talks, its console while the application runs."""

from __future__ import annotations

import json
import os
import struct
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from mpremote.transport import TransportError

from camrig.board.console import Console
from camrig.board.control_lines import has_lines
from camrig.board.line_profiles import DEVKIT, Profile
from camrig.board.reset_detector import CAUSE
from camrig.board.transport import RAW_BANNER, Wire
from camrig.deadline import Deadline
from camrig.errors import BoardRaisedError, BoardSilentError, BootLoaderError, CamrigError, NoMicroPythonError

SECONDS_TO_BOOT = 8.0  # from a reset to MicroPython's prompt; SPIRAM is tested meanwhile
SECONDS_TO_START = 5.0  # for a fresh interpreter, and the application's boot.py
SECONDS_OF_SILENCE = 6.0  # after which a board whose control lines can reset it is not waited for
SECONDS_TO_SETTLE = 2.0
SECONDS_FOR_COMMAND = 15.0
DOWNLOADING = b"waiting for download"  # what an ESP32's boot loader says
OVER_AND_OVER = 3  # restarts: opening the port makes one
SAID_BYTES = 16384  # of what a board says instead of answering
PROMPT = b">>> "
REOPEN_BEAT = 0.25  # seconds between two looks for a port that is gone
STORM_BEAT = 0.03  # seconds between two Ctrl-C while a board boots: main.py may give them only a few milliseconds


class Session:
    """A board whose port this process holds. ``name`` is what errors call the board, ``boots_in`` the seconds from a
    reset to its prompt at most: chips that are emulated take several times as long."""

    def __init__(
        self,
        port: str,
        baud: int,
        *,
        name: str | None = None,
        secrets: Iterable[str] = (),
        lines: Profile = DEVKIT,
        boots_in: float = SECONDS_TO_BOOT,
    ) -> None:
        self.name = name or port
        self.boots_in = boots_in
        self.console = Console(secrets)
        self._listener: threading.Thread | None = None
        self._listening = threading.Event()
        self._patience = SECONDS_TO_SETTLE
        self._port, self._baud, self._lines = port, baud, lines
        self.wire = self._open()

    def _open(self) -> Wire:
        try:
            return Wire(self._port, self._baud, self.console.heard, self._lines)
        except CamrigError as error:
            raise error.on(self.name) from None

    def reopen(self, until: Deadline, find: Callable[[], str] | None = None) -> None:
        """Open the port again, as soon as it is there: a board that lost power takes its USB port with it.

        ``find`` tells its present name, which may be another. Raises PortError at the deadline.
        """
        self.close()
        while True:
            try:
                self._port = find() if find else self._port
                self.wire = self._open()
            except CamrigError:
                if until.passed:
                    raise
                time.sleep(until.sooner(REOPEN_BEAT).left)
            else:
                self.console.broken = None
                return

    def repl(self) -> None:
        """Stop whatever runs and start the interpreter afresh, in the raw REPL; main.py does not run.

        Raises BoardSilentError, NoMicroPythonError or PortError.
        """
        self._enter(Deadline.after(self.boots_in + SECONDS_TO_START), fresh=True)  # it may be booting

    def interrupt(self, seconds: float) -> None:
        """Stop whatever runs with Ctrl-C and enter the raw REPL of the same interpreter. Raises as ``repl`` does."""
        self._enter(Deadline.after(seconds), fresh=False)

    def _enter(self, until: Deadline, fresh: bool) -> None:
        self._attend()
        wire, said = self.wire, b""
        patience = SECONDS_OF_SILENCE if has_lines(wire.serial.port) else self.boots_in
        try:
            while not until.passed and (said or until.spent < patience):
                if fresh or RAW_BANNER not in said:
                    wire.serial.write(b"\r\x03\x03")
                    said += wire.drain(0.1, most=8192)
                    wire.serial.write(b"\r\x01")
                    wire.serial.deadline = until.sooner(1.5)
                    # Without the prompt behind it, which the next command asks for.
                    said += wire.read_until(1, RAW_BANNER, timeout=1)
                if self._soft_reset(said, until) if fresh else self._settled(said, until):
                    wire.in_raw_repl = True
                    return
                if said.count(DOWNLOADING) > 1:
                    break
                said = said[-SAID_BYTES:]
        except CamrigError as error:
            raise error.on(self.name) from None
        finally:
            wire.serial.deadline = None
        raise self._no_repl(said, until.spent)

    def catch(self, seconds: float) -> None:
        """Enter the raw REPL of a board that starts at this moment, before its main.py can prevent that.

        Ctrl-C goes out all the while: MicroPython listens to it from its first moment, main.py may disable it with
        its first line or arm a watchdog that nothing but a reset takes away. Raises as ``repl`` does.
        """
        self._attend()
        wire, until, said = self.wire, Deadline.after(seconds), b""
        try:
            while not until.passed:
                wire.serial.write(b"\x03")
                wire.serial.deadline = until.sooner(STORM_BEAT)
                said = (said + wire.read_until(1, PROMPT, timeout=STORM_BEAT))[-SAID_BYTES:]
                if said.endswith(PROMPT):
                    wire.serial.write(b"\r\x01")
                    wire.serial.deadline = until.sooner(1.0)
                    said += wire.read_until(1, RAW_BANNER, timeout=0.5)
                if self._settled(said, until):
                    wire.in_raw_repl = True
                    return
                if RAW_BANNER in said:  # from here on Ctrl-C brings no prompt
                    said = RAW_BANNER
        except CamrigError as error:
            raise error.on(self.name) from None
        finally:
            wire.serial.deadline = None
        raise self._no_repl(said, until.spent)

    def soft_reset(self, seconds: float) -> None:
        """Ask both REPLs for a soft reset, and enter the raw REPL before main.py runs. Raises as ``repl`` does."""
        self._attend()
        try:
            self.wire.serial.write(b"\r\x03\x03\x02\x03\x04")
        except CamrigError as error:
            raise error.on(self.name) from None
        self.catch(seconds)

    def _attend(self) -> None:
        """Take the board into the rig's hands."""
        self.console.attended = True
        self._stop_listening()
        self.wire.in_raw_repl = False
        self.wire.use_raw_paste = True  # which an answer that came late makes mpremote give up
        self._patience = SECONDS_TO_SETTLE

    def _settled(self, said: bytes, until: Deadline) -> bool:
        """Whether the raw REPL, if it has spoken, is ready for the next command, and nothing else is on its way.

        A board that was slow to answer has kept every Ctrl-A, and answers each: before it answers this.
        """
        if RAW_BANNER not in said:
            return False
        wire, word = self.wire, os.urandom(4).hex()
        answer = f"OK{word}\r\n\x04\x04>".encode()
        wire.serial.deadline = until.sooner(self._patience)
        wire.serial.write(f"\r\x03\x01print('{word}')\x04".encode())
        if not wire.read_until(1, answer, timeout=self._patience).endswith(answer):
            self._patience *= 2  # the more it was asked, the more it has to answer
            return False
        wire.serial.buffer[:0] = b">"  # the prompt that the next command asks for
        return True

    def _soft_reset(self, said: bytes, until: Deadline) -> bool:
        wire = self.wire
        if not said.endswith(RAW_BANNER):
            return False
        wire.serial.deadline = until
        wire.serial.write(b"\x04")
        if not wire.read_until(1, b"soft reboot\r\n", timeout=5).endswith(b"soft reboot\r\n"):
            return False
        return wire.read_until(1, RAW_BANNER, timeout=15).endswith(RAW_BANNER)

    def _no_repl(self, said: bytes, seconds: float) -> CamrigError:
        sent = said.translate(None, b"\r\n\x01\x03\x04 ")
        if DOWNLOADING in said:
            return BootLoaderError(
                "the chip waits in its boot loader instead of running MicroPython",
                board=self.name,
                hint="release IO0 from ground and press reset; on some carrier boards another program's "
                "control lines hold it there",
            )
        if len(causes := CAUSE.findall(said)) >= OVER_AND_OVER:
            return BoardSilentError(
                f"the board restarts over and over ({causes[-1].decode()})",
                board=self.name,
                hint="if its main.py asks for that, erase its flash and write MicroPython anew; else check its power",
            )
        if not sent:
            return BoardSilentError(
                f"nothing answers on the wire within {seconds:.0f} s",
                board=self.name,
                hint="check power, cable and baud rate, and that this is the board's port",
            )
        heard = said.decode("ascii", "replace").strip().splitlines()
        return NoMicroPythonError(
            "something answers, but it is not a MicroPython REPL",
            board=self.name,
            hint="flash MicroPython on it, or check the baud rate",
            details="\n".join(heard[-12:]),
        )

    def exec(self, code: str | bytes, seconds: float = SECONDS_FOR_COMMAND) -> str:
        """What ``code`` prints.

        Raises BoardRaisedError with the board's traceback, BoardResetError, BoardSilentError or PortError.
        """
        try:
            out, err = self.wire.run(code, seconds)
        except CamrigError as error:
            raise error.on(self.name) from None
        if err:
            text = err.decode("utf-8", "replace").replace("\r\n", "\n").strip()
            raise BoardRaisedError(
                f"a command failed on the board: {text.splitlines()[-1]}",
                board=self.name,
                hint="look at the board's traceback",
                details=text,
            )
        return out.decode("utf-8", "replace")

    def ask(self, code: str | bytes, seconds: float = SECONDS_FOR_COMMAND) -> Any:
        """The JSON that ``code`` prints as its last line. Raises as ``exec`` does."""
        lines = self.exec(code, seconds).strip().splitlines()
        try:
            return json.loads(lines[-1])
        except (IndexError, ValueError):
            raise BoardSilentError(
                f"the board's answer cannot be understood: {lines[-1:]}", board=self.name, hint="reset the board"
            ) from None

    def restart(self) -> None:
        """Restart the chip, so that boot.py and main.py run, and listen to the console from here on."""
        self.reset_chip()
        self.listen()

    def reset_chip(self) -> None:
        """Have MicroPython, which must be in the raw REPL, restart the chip. Raises BoardSilentError or PortError."""
        self.console.attended = True
        self.wire.serial.deadline = Deadline.after(SECONDS_FOR_COMMAND)
        try:
            self.wire.exec_raw_no_follow("import machine\nmachine.reset()")
        except (TransportError, struct.error) as error:
            raise BoardSilentError(
                f"the board did not take a reset ({error})", board=self.name, hint="reset it"
            ) from None
        except CamrigError as error:
            raise error.on(self.name) from None
        finally:
            self.wire.serial.deadline = None
        self.wire.in_raw_repl = False

    def listen(self) -> None:
        """Collect the console in the background until the rig next talks to the REPL."""
        if self._listener is None:
            self._listening.set()
            self._listener = threading.Thread(target=self._collect, name=f"console of {self.name}", daemon=True)
            self._listener.start()

    def _collect(self) -> None:
        line = self.wire.serial
        try:
            while self._listening.is_set():
                if line.fill():
                    line.buffer.clear()
        except CamrigError as error:
            self.console.fail(error.on(self.name))

    def _stop_listening(self) -> None:
        self._listening.clear()
        if self._listener is not None:
            self._listener.join(5)
            self._listener = None

    def close(self) -> None:
        """Stop listening and release the port. The application on the board goes on."""
        self._stop_listening()
        self.wire.close()
