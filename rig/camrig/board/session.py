"""One board on one open serial line: its REPL while the rig controls it, its console while the application runs."""

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
from camrig.board.line_profiles import DEVKIT, LineProfile
from camrig.board.reset_detector import CAUSE
from camrig.board.transport import RAW_BANNER, Transport
from camrig.deadline import Deadline
from camrig.errors import BoardRaisedError, BoardSilentError, BootLoaderError, CamrigError, NoMicroPythonError

SECONDS_TO_BOOT = 8.0  # from a reset to MicroPython's prompt, including the SPIRAM test
SECONDS_TO_START = 5.0  # for a fresh interpreter, and the application's boot.py
SECONDS_OF_SILENCE = 6.0  # the longest wait for a silent board whose control lines can reset it
SECONDS_TO_SETTLE = 2.0  # for the answer to the first readiness check of the raw REPL; doubled for each further one
SECONDS_FOR_COMMAND = 15.0
DOWNLOADING = b"waiting for download"  # printed by an ESP32's boot loader
BOOT_LOOP = 3  # restarts; opening the port causes one
OUTPUT_BYTES = 16384  # kept of what a board sends instead of an answer
PROMPT = b">>> "
CAUGHT = b"KeyboardInterrupt"  # printed by a program that goes on
REOPEN_INTERVAL = 0.25  # seconds between two attempts to open a lost port
CTRL_C_INTERVAL = (
    0.03  # seconds between two Ctrl-C while a board boots: main.py may accept them only for milliseconds
)


