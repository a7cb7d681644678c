"""One board on one held wire: its REPL while the rig talks, its console while the application runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from mpremote.transport import TransportError

from rig.board.console import Event, Parser
from rig.board.wire import RAW_BANNER, Wire
from rig.deadline import Deadline
from rig.errors import BoardRaised, BoardSilent, CamrigError, NoMicroPython
from rig.lines import DEVKIT, Profile

SECONDS_FOR_REPL = 15.0  # a board that says something may be busy, or booting
SECONDS_OF_SILENCE = 6.0  # longer than any chip takes from reset to its first word
SECONDS_FOR_COMMAND = 15.0
DOWNLOADING = b"waiting for download"  # what an ESP32's boot loader says
CONSOLE_BYTES = 1 << 20  # what is kept of a board's console

T = TypeVar("T")


class Console:
    """Everything that the board said, its events, and a way to wait for one. Safe to use from two threads."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = [secret for secret in secrets if secret]
        self._data = bytearray()
        self._dropped = 0
        self._parser = Parser()
        self._change = threading.Condition()
        self.events: list[Event] = []
        self.broken: CamrigError | None = None  # why nothing more will come

    def heard(self, data: bytes) -> None:
        with self._change:
            self._data += data
            if len(self._data) > CONSOLE_BYTES:
                self._dropped += len(self._data) - CONSOLE_BYTES // 2
                del self._data[: -CONSOLE_BYTES // 2]
            self.events += self._parser.feed(data)
            self._change.notify_all()

    def fail(self, error: CamrigError) -> None:
        with self._change:
            self.broken = error
            self._change.notify_all()

    def mark(self) -> int:
        """A place in the console, for ``text(since=...)``."""
        with self._change:
            return self._dropped + len(self._data)

    def text(self, since: int = 0, lines: int | None = None) -> str:
        """What was said since a mark, at most the last ``lines``; secrets are replaced by ``***``."""
        with self._change:
            data = bytes(self._data[max(0, since - self._dropped) :])
        text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\x04", "")
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return "\n".join(text.split("\n")[-lines:]) if lines else text

    def wait(self, found: Callable[[Event], T | None], seen: int, deadline: Deadline) -> T | None:
        """What ``found`` makes of the first event after number ``seen`` that it does not answer with None.

        None when the deadline passes; raises what broke the line if it breaks.
        """
        with self._change:
            while True:
                for event in self.events[seen:]:
                    seen += 1
                    if (result := found(event)) is not None:
                        return result
                if self.broken is not None:
                    raise self.broken
                if deadline.passed:
                    return None
                self._change.wait(deadline.left)


class Session:
    """A board whose port this process holds. ``name`` is what errors call the board."""

    def __init__(
        self,
        port: str,
        baud: int,
        *,
        name: str | None = None,
        secrets: Iterable[str] = (),
        lines: Profile = DEVKIT,
    ) -> None:
        self.name = name or port
        self.console = Console(secrets)
        self._listener: threading.Thread | None = None
        self._listening = threading.Event()
        try:
            self.wire = Wire(port, baud, self.console.heard, lines)
        except CamrigError as error:
            raise error.on(self.name) from None

    def repl(self, seconds: float = SECONDS_FOR_REPL) -> None:
        """Stop whatever runs and start the interpreter afresh, in the raw REPL; main.py does not run.

        Raises BoardSilent, NoMicroPython or PortError.
        """
        self._stop_listening()
        wire, until, said = self.wire, Deadline.after(seconds), b""
        wire.in_raw_repl = False
        try:
            while not until.passed and (said or until.spent < SECONDS_OF_SILENCE):
                wire.serial.write(b"\r\x03\x03")
                said += wire.drain(0.1, most=8192)
                wire.serial.write(b"\r\x01")
                wire.serial.deadline = until.sooner(1.5)
                answer = wire.read_until(1, RAW_BANNER + b">", timeout=1)
                said += answer
                if answer.endswith(RAW_BANNER + b">") and self._soft_reset(until):
                    wire.in_raw_repl = True
                    return
                if said.count(DOWNLOADING) > 1:
                    break
        except CamrigError as error:
            raise error.on(self.name) from None
        finally:
            wire.serial.deadline = None
        raise self._no_repl(said, until.spent)

    def _soft_reset(self, until: Deadline) -> bool:
        wire = self.wire
        wire.serial.deadline = until
        wire.serial.write(b"\x04")
        if not wire.read_until(1, b"soft reboot\r\n", timeout=5).endswith(b"soft reboot\r\n"):
            return False
        return wire.read_until(1, RAW_BANNER, timeout=15).endswith(RAW_BANNER)

    def _no_repl(self, said: bytes, seconds: float) -> CamrigError:
        sent = said.translate(None, b"\r\n\x01\x03\x04 ")
        if DOWNLOADING in said:
            return NoMicroPython(
                "the chip waits in its boot loader instead of running MicroPython",
                board=self.name,
                next="release IO0 from ground and press reset; on some carrier boards another program's "
                "control lines hold it there",
            )
        if not sent:
            return BoardSilent(
                f"nothing answers on the wire within {seconds:.0f} s",
                board=self.name,
                next="check power, cable and baud rate, and that this is the board's port",
            )
        heard = said.decode("ascii", "replace").strip().splitlines()
        return NoMicroPython(
            "something answers, but it is not a MicroPython REPL",
            board=self.name,
            next="flash MicroPython on it, or check the baud rate",
            details="\n".join(heard[-12:]),
        )

    def exec(self, code: str | bytes, seconds: float = SECONDS_FOR_COMMAND) -> str:
        """What ``code`` prints. Raises BoardRaised with the board's traceback, BoardReset, BoardSilent, PortError."""
        try:
            out, err = self.wire.run(code, seconds)
        except CamrigError as error:
            raise error.on(self.name) from None
        if err:
            text = err.decode("utf-8", "replace").replace("\r\n", "\n").strip()
            raise BoardRaised(
                f"a command failed on the board: {text.splitlines()[-1]}",
                board=self.name,
                next="look at the board's traceback",
                details=text,
            )
        return out.decode("utf-8", "replace")

    def ask(self, code: str | bytes, seconds: float = SECONDS_FOR_COMMAND) -> Any:
        """The JSON that ``code`` prints as its last line. Raises as ``exec`` does."""
        lines = self.exec(code, seconds).strip().splitlines()
        try:
            return json.loads(lines[-1])
        except (IndexError, ValueError):
            raise BoardSilent(
                f"the board's answer cannot be understood: {lines[-1:]}", board=self.name, next="reset the board"
            ) from None

    def restart(self) -> None:
        """Restart the chip, so that boot.py and main.py run, and listen to the console from here on."""
        try:
            self.wire.exec_raw_no_follow("import machine\nmachine.reset()")
        except TransportError as error:
            raise BoardSilent(f"the board did not take a reset ({error})", board=self.name, next="reset it") from None
        except CamrigError as error:
            raise error.on(self.name) from None
        self.wire.in_raw_repl = False
        self.listen()

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
