"""The process that holds a virtual board: its port, its power, and the interpreter that it restarts."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from camrig.parent_death import orphaned
from camrig.virtual import rom
from camrig.virtual.app_slots import AppSlots
from camrig.virtual.config import FIRMWARE_HEAP, InterpreterFile
from camrig.virtual.control_channel import ControlChannel
from camrig.virtual.deadlock_detector import DeadlockDetector
from camrig.virtual.expiry import Expiry
from camrig.virtual.fault_cells import CELLS, EVENT_LETTERS, FaultCells
from camrig.virtual.fault_injector import FaultInjector
from camrig.virtual.faults import parse
from camrig.virtual.flash import open_flash
from camrig.virtual.interpreter import Interpreter
from camrig.virtual.link.address import LoopbackAddress
from camrig.virtual.link.pty import PtyPort
from camrig.virtual.link.serial_line import SerialLine
from camrig.virtual.poller import READ, WRITE, Poller
from camrig.virtual.repl_input import ReplInput
from camrig.virtual.repl_output import UP, ConsoleBytes, StartupMark
from camrig.virtual.repl_state import ProgramCount, ReplState
from camrig.virtual.run_console import MACHINE, Keys, RunConsole

MESSAGE_TIMEOUT = 0.02  # seconds without more after which the beginning of a message is taken for text
CONGESTED = 0.05  # seconds until a board that outruns its reader is looked at again
COLLECTED_HEAP = 4 * 1024**2  # bytes of the heap whose collection a profile gives the time of
BOOT_ATTEMPTS = 3  # starts in a row that may fail before boot.py until the board counts as broken
EVENTS = {letter.encode(): event for event, letter in EVENT_LETTERS.items()}


class Supervisor:
    """Runs a board until ``command_fd`` ends, or is sent the word. ``settings`` are those that board.py writes."""

    def __init__(self, settings: dict[str, Any], command_fd: int, response_fd: int) -> None:
        self.settings = settings
        self.home = Path(settings["home"])
        self.channel = ControlChannel(command_fd, response_fd)
        self.address = LoopbackAddress()
        self.mac = self.address.mac
        self._leases = [self.address]
        self.flash = Path(settings["flash"] or self.home / "flash.littlefs")
        self.port = PtyPort(self.home / "board")
        self.line = SerialLine(self.port)
        self.cells = FaultCells(self.home / "fault-cells")
        self.repl_input = ReplInput()
        self.repl = ReplState()
        self.programs = ProgramCount()
        self.deadlock = DeadlockDetector()
        self.states: set[str] = set()  # joined: on the Wi-Fi; ready: the application listens
        self.banner = ""
        self.watchdog_at: float | None = None
        self.output_at = 0.0  # when the interpreter last printed something
        self.reads_output = True
        self.failed_starts = 0
        self.powered_at = time.monotonic()  # or reset
        self.hub_lies = False
        self.stopping = False
        self.expiry = Expiry(settings.get("kept"), time.monotonic())
        self.injector = FaultInjector(self)
        self._requests = b""

    def run(self) -> int:
        """Serve until the board is closed; returns the exit code."""
        poller = Poller(self.channel.command_fd)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: setattr(self, "stopping", True))
        signal.signal(signal.SIGUSR1, lambda *_: setattr(self, "stopping", self._is_orphaned()))
        signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            flash = open_flash(self.flash, self.settings["flash_blocks"])
            slots = self.flash.with_name(self.flash.name + ".slots")
            self.slots = AppSlots(slots, self.settings["ota"], self.settings["flash_blocks"])
        except OSError as error:
            reason = "another board uses it" if isinstance(error, BlockingIOError) else error.strerror
            self.channel.announce({"error": f"its flash image cannot be used: {reason}"})
            return 1
        self._power_on()
        try:
            while not self.stopping:
                self._turn(poller)
        finally:
            self.interpreter.close()
            self.port.close()
            self.cells.close()
            for lease in self._leases:
                lease.close()
            self.slots.close()
            os.close(flash)
        return 0

    def _is_orphaned(self) -> bool:
        return "kept" not in self.settings and orphaned(self.settings["parent"])

    def _turn(self, poller: Poller) -> None:
        readable = self._wait(poller)
        now = time.monotonic()
        if self.channel.command_fd in readable:
            self._run_commands(now)
        self.stopping = self.stopping or self.expiry.passed(now)
        self.line.turn(now)
        self._handle_requests(self.interpreter.requests())  # first: they say how to read the output that follows
        if self.interpreter.master in readable and self._read_output():
            self.output_at = now
        elif self.console.holding and self.reads_output and now - self.output_at >= MESSAGE_TIMEOUT:
            self._show(self.console.flush())
        self._type(self.line.receive(now, self.port.plugged and self.port.master in readable), now)
        if self.injector.strike(now):
            return
        if self.watchdog_at is not None and now > self.watchdog_at:
            self.reset(rom.WATCHDOG)
        elif self.interpreter.ended():
            self._interpreter_ended()
        elif self.deadlock.check(self.interpreter, self.repl_input.interrupted_at, now):
            self._soft_reset()

    def _wait(self, poller: Poller) -> set[int]:
        """Sleep until there is something to do; the descriptors that can be read."""
        now = time.monotonic()
        self.reads_output = not self.line.congested(now)
        masks = {
            self.interpreter.control: READ,
            self.interpreter.master: READ * self.reads_output | WRITE * self.repl_input.blocked,
        }
        if self.port.plugged:
            masks[self.port.master] = READ * self.line.has_room | WRITE * self.port.waiting
        times = [self.watchdog_at, self.repl_input.wake_at, self.deadlock.wake_at]
        times += [self.line.wake_at, self.injector.wake_at, self.expiry.wake_at]
        waits = [at - now for at in times if at is not None]
        if self.console.holding:
            waits.append(MESSAGE_TIMEOUT)
        if not self.reads_output:
            waits.append(CONGESTED)
        return poller.wait(masks, max(0.0, min(waits)) if waits else None)

    def _type(self, keys: bytes, now: float) -> None:
        """Pass on what a client has typed, unless a fault that waits for it strikes first."""
        if not keys:
            self.repl_input.pump(self.interpreter)
            return
        self.expiry.used(now)
        for _ in range(self.programs.feed(keys, self.repl.raw)):
            self.injector.happened("exec", now)
            if self.injector.strike(now):
                return
        self.repl_input.type(keys, self.interpreter)

    # --- the interpreter

    def _power_on(self) -> None:
        """The first start. Faults that the board has from the beginning come before boot.py."""
        now = time.monotonic()
        self._choose_firmware(now)
        self._start(rom.PWRON_RESET, held=bool(self.settings["faults"]))
        if self.settings["faults"]:
            for text in self.settings["faults"]:
                self.injector.add(parse(text), now)
            if self.injector.restarts or self.injector.standstill:
                return
            self._stop()
            self._start(rom.PWRON_RESET)
        self.line.send(rom.POWER_ON.console, now)

    def _start(self, cause: int, raw: bool = False, held: bool = False) -> None:
        prefix = b"\xfe" + secrets.token_bytes(6)
        firmware = self.slots.board_settings
        self.console = RunConsole(prefix, self.banner, self.repl, raw, firmware["firmware"])
        self.repl_input.restart()
        self.repl_input.held = raw
        self.programs = ProgramCount()
        self.states.discard("ready")
        self._requests = b""
        self.interpreter = Interpreter(
            InterpreterFile(**self.settings["interpreter"]),
            self.settings["heap"] + FIRMWARE_HEAP,
            {
                "prefix": prefix.hex(),
                "flash": str(self.flash),
                "blocks": self.settings["flash_blocks"],
                "cause": cause,
                "up_ms": int(1000 * (time.monotonic() - self.powered_at)),
                "raw": raw,
                "held": held,
                "joined": "joined" in self.states,
                "ssid": self.settings["wifi_ssid"],
                "password": self.settings["wifi_password"],
                "address": self.address.text,
                "mac": list(self.mac),
                "camera": self.settings["camera"].replace("-", "_"),
                **self._waits(cause),
                "machine": MACHINE,
                "fault_cells": str(self.cells.path),
                "cells": CELLS,
                **firmware,
            },
        )

    def _choose_firmware(self, now: float) -> None:
        """The boot loader's work: choose the slot that starts, whose firmware may have faults of its own."""
        self.line.send(self.slots.boot().encode(), now)
        faults = self.slots.image.faults if self.slots.image is not None else ()
        self.injector.replace_firmware([parse(text) for text in faults], now)

    def _waits(self, cause: int) -> dict[str, int]:
        """What the board's work costs in this run of the interpreter, in milliseconds."""
        costs, heap = self.settings["costs"], self.settings["heap"]
        return {
            "boot_ms": round(1000 * costs["boot"]) if cause != rom.SOFT_RESET else 0,
            "block_ms": round(1000 * costs["flash_block"]),
            "call_ms": round(1000 * costs["socket_call"]),
            "collection_ms": round(1000 * costs["collection"] * heap / COLLECTED_HEAP),
        }

    def _read_output(self) -> bool:
        data = self.interpreter.read()
        self._show(self.console.feed(data))
        return bool(data)

    def _show(self, events: Iterator[ConsoleBytes | StartupMark | Keys]) -> None:
        for event in events:
            if isinstance(event, ConsoleBytes):
                self.line.send(event.data, time.monotonic())
            elif isinstance(event, Keys):
                self.interpreter.write(event.data)
            elif event.letter == UP:
                self.failed_starts = 0
                self.repl_input.started = True
                self._announce_up()
        self.repl_input.held = self.console.entering_raw
        if self.console.failed:
            self.interpreter.kill()

    def _announce_up(self) -> None:
        self.channel.announce({"path": self.port.path, "address": self.address.text, "pid": os.getpid()})

    def _handle_requests(self, data: bytes) -> None:
        """What the board side asks of the supervisor: a letter and a value on each line."""
        *lines, self._requests = (self._requests + data).split(b"\n")
        interpreter = self.interpreter
        for line in lines:
            if self.interpreter is not interpreter:
                return  # the other lines are of an interpreter that is gone
            letter, value = line[:1], line[1:].decode()
            if letter == b"V":
                self.banner = value
                self.console.set_banner(value)
                self.slots.stock(value)
            elif letter in EVENTS:
                self._happened(EVENTS[letter], int(value) if value else None)
            elif letter == b"w":
                self.states.discard("joined")
            elif letter == b"D":
                self.watchdog_at = time.monotonic() + int(value) / 1000
            elif letter == b"R":
                self.reset(rom.SOFTWARE)
            elif letter == b"C":
                self.repl_input.interrupt_later()
            elif letter == b"P":
                self.injector.power_failed(time.monotonic())
            elif letter == b"O":
                self.cells["answer"] = self.slots.answer(value) + 1
            elif letter == b"S":
                self._soft_reset()

    def _happened(self, event: str, number: int | None) -> None:
        if event in ("joined", "ready"):
            self.states.add(event)
        self.injector.happened(event, time.monotonic(), number)

    def _interpreter_ended(self) -> None:
        """The interpreter ended by itself, or crashed."""
        self._read_output()
        self._handle_requests(self.interpreter.requests())
        if not self.interpreter.ended():
            return  # one of its last requests has replaced it
        if not self.console.up:
            self.failed_starts += 1
            if self.failed_starts >= BOOT_ATTEMPTS:
                self._give_up()
                return
        if os.WIFSIGNALED(self.interpreter.status or 0):
            self.reset(rom.PANIC)
        else:
            self._soft_reset()

    def _give_up(self) -> None:
        """The board never reaches boot.py, and would restart for ever."""
        error = f"MicroPython cannot reach boot.py ({self.console.early_error})"
        self.channel.announce({"error": error, "details": self.console.early_text})
        self.stopping = True

    def _soft_reset(self) -> None:
        self._stop()
        now = time.monotonic()
        self.injector.restarted(hard=False, now=now)
        self.line.send(rom.SOFT_REBOOT, now)
        self._start(rom.SOFT_RESET, raw=self.repl.raw)

    def reset(self, kind: rom.HardReset) -> None:
        """A hard reset: everything but the flash is lost."""
        self._stop()
        now = self.powered_at = time.monotonic()
        self.states.clear()
        self.watchdog_at = None
        self.repl = ReplState()
        self.repl_input.discard()
        self.line.discard()
        self.injector.restarted(hard=True, now=now)
        self.line.send(kind.console, now)
        if kind.starts:
            self._choose_firmware(now)
        self._start(kind.cause, held=not kind.starts)

    def freeze(self) -> None:
        """The chip hangs: what runs stops where it is, and its connections stay open and get no response."""
        self.interpreter.freeze()
        self.repl_input.started = False
        self._announce_up()

    def move(self) -> None:
        """Lease another address. The one before is kept, so that no other board answers at it."""
        self.address = LoopbackAddress()
        self._leases.append(self.address)

    def plug(self, in_: bool) -> None:
        """Plug the serial port in, or unplug it. The board itself does not notice."""
        if in_ and not self.port.plugged:
            self.port.plug()
        elif not in_ and self.port.plugged:
            self.port.unplug()

    def _stop(self) -> None:
        self.interpreter.kill()
        while self._read_output():
            pass
        self.interpreter.close()

    # --- the process that started the board

    def _run_commands(self, now: float) -> None:
        self.expiry.used(now)
        for command in self.channel.commands():
            name = command["do"]
            if name == "power_cycle":
                if not self.hub_lies:
                    self.reset(rom.POWER_ON)
            elif name == "fault":
                self.injector.add(parse(command["fault"]), now)
            elif name == "clear":
                self.injector.clear(command["fault"], now)
            elif name == "end":
                self.stopping = True
            response = {"struck": self.injector.struck} if name == "struck" else {}
            self.channel.respond(response | {"id": command.get("id")})
        self.stopping = self.stopping or self.channel.closed
