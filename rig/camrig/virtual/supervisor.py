"""The process that holds a virtual board: its port, its power, and the interpreter that it restarts."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from camrig.virtual import rom
from camrig.virtual.config import FIRMWARE_HEAP, Interpreter, heap_bytes
from camrig.virtual.control_channel import Host
from camrig.virtual.fault_cells import CELLS, EVENT_LETTERS, Switches
from camrig.virtual.fault_injector import Mischief
from camrig.virtual.faults import parse
from camrig.virtual.flash import open_flash
from camrig.virtual.interpreter import Child
from camrig.virtual.link.address import Address
from camrig.virtual.link.pty import PtyPort
from camrig.virtual.link.serial_line import SerialLine
from camrig.virtual.parent_death import orphaned
from camrig.virtual.poller import READ, WRITE, Watch
from camrig.virtual.repl_input import Keyboard
from camrig.virtual.repl_output import DONE, UP, Mark, Output, Sent, renaming
from camrig.virtual.repl_state import FRIENDLY_BANNER, Programs, RawEntry, ReplState

HELD_BYTES = 0.02  # seconds without more after which the beginning of a message is taken for text
SUSPECT = 5.0  # seconds after a Ctrl-C during which the interpreter may be found to wait for itself
LOOK = 0.3  # seconds between two looks that must agree on that
CONGESTED = 0.05  # seconds until a board that outruns its reader is looked at again
MACHINE = "camrig virtual board with ESP32"
BOOT_ATTEMPTS = 3  # starts in a row that may fail before boot.py until the board counts as broken
EVENTS = {letter.encode(): event for event, letter in EVENT_LETTERS.items()}


class Supervisor:
    """Runs one board until its lifeline, standard input, is cut. ``settings`` as ``board.py`` writes them."""

    def __init__(self, settings: dict[str, Any], lifeline: int, report: int) -> None:
        self.settings = settings
        self.home = Path(settings["home"])
        self.interpreter = Interpreter(**settings["interpreter"])
        self.heap = heap_bytes(settings["heap"]) + FIRMWARE_HEAP
        self.host = Host(lifeline, report)
        self.address = Address()
        self.flash = Path(settings["flash"] or self.home / "flash.littlefs")
        self.port = PtyPort(self.home / "board")
        self.line = SerialLine(self.port)
        self.switches = Switches(self.home / "switches")
        self.keyboard = Keyboard()
        self.repl = ReplState()
        self.programs = Programs()
        self.raw_entry: RawEntry | None = None
        self.holds: set[str] = set()  # joined: on the Wi-Fi; ready: the application listens
        self.banner = ""
        self.watchdog_at: float | None = None
        self.watchdog_ms = 0
        self.look_at: float | None = None
        self.locked = False
        self.heard_at = 0.0
        self.listens = True
        self.failures = 0
        self.over = False
        self.mischief = Mischief(self)
        self._requests = b""

    def run(self) -> int:
        """Serve until told to end; returns the exit code."""
        watch = Watch(self.host.lifeline)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: setattr(self, "over", True))
        signal.signal(signal.SIGUSR1, lambda *_: setattr(self, "over", orphaned(self.settings["parent"])))
        signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            flash = open_flash(self.flash, self.settings["flash_blocks"])
        except OSError as error:
            why = "another board has it" if isinstance(error, BlockingIOError) else error.strerror
            self.host.announce({"error": f"its flash image cannot be used: {why}"})
            return 1
        self._power_on()
        try:
            while not self.over:
                self._turn(watch)
        finally:
            self.child.close()
            self.port.close()
            self.switches.close()
            self.address.close()
            os.close(flash)
        return 0

    def _turn(self, watch: Watch) -> None:
        events = self._wait(watch)
        now = time.monotonic()
        if self.host.lifeline in events:
            self._obey(now)
        self.line.turn(now)
        self._serve(self.child.requests())  # first: it says how to read what follows
        if self.child.master in events and self._hear(self.child.read()):
            self.heard_at = now
        elif self.output.holding and self.listens and now - self.heard_at >= HELD_BYTES:
            self._show(self.output.flush())
        self._type(self.line.receive(now, self.port.plugged and self.port.master in events), now)
        if self.mischief.strike(now):
            return
        if self.watchdog_at is not None and now > self.watchdog_at:
            self.reset(rom.WATCHDOG)
        elif self.child.ended():
            self._ended()
        elif self._waits_for_itself(now):
            self._soft_reset()

    def _waits_for_itself(self, now: float) -> bool:
        """Whether the interpreter hangs as no chip does.

        On Unix it raises KeyboardInterrupt wherever it is, also while it holds the lock of its heap.
        """
        if now > self.keyboard.interrupted_at + SUSPECT:
            self.look_at, self.locked = None, False
        elif self.look_at is None or now >= self.look_at:
            before, self.locked = self.locked, self.child.locked
            self.look_at = now + LOOK
            return before and self.locked
        return False

    def _wait(self, watch: Watch) -> set[int]:
        """Sleep until there is something to do; the descriptors that can be read."""
        now = time.monotonic()
        self.listens = not self.line.congested(now)
        wanted = {
            self.child.control: READ,
            self.child.master: READ * self.listens | WRITE * self.keyboard.blocked,
        }
        if self.port.plugged:
            wanted[self.port.master] = READ * self.line.listens | WRITE * self.port.waiting
        times = (self.keyboard.wake_at, self.watchdog_at, self.look_at, self.line.wake_at, self.mischief.wake_at)
        waits = [at - now for at in times if at is not None]
        if self.output.holding:
            waits.append(HELD_BYTES)
        if not self.listens:
            waits.append(CONGESTED)
        return watch.wait(wanted, max(0.0, min(waits)) if waits else None)

    def _type(self, keys: bytes, now: float) -> None:
        """What a client has typed reaches the board, unless a fault that waits for it is quicker."""
        if not keys:
            self.keyboard.pump(self.child)
            return
        for _ in range(self.programs.feed(keys, self.repl.raw)):
            self.mischief.happened("exec", now)
            if self.mischief.strike(now):
                return
        self.keyboard.type(keys, self.child)

    # --- the interpreter

    def _power_on(self) -> None:
        """The first start. Faults that the board has from the beginning come before boot.py."""
        now = time.monotonic()
        self._start(rom.PWRON_RESET, held=bool(self.settings["faults"]))
        if self.settings["faults"]:
            for text in self.settings["faults"]:
                self.mischief.give(parse(text), now)
            if self.mischief.restarts or self.mischief.standstill:
                return
            self._stop()
            self._start(rom.PWRON_RESET)
        self.line.send(rom.POWER_ON.console, now)

    def _start(self, cause: int, raw: bool = False, held: bool = False) -> None:
        prefix = b"\xfe" + secrets.token_bytes(6)
        self.output = Output(prefix, renaming(self.banner, MACHINE))
        self.raw_entry = RawEntry() if raw else None
        self.awaiting_done = True
        self.keyboard.restart()
        self.programs = Programs()
        self.holds.discard("ready")
        self._requests = b""
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
                "held": held,
                "joined": "joined" in self.holds,
                "ssid": self.settings["wifi_ssid"],
                "password": self.settings["wifi_password"],
                "address": self.address.text,
                "mac": list(self.address.mac),
                "camera": self.settings["camera"].replace("-", "_"),
                "machine": MACHINE,
                "switches": str(self.switches.path),
                "cells": CELLS,
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
                self._announce_up()
            elif event.letter == DONE:
                self.awaiting_done = False

    def _announce_up(self) -> None:
        self.host.announce({"path": self.port.path, "address": self.address.text})

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
            self.line.send(data, time.monotonic())

    def _serve(self, data: bytes) -> None:
        *lines, self._requests = (self._requests + data).split(b"\n")
        child = self.child
        for line in lines:
            if self.child is not child:
                return  # the rest is of an interpreter that is gone
            letter, value = line[:1], line[1:].decode()
            if letter == b"V":
                self.banner = value
                self.output.rename = renaming(self.banner, MACHINE)
            elif letter in EVENTS:
                self._happened(EVENTS[letter], int(value) if value else None)
            elif letter == b"w":
                self.holds.discard("joined")
            elif letter == b"D":
                self.watchdog_ms = int(value)
                self.watchdog_at = time.monotonic() + self.watchdog_ms / 1000
            elif letter == b"R":
                self.reset(rom.SOFTWARE)
            elif letter == b"P":
                self.mischief.power_failed(time.monotonic())
            elif letter == b"S":
                self._soft_reset()

    def _happened(self, event: str, number: int | None) -> None:
        if event in ("joined", "ready"):
            self.holds.add(event)
        self.mischief.happened(event, time.monotonic(), number)

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
        self.host.announce({"error": f"MicroPython cannot reach boot.py ({error[0]})", "details": text})
        self.over = True

    def _soft_reset(self) -> None:
        self._stop()
        now = time.monotonic()
        self.mischief.restarted(hard=False, now=now)
        self.line.send(rom.SOFT_REBOOT, now)
        self._start(rom.SOFT_RESET, raw=self.repl.raw)

    def reset(self, kind: rom.Reset) -> None:
        """A hard reset: everything but the flash is lost."""
        self._stop()
        now = time.monotonic()
        self.holds.clear()
        self.watchdog_at = None
        self.repl = ReplState()
        self.keyboard.discard()
        self.line.discard()
        self.mischief.restarted(hard=True, now=now)
        self.line.send(kind.console, now)
        self._start(kind.cause, held=not kind.starts)

    def freeze(self) -> None:
        """The chip hangs: what runs stops where it is, and its connections stay open and get no answer."""
        self.child.freeze()
        self.keyboard.started = False
        self._announce_up()

    def plug(self, in_: bool) -> None:
        """Have the serial port there, or take it away. The board itself takes no notice."""
        if in_ and not self.port.plugged:
            self.port.plug()
        elif not in_ and self.port.plugged:
            self.port.unplug()

    def _stop(self) -> None:
        self.child.kill()
        while data := self.child.read():
            self._hear(data)
        self.child.close()

    # --- the one who started the board

    def _obey(self, now: float) -> None:
        for command in self.host.commands():
            what = command["do"]
            if what == "power_cycle":
                self.reset(rom.POWER_ON)
            elif what == "fault":
                self.mischief.give(parse(command["fault"]), now)
            elif what == "clear":
                self.mischief.clear(command["fault"], now)
            self.host.answer({"struck": self.mischief.struck} if what == "struck" else {})
        self.over = self.over or self.host.gone
