"""The faults of one board: which wait, which are in force, and what each of them does to it."""

from __future__ import annotations

from typing import Any, Protocol

from camrig.virtual import rom
from camrig.virtual.fault_cells import Switches
from camrig.virtual.fault_schedule import Armed
from camrig.virtual.faults import HARD, SOFT, Fault
from camrig.virtual.link.serial_line import SerialLine
from camrig.virtual.log_flood import Flood
from camrig.virtual.repl_input import Keyboard

CRASHES = {
    "reset": rom.SOFTWARE,
    "guru": rom.PANIC,
    "brownout": rom.BROWNOUT,
    "task-wdt": rom.WATCHDOG,
    "int-wdt": rom.INTERRUPT_WATCHDOG,
}
CUT = "power-cut"


class Board(Protocol):
    """What a fault can get hold of."""

    keyboard: Keyboard
    line: SerialLine
    switches: Switches

    holds: set[str]  # the events that are states, and last

    def reset(self, kind: rom.Reset) -> None: ...

    def freeze(self) -> None:
        """Have nothing run any more, until a hard reset."""

    def plug(self, in_: bool) -> None:
        """Take the USB adapter away, or put it back."""


class Mischief:
    """Strikes ``board`` with the faults that it is given. ``now`` is the monotonic clock."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.struck: list[dict[str, Any]] = []  # the fault as text, and when it struck
        self.flood: Flood | None = None
        self._armed = Armed()
        self._in_force: dict[str, Fault] = {}
        self._over_at: dict[str, float] = {}
        self._cuts: list[Fault] = []
        self.standstill: Fault | None = None  # what keeps the chip from running anything
        self.restarts = 0
        self._asked: tuple[int, float] | None = None  # an event that the board waits at, and when it was

    def give(self, fault: Fault, now: float) -> None:
        """Arm a fault; one that strikes now has struck when this returns."""
        self._armed.arm(fault, now, self.board.holds)
        self.strike(now)

    def clear(self, name: str | None, now: float) -> None:
        """End faults of that name, or all: the board is as good as new, though its flash is what it is."""
        self._armed.disarm(name)
        for found in [fault for fault in self._in_force if name in (None, fault)]:
            self._end(found, now)
        if name in (None, CUT):
            self._cuts.clear()
            self.board.switches["cut"] = 0
        if self.standstill is not None and name in (None, self.standstill.name):
            self.board.reset(rom.POWER_ON)
        self.board.switches.wait_at(self._armed.awaited)

    def happened(self, event: str, now: float, number: int | None = None) -> None:
        """Something that faults may wait for. With a ``number`` the board side waits until it is acknowledged."""
        self._armed.happened(event, now)
        if number is not None:
            self._asked = (number, now)

    def strike(self, now: float) -> bool:
        """Do what is due. Returns whether the board was restarted."""
        restarts = self.restarts
        if self._asked is not None:
            now = max(now, self._asked[1])  # what was to happen at that event is due before the board goes on
        for name in [name for name, at in self._over_at.items() if at <= now]:
            self._end(name, now)
        for fault in self._armed.due(now):
            self._do(fault, now)
        if self.flood is not None and (text := self.flood.due(now)) and not self.board.line.congested(now):
            self.board.line.send(text, now)
        self.board.switches.wait_at(self._armed.awaited)
        if self._asked is not None:
            self.board.switches["ack"] = self._asked[0]
            self._asked = None
        return self.restarts != restarts

    @property
    def wake_at(self) -> float | None:
        """When ``strike`` has something to do by the clock."""
        times = [self._armed.wake_at, *self._over_at.values(), self.flood.next_at if self.flood else None]
        return min((at for at in times if at is not None), default=None)

    def power_failed(self, now: float) -> None:
        """A flash write has reached the byte of a power cut."""
        self.board.switches["cut"] = 0
        if self._cuts:  # it may have been cleared meanwhile, but the write is torn
            self._note(self._cuts.pop(0), now)
        self.board.reset(rom.POWER_ON)
        if self._cuts:
            self.board.switches["cut"] = int(self._cuts[0].amount) + 1

    def restarted(self, hard: bool, now: float) -> None:
        """The board is about to start again: some faults are over with that."""
        self.restarts += 1
        self._asked = None
        self.board.switches["ack"] = 0
        for name, fault in list(self._in_force.items()):
            if fault.kind.lasts == SOFT or (hard and fault.kind.lasts == HARD):
                self._end(name, now)
        if hard:
            self.standstill = None

    def _note(self, fault: Fault, now: float) -> None:
        self.struck.append({"fault": str(fault), "at": now})

    def _do(self, fault: Fault, now: float) -> None:
        if fault.name == CUT:
            self._cuts.append(fault)
            if len(self._cuts) == 1:
                self.board.switches["cut"] = int(fault.amount) + 1
            return
        self._note(fault, now)
        if fault.name in CRASHES:
            self.board.reset(CRASHES[fault.name])
        elif fault.name == "silent":
            self.board.freeze()
            self.standstill = fault
        elif fault.name == "boot-loader":
            self.board.reset(rom.BOOT_LOADER)
            self.standstill = fault
        else:
            self._in_force[fault.name] = fault
            self._set(fault.name, fault.amount, now)
            if fault.name in ("port-lost", "wifi-lost") and fault.amount:
                self._over_at[fault.name] = now + fault.amount

    def _end(self, name: str, now: float) -> None:
        del self._in_force[name]
        self._over_at.pop(name, None)
        self._set(name, None, now)

    def _set(self, name: str, amount: float | None, now: float) -> None:
        """Put a lasting fault in force with ``amount``, or out of force with None."""
        board, on = self.board, amount is not None
        number = int(amount or 0)
        if name in ("garble", "lose", "baud"):
            board.line.set(name, amount, now)
        elif name == "flood":
            self.flood = Flood(amount, now) if amount else None
        elif name == "ignore-ctrl-c":
            board.keyboard.deaf = on
        elif name == "port-lost":
            board.plug(not on)
        elif name == "server-hang":
            board.switches["hang"] = int(on)
        elif name == "wifi-lost":
            board.switches["away"] = int(on)
        elif name == "wifi-refused":
            board.switches["refuse"] = number
        elif name == "wifi-slow":
            board.switches["slow_ms"] = int((amount or 0) * 1000)
        elif name == "enobufs":
            board.switches["enobufs"] = number
        elif name == "heap-exhausted":
            board.switches["heap"] = number
        else:  # flash-full
            board.switches["fill"] = number + 2 if on else 1
