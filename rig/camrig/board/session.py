"""One board on one open serial line: its REPL while the rig controls it, its console while the application runs."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from camrig.board.console import Console
from camrig.board.control_lines import has_lines
from camrig.board.firmware_modules import firmware_imports
from camrig.board.line_profiles import DEVKIT, LineProfile
from camrig.board.no_repl import DOWNLOADING, no_repl_error
from camrig.board.pace import Pace
from camrig.board.transport import RAW_BANNER, RawReplError, Transport
from camrig.board.unfinished_deploy import UnfinishedDeployError, wait_until_finished
from camrig.board.usb_log import UsbLog
from camrig.deadline import Deadline
from camrig.errors import BoardRaisedError, BoardSilentError, CamrigError, LeaseLostError, PortError

SECONDS_TO_BOOT = 8.0  # from a reset to MicroPython's prompt, including the SPIRAM test
SECONDS_TO_START = 5.0  # for a fresh interpreter, and the application's boot.py
SECONDS_OF_SILENCE = 6.0  # the longest wait for a silent board whose control lines can reset it
SECONDS_TO_SETTLE = 2.0  # for the answer to the first readiness check of the raw REPL; doubled for each further one
SECONDS_FOR_COMMAND = 15.0
RESTARTS_IN_DEPLOY = 4  # of a board that finishes a deploy: the rig's own Ctrl-D and resets may cause some
OUTPUT_BYTES = 16384  # kept of what a board sends instead of an answer
PROMPT = b">>> "
SOFT_REBOOT = b"MPY: soft reboot"
REOPEN_INTERVAL = 0.25  # seconds between two attempts to open a lost port
CTRL_C_INTERVAL = (
    0.03  # seconds between two Ctrl-C while a board boots: main.py may accept them only for milliseconds
)


class Session:
    """A board whose port this process has open. ``name`` is what errors call the board.

    ``boots_in`` is the longest time in seconds from a reset to the prompt; emulated chips take several times as long.
    ``notify`` gets a line when the board has to be waited for, ``lost`` the reason when its port is lost, for which
    ``explain`` may know a better error. ``pace`` is how fast the board works, ``usb_trouble`` what the kernel said of
    a port that was lost, ``opened`` is the last time that it was opened, on the monotonic clock.
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
        notify: Callable[[str], None] = lambda line: None,
        explain: Callable[[CamrigError], CamrigError] = lambda error: error,
        lost: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.name = name or port
        self.boots_in = boots_in
        self.pace = Pace()
        self._notify, self._on_loss = notify, lost
        self.usb_trouble: list[str] = []
        self.console = Console(secrets, self.name)
        self._listener: threading.Thread | None = None
        self._listening = threading.Event()
        self._settle_seconds = SECONDS_TO_SETTLE
        self._on_trial = False
        self._port, self._baud, self._lines, self._explain = port, baud, lines, explain
        self._usb_log = UsbLog(port)
        self.transport = self._open()

    def _open(self) -> Transport:
        self.opened = time.monotonic()
        try:
            return Transport(self._port, self._baud, self.console.feed, self._lines, self._explain_loss)
        except CamrigError as error:
            raise self._explain(error).on(self.name) from None

    def _explain_loss(self, error: CamrigError) -> CamrigError:
        """The error for a port that is lost, with what the kernel says of that. A lost lease is another matter."""
        self.usb_trouble = self._usb_log.lines()
        explained = self._explain(error.amended(details="\n".join(self.usb_trouble)))
        if isinstance(explained, PortError):
            self._on_loss(explained.what)
        return explained

    def reopen(self, deadline: Deadline, find: Callable[[], str] | None = None) -> None:
        """Open the port again as soon as it is there: a board that loses power may take its USB port with it.

        ``find`` returns the present name of the port, which may have changed. Raises PortError at the deadline.
        """
        self.close()
        while True:
            try:
                self._port = find() if find else self._port
                self.transport = self._open()
            except LeaseLostError:
                raise
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
        seconds = self.boots_in + SECONDS_TO_START  # it may boot
        enter = partial(self._enter, fresh=True)
        try:
            self._take_over(seconds, enter)
        except BoardSilentError:
            if SOFT_REBOOT not in self.transport.recent:
                raise
            # A program that ends the interpreter is started over and over, and runs for milliseconds in between.
            self.catch(seconds)
            self._take_over(seconds, enter)

    def interrupt(self, seconds: float) -> None:
        """Stop the running program with Ctrl-C and enter the raw REPL of the same interpreter. Raises as ``repl``."""
        self._take_over(seconds, partial(self._enter, fresh=False))

    def _take_over(self, seconds: float, enter: Callable[[Deadline], None]) -> None:
        """``enter`` the raw REPL within ``seconds``, not counting a deploy that the board finishes first."""
        for attempt in range(RESTARTS_IN_DEPLOY + 1):
            self._attend()
            transport = self.transport
            transport.expects_repl, transport.recent = True, b""
            try:
                enter(Deadline.after(seconds))
            except UnfinishedDeployError:
                transport.expects_repl = False
                notify = self._notify if not attempt else lambda line: None
                transport.serial.buffer.clear()
                wait_until_finished(transport.serial, transport.recent, self.name, notify)
            except CamrigError as error:
                raise error.on(self.name) from None
            else:
                return
            finally:
                transport.expects_repl = False
                transport.serial.deadline = None
        raise BoardSilentError(
            "the board starts to finish a deploy over and over, and does not get through",
            board=self.name,
            hint="check its power supply; if that is good, erase its flash and write MicroPython again",
        )

    def stop_program(self, seconds: float) -> None:
        """Send a single Ctrl-C, and wait for the prompt behind the traceback that says where the program was.

        A second one could end the program's own clean-up, and then the traceback is the clean-up's. Raises PortError.
        """
        self._attend()
        deadline, output = Deadline.after(seconds), b""
        try:
            self.transport.serial.write(b"\x03")
            while not deadline.passed and not output.endswith((PROMPT, b"\x04>")):
                output += self.transport.drain(0.1, most=8192)
        except CamrigError as error:
            raise error.on(self.name) from None

    def _enter(self, deadline: Deadline, fresh: bool) -> None:
        transport, output = self.transport, b""
        silence = SECONDS_OF_SILENCE if has_lines(transport.serial.port) else self.boots_in
        while not deadline.passed and (output or deadline.spent < silence):
            if fresh or RAW_BANNER not in output:
                transport.serial.write(b"\r\x03\x03")
                output += transport.drain(0.1, most=8192, ending=PROMPT)  # a program may print more before it
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
        raise no_repl_error(self.name, output, deadline.spent)

    def catch(self, seconds: float) -> None:
        """Enter the raw REPL of a board that is starting, before its main.py can prevent that.

        Ctrl-C is sent all the while. MicroPython reacts to it from the beginning, but main.py may disable it in its
        first line, or arm a watchdog that only a reset stops. Raises as ``repl`` does.
        """
        self._take_over(seconds, self._catch)

    def _catch(self, deadline: Deadline) -> None:
        transport, output = self.transport, b""
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
        raise no_repl_error(self.name, output, deadline.spent)

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
        transport.serial.deadline = deadline.sooner(deadline.left / 2)
        if transport.read_until(1, RAW_BANNER, timeout=15).endswith(RAW_BANNER):
            return True
        transport.serial.deadline = deadline
        transport.serial.write(b"\x03")  # boot.py may never return, and runs before this REPL, too
        return transport.read_until(1, RAW_BANNER, timeout=SECONDS_TO_SETTLE).endswith(RAW_BANNER)

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

    def restart(self) -> int:
        """Restart the chip, so that boot.py and main.py run, and listen to the console from then on.

        Firmware on trial would be rolled back by that: there, only the interpreter starts again. Returns how many
        events the console had seen before.
        """
        if self._on_trial:
            seen = self._restart_interpreter()
        else:
            seen = self.console.seen
            self.reset_chip()
        self.listen()
        return seen

    def keep_firmware(self, on_trial: bool) -> None:
        """Whether the running firmware is ``on_trial``: the boot loader rolls it back if the chip restarts."""
        self._on_trial = on_trial

    def leave_raw_repl(self) -> None:
        """Go over to the friendly REPL of the same interpreter, in which Ctrl-C is answered. Raises PortError."""
        try:
            self.transport.serial.write(b"\r\x02")
            self.transport.read_until(1, PROMPT, timeout=SECONDS_TO_SETTLE)
        except CamrigError as error:
            raise error.on(self.name) from None
        self.transport.in_raw_repl = False

    def _restart_interpreter(self) -> int:
        """Restart it from the friendly REPL: from the raw one, main.py would not run."""
        self.console.attend()
        self.leave_raw_repl()
        seen = self.console.seen
        try:
            self.transport.serial.write(b"\x04")
        except CamrigError as error:
            raise error.on(self.name) from None
        return seen

    def reset_chip(self) -> None:
        """Restart the chip by a command; the raw REPL must be on. Raises BoardSilentError or PortError."""
        self.console.attend()
        self.transport.serial.deadline = Deadline.after(SECONDS_FOR_COMMAND)
        try:
            self.transport.submit(firmware_imports("machine") + "machine.reset()")
        except RawReplError as error:
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
            self.transport.serial.cancel_read()
            self._listener.join(5)
            self._listener = None

    def close(self) -> None:
        """Stop listening and release the port. The application on the board goes on running."""
        self._stop_listening()
        self.transport.close()