class Session:
    """A board whose port this process has open. ``name`` is what errors call the board.

    ``boots_in`` is the longest time in seconds from a reset to the prompt; emulated chips take several times as long.
    """

    def __init__(
        self,
        port: str,
        baud: int,
        *,
        name: str | None = None,
        secrets: Iterable[str] = (),
        lines: LineProfile = DEVKIT,
        boots_in: float = SECONDS_TO_BOOT,
    ) -> None:
        self.name = name or port
        self.boots_in = boots_in
        self.console = Console(secrets)
        self._listener: threading.Thread | None = None
        self._listening = threading.Event()
        self._settle_seconds = SECONDS_TO_SETTLE
        self._port, self._baud, self._lines = port, baud, lines
        self.transport = self._open()

    def _open(self) -> Transport:
        try:
            return Transport(self._port, self._baud, self.console.feed, self._lines)
        except CamrigError as error:
            raise error.on(self.name) from None

    def reopen(self, deadline: Deadline, find: Callable[[], str] | None = None) -> None:
        """Open the port again as soon as it is there: a board that loses power may take its USB port with it.

        ``find`` returns the present name of the port, which may have changed. Raises PortError at the deadline.
        """
        self.close()
        while True:
            try:
                self._port = find() if find else self._port
                self.transport = self._open()
            except CamrigError:
                if deadline.passed:
                    raise
                time.sleep(deadline.sooner(REOPEN_INTERVAL).left)
            else:
                self.console.restore()
                return

    def repl(self) -> None:
        """Stop the running program and start a fresh interpreter in the raw REPL; main.py does not run.

        Raises BoardSilentError, NoMicroPythonError or PortError.
        """
        self._enter(Deadline.after(self.boots_in + SECONDS_TO_START), fresh=True)  # it may be booting

    def interrupt(self, seconds: float) -> None:
        """Stop the running program with Ctrl-C and enter the raw REPL of the same interpreter. Raises as ``repl``."""
        self._enter(Deadline.after(seconds), fresh=False)

    def _enter(self, deadline: Deadline, fresh: bool) -> None:
        self._attend()
        transport, output = self.transport, b""
        silence = SECONDS_OF_SILENCE if has_lines(transport.serial.port) else self.boots_in
        try:
            while not deadline.passed and (output or deadline.spent < silence):
                if fresh or RAW_BANNER not in output:
                    transport.serial.write(b"\r\x03\x03")
                    output += transport.drain(0.1, most=8192)
                    transport.serial.write(b"\r\x01")
                    transport.serial.deadline = deadline.sooner(1.5)
                    # Without the prompt that follows, which the next command expects.
                    output += transport.read_until(1, RAW_BANNER, timeout=1)
                if self._restarted_raw(output, deadline) if fresh else self._ready(output, deadline):
                    transport.in_raw_repl = True
                    return
                if output.count(DOWNLOADING) > 1:
                    break
                output = output[-OUTPUT_BYTES:]
        except CamrigError as error:
            raise error.on(self.name) from None
        finally:
            transport.serial.deadline = None
        raise self._no_repl(output, deadline.spent)

    def catch(self, seconds: float) -> None:
        """Enter the raw REPL of a board that is starting, before its main.py can prevent that.

        Ctrl-C is sent all the while. MicroPython reacts to it from the beginning, but main.py may disable it in its
        first line, or arm a watchdog that only a reset stops. Raises as ``repl`` does.
        """
        self._attend()
        transport, deadline, output = self.transport, Deadline.after(seconds), b""
        try:
            while not deadline.passed:
                transport.serial.write(b"\x03")
                transport.serial.deadline = deadline.sooner(CTRL_C_INTERVAL)
                output = (output + transport.read_until(1, PROMPT, timeout=CTRL_C_INTERVAL))[-OUTPUT_BYTES:]
                if output.endswith(PROMPT):
                    transport.serial.write(b"\r\x01")
                    transport.serial.deadline = deadline.sooner(1.0)
                    output += transport.read_until(1, RAW_BANNER, timeout=0.5)
                if self._ready(output, deadline):
                    transport.in_raw_repl = True
                    return
                if RAW_BANNER in output:  # in the raw REPL Ctrl-C brings no prompt
                    output = RAW_BANNER
        except CamrigError as error:
            raise error.on(self.name) from None
        finally:
            transport.serial.deadline = None
        raise self._no_repl(output, deadline.spent)

    def soft_reset(self, seconds: float) -> None:
        """Request a soft reset from either REPL, and enter the raw REPL before main.py runs. Raises as ``repl``."""
        self._attend()
        try:
            self.transport.serial.write(b"\r\x03\x03\x02\x03\x04")
        except CamrigError as error:
            raise error.on(self.name) from None
        self.catch(seconds)

    def _attend(self) -> None:
        """Take control of the board: restarts and prompts are expected from now on."""
        self.console.attend()
        self._stop_listening()
        self.transport.in_raw_repl = False
        self.transport.use_raw_paste = True  # mpremote gives it up after a late answer
        self._settle_seconds = SECONDS_TO_SETTLE

    def _ready(self, output: bytes, deadline: Deadline) -> bool:
        """Whether the raw REPL, once it has announced itself, is ready for a command and no older answer is pending.

        A slow board has queued every Ctrl-A, and answers each before it answers this check.
        """
        if RAW_BANNER not in output:
            return False
        transport, word = self.transport, os.urandom(4).hex()
        answer = f"OK{word}\r\n\x04\x04>".encode()
        transport.serial.deadline = deadline.sooner(self._settle_seconds)
        transport.serial.write(f"\r\x03\x01print('{word}')\x04".encode())
        if not transport.read_until(1, answer, timeout=self._settle_seconds).endswith(answer):
            self._settle_seconds *= 2  # this check is one more command to answer
            return False
        transport.serial.buffer[:0] = b">"  # the prompt that the next command expects
        return True

    def _restarted_raw(self, output: bytes, deadline: Deadline) -> bool:
        """Whether a soft reset from the raw REPL led to the raw REPL of a fresh interpreter."""
        transport = self.transport
        if not output.endswith(RAW_BANNER):
            return False
        transport.serial.deadline = deadline
        transport.serial.write(b"\x04")
        if not transport.read_until(1, b"soft reboot\r\n", timeout=5).endswith(b"soft reboot\r\n"):
            return False
        return transport.read_until(1, RAW_BANNER, timeout=15).endswith(RAW_BANNER)

    def _no_repl(self, output: bytes, seconds: float) -> CamrigError:
        """The error for a board that sent ``output`` instead of entering the raw REPL."""
        if DOWNLOADING in output:
            return BootLoaderError(
                "the chip waits in its boot loader instead of running MicroPython",
                board=self.name,
                hint="release IO0 from ground and press reset; on some carrier boards another program's "
                "control lines hold it there",
            )
        if len(causes := CAUSE.findall(output)) >= BOOT_LOOP:
            return BoardSilentError(
                f"the board restarts over and over ({causes[-1].decode()})",
                board=self.name,
                hint="if its main.py resets it, erase its flash and write MicroPython again; else check its power",
            )
        if not output.translate(None, b"\r\n\x01\x03\x04 "):
            return BoardSilentError(
                f"nothing answers on the serial line within {seconds:.0f} s",
                board=self.name,
                hint="check power, cable and baud rate, and that this is the board's port",
            )
        if CAUGHT in output:
            return BoardSilentError(
                "Ctrl-C (KeyboardInterrupt) is caught by the program on the board, which goes on",
                board=self.name,
                hint="run again and press the board's reset button (EN or RST) in the first seconds; "
                "then let main.py pass KeyboardInterrupt on",
                details=output.decode("ascii", "replace").strip()[-400:],
            )
        lines = output.decode("ascii", "replace").strip().splitlines()
        return NoMicroPythonError(
            "something answers, but it is not a MicroPython REPL",
            board=self.name,
            hint="flash MicroPython on it, or check the baud rate",
            details="\n".join(lines[-12:]),
        )

    def exec(self, code: str | bytes, seconds: float = SECONDS_FOR_COMMAND) -> str:
        """Run ``code`` on the board and return its output.

        Raises BoardRaisedError with the board's traceback, BoardResetError, BoardSilentError or PortError.
        """
        try:
            out, err = self.transport.run(code, seconds)
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
        """The JSON value that ``code`` prints as its last line. Raises as ``exec`` does."""
        lines = self.exec(code, seconds).strip().splitlines()
        try:
            return json.loads(lines[-1])
        except (IndexError, ValueError):
            raise BoardSilentError(
                f"the board's answer cannot be understood: {lines[-1:]}", board=self.name, hint="reset the board"
            ) from None

    def restart(self) -> None:
        """Restart the chip, so that boot.py and main.py run, and listen to the console from then on."""
        self.reset_chip()
        self.listen()

    def reset_chip(self) -> None:
        """Restart the chip by a command; the raw REPL must be on. Raises BoardSilentError or PortError."""
        self.console.attend()
        self.transport.serial.deadline = Deadline.after(SECONDS_FOR_COMMAND)
        try:
            self.transport.exec_raw_no_follow("import machine\nmachine.reset()")
        except (TransportError, struct.error) as error:
            raise BoardSilentError(
                f"the board did not accept the reset command ({error})", board=self.name, hint="reset it by hand"
            ) from None
        except CamrigError as error:
            raise error.on(self.name) from None
        finally:
            self.transport.serial.deadline = None
        self.transport.in_raw_repl = False

    def listen(self) -> None:
        """Read the console in the background until the rig uses the REPL again."""
        if self._listener is None:
            self._listening.set()
            self._listener = threading.Thread(target=self._collect, name=f"console of {self.name}", daemon=True)
            self._listener.start()

    def _collect(self) -> None:
        line = self.transport.serial
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
        """Stop listening and release the port. The application on the board goes on running."""
        self._stop_listening()
        self.transport.close()
