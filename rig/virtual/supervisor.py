"""The process that holds a virtual board: its port, its power, and the interpreter that it restarts."""

from __future__ import annotations

import json
import os
import secrets
import selectors
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import rom
from .child import Child
from .config import Interpreter, heap_bytes
from .flash import open_flash
from .keyboard import Keyboard
from .lifeline import orphaned
from .link.address import Address
from .link.pty import PtyPort
from .output import DONE, UP, Mark, Output, Sent
from .repl_state import FRIENDLY_BANNER, RawEntry, ReplState

HELD_BYTES = 0.005  # seconds after which the beginning of a message is taken for text
CONGESTED = 0.05  # seconds until a board that outruns its reader is looked at again
MACHINE = "camrig virtual board with ESP32"
BOOT_ATTEMPTS = 3  # starts in a row that may fail before boot.py until the board counts as broken


class Supervisor:
    """Runs one board until its lifeline, standard input, is cut. ``settings`` as ``board.py`` writes them."""

    def __init__(self, settings: dict[str, Any], lifeline: int, report: int) -> None:
        self.settings = settings
        self.home = Path(settings["home"])
        self.interpreter = Interpreter(**settings["interpreter"])
        self.heap = heap_bytes(settings["heap"])
        self.lifeline = lifeline
        self.report = report
        self.address = Address()
        self.flash = Path(settings["flash"] or self.home / "flash.littlefs")
        self.mac = _mac(self.address.text)
        self.port = PtyPort(self.home / "board")
        self.keyboard = Keyboard()
        self.repl = ReplState()
        self.raw_entry: RawEntry | None = None
        self.joined = False
        self.banner = ""
        self.watchdog_at: float | None = None
        self.watchdog_ms = 0
        self.failures = 0
        self.announced = False
        self.over = False
        self._requests = b""
        self._commands = b""
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        """Serve until told to end; returns the exit code."""
        bell, rung = os.pipe()
        for fd in (bell, rung, self.lifeline):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(rung, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: setattr(self, "over", True))
        signal.signal(signal.SIGUSR1, lambda *_: setattr(self, "over", orphaned(self.settings["parent"])))
        signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            flash = open_flash(self.flash, self.settings["flash_blocks"])
        except OSError as error:
            why = "another board has it" if isinstance(error, BlockingIOError) else error.strerror
            self._announce({"error": f"its flash image cannot be used: {why}"})
            return 1
        self._selector.register(bell, selectors.EVENT_READ)
        self._selector.register(self.lifeline, selectors.EVENT_READ)
        self._selector.register(self.port.master, selectors.EVENT_READ)
        self.port.write(rom.POWER_ON.console, time.monotonic())
        self._start(rom.PWRON_RESET)
        try:
            while not self.over:
                self._turn(bell)
        finally:
            self.child.close()
            self.port.close()
            self.address.close()
            os.close(flash)
        return 0

    def _turn(self, bell: int) -> None:
        events = self._wait()
        now = time.monotonic()
        if bell in events:
            with suppress(BlockingIOError):
                os.read(bell, 4096)
        if self.lifeline in events:
            self._obey()
        if self.port.waiting:
            self.port.flush(now)
        self._serve(self.child.requests())  # first: it says how to read what follows
        heard = self.child.master in events and self._hear(self.child.read())
        if not heard and self.output.holding:
            self._show(self.output.flush())
        if self.port.master in events:
            self.keyboard.type(self.port.read(), self.child)
        else:
            self.keyboard.pump(self.child)
        if self.watchdog_at is not None and now > self.watchdog_at:
            self.reset(rom.WATCHDOG)
        elif self.child.ended():
            self._ended()

    def _wait(self) -> set[int]:
        """Sleep until there is something to do; the descriptors that can be read."""
        now = time.monotonic()
        listen = not self.port.congested(now)
        terminal = selectors.EVENT_READ * listen | selectors.EVENT_WRITE * self.keyboard.blocked
        self._selector.modify(
            self.port.master, selectors.EVENT_READ | (selectors.EVENT_WRITE if self.port.waiting else 0)
        )
        waits = [at - now for at in (self.keyboard.wake_at, self.watchdog_at) if at is not None]
        if self.output.holding:
            waits.append(HELD_BYTES)
        if not listen:
            waits.append(CONGESTED)
        if terminal:
            self._selector.register(self.child.master, terminal)
        self._selector.register(self.child.control, selectors.EVENT_READ)
        try:
            ready = self._selector.select(max(0.0, min(waits)) if waits else None)
        finally:
            if terminal:
                self._selector.unregister(self.child.master)
            self._selector.unregister(self.child.control)
        return {key.fd for key, mask in ready if mask & selectors.EVENT_READ}

    # --- the interpreter

    def _start(self, cause: int, raw: bool = False) -> None:
        prefix = b"\xfe" + secrets.token_bytes(6)
        self.output = Output(prefix, self._rename())
        self.raw_entry = RawEntry() if raw else None
        self.awaiting_done = True
        self.keyboard.restart()
        self.keyboard.held = raw
        self.early = b""
        self._requests = b""
        self.child = Child(
            self.interpreter,
            self.heap,
            {
                "prefix": prefix.hex(),
                "flash": str(self.flash),
                "blocks": self.settings["flash_blocks"],
                "cause": cause,
                "raw": raw,
                "joined": self.joined,
                "ssid": self.settings["wifi_ssid"],
                "password": self.settings["wifi_password"],
                "address": self.address.text,
                "mac": list(self.mac),
                "camera": self.settings["camera"].replace("-", "_"),
                "machine": MACHINE,
            },
        )

    def _hear(self, data: bytes) -> bool:
        self._show(self.output.feed(data))
        return bool(data)

    def _show(self, events: Iterator[Sent | Mark]) -> None:
        for event in events:
            if isinstance(event, Sent):
                self._say(event.data)
            elif event.letter == UP:
                self.failures = 0
                self.keyboard.started = True
                self._announce({"path": self.port.path, "address": self.address.text})
            elif event.letter == DONE:
                self.awaiting_done = False

    def _say(self, data: bytes) -> None:
        if self.raw_entry is not None and not self.awaiting_done:
            data, keys = self.raw_entry.feed(data)
            if keys:
                self.child.write(keys)
            if self.raw_entry.over:
                self.raw_entry = None
                self.keyboard.held = False
        if not self.keyboard.started:
            self.early = (self.early + data)[-2048:]
            if self.early.endswith(FRIENDLY_BANNER):  # a REPL, but boot.py never had its turn
                self.child.kill()
        if data:
            self.repl.feed(data)
            self.port.write(data, time.monotonic())

    def _serve(self, data: bytes) -> None:
        *lines, self._requests = (self._requests + data).split(b"\n")
        for line in lines:
            letter, value = line[:1], line[1:].decode()
            if letter == b"V":
                self.banner = value
                self.output.rename = self._rename()
            elif letter in b"Ww":
                self.joined = letter == b"W"
            elif letter == b"D":
                self.watchdog_ms = int(value)
                self.watchdog_at = time.monotonic() + self.watchdog_ms / 1000
            elif letter == b"R":
                self.reset(rom.SOFTWARE)
            elif letter == b"S":
                self._soft_reset()

    def _rename(self) -> tuple[bytes, bytes]:
        if not self.banner:
            return b"", b""
        firmware, _, _ = self.banner.partition("; ")
        return self.banner.encode() + b"\r\n", f"{firmware}; {MACHINE}\r\n".encode()

    def _ended(self) -> None:
        """The interpreter left of its own accord, or was brought down."""
        self._hear(self.child.read())
        self._serve(self.child.requests())
        if not self.child.ended():
            return  # a request among the last words has replaced it
        if not self.keyboard.started:
            self.failures += 1
            if self.failures >= BOOT_ATTEMPTS:
                self._give_up()
                return
        if os.WIFSIGNALED(self.child.status or 0):
            self.reset(rom.PANIC)
        else:
            self._soft_reset()

    def _give_up(self) -> None:
        """The board cannot even reach boot.py, and would restart for ever."""
        text = self.early.decode(errors="replace").replace(FRIENDLY_BANNER.decode(), "").strip()
        error = [line for line in text.splitlines() if "Error" in line][-1:] or ["no output"]
        self._announce({"error": f"MicroPython cannot reach boot.py ({error[0]})", "details": text})
        self.over = True

    def _soft_reset(self) -> None:
        self._stop()
        self.port.write(rom.SOFT_REBOOT, time.monotonic())
        self._start(rom.SOFT_RESET, raw=self.repl.raw)

    def reset(self, kind: rom.Reset) -> None:
        """A hard reset: everything but the flash is lost."""
        self._stop()
        self.joined = False
        self.watchdog_at = None
        self.repl = ReplState()
        self.keyboard.discard()
        self.port.write(kind.console, time.monotonic())
        self._start(kind.cause)

    def _stop(self) -> None:
        self.child.kill()
        while data := self.child.read():
            self._hear(data)
        self.child.close()

    # --- the one who started the board

    def _obey(self) -> None:
        """Commands of the host, one JSON object a line."""
        try:
            data = os.read(self.lifeline, 65536)
        except BlockingIOError:
            return
        if not data:
            self.over = True
        *lines, self._commands = (self._commands + data).split(b"\n")
        for line in lines:
            if json.loads(line)["do"] == "power_cycle":
                self.reset(rom.POWER_ON)
            self._answer({})

    def _announce(self, message: dict[str, str]) -> None:
        """The first answer, once: the board is up, or cannot come up."""
        if not self.announced:
            self.announced = True
            self._answer(message)

    def _answer(self, message: dict[str, str]) -> None:
        os.write(self.report, json.dumps(message).encode() + b"\n")


def _mac(address: str) -> bytes:
    """A locally administered MAC address that goes with the board's IP address."""
    return bytes([0x02, 0xCA]) + bytes(int(part) for part in address.split("."))
