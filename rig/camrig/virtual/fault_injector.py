"""The faults of one board: which are pending, which are active, and what each of them does to the board."""

from __future__ import annotations

from typing import Any, Protocol

from camrig.virtual import rom
from camrig.virtual.fault_cells import FaultCells
from camrig.virtual.fault_schedule import FaultSchedule
from camrig.virtual.faults import UNTIL_ANY_RESET, UNTIL_HARD_RESET, Fault
from camrig.virtual.link.serial_line import SerialLine
from camrig.virtual.log_flood import LogFlood
from camrig.virtual.repl_input import ReplInput

CRASHES = {
    "reset": rom.SOFTWARE,
    "power-fail": rom.POWER_ON,
    "guru": rom.PANIC,
    "brownout": rom.BROWNOUT,
    "task-wdt": rom.WATCHDOG,
    "int-wdt": rom.INTERRUPT_WATCHDOG,
}
POWER_CUT = "power-cut"
# The cells that faults without a number switch on, and the others' with what their numbers are multiplied by.
SWITCHES = {"server-hang": "hang", "wifi-lost": "away", "port-closed": "closed", "camera-frozen": "camera_frozen"}
NUMBERS = {
    "wifi-refused": ("refuse", 1),
    "wifi-slow": ("slow_ms", 1000),
    "enobufs": ("enobufs", 1),
    "camera-error": ("camera", 1),
    "heap-exhausted": ("heap", 1),
    "weak-signal": ("rssi", 1),
    "net-reset": ("reset_ppm", 1e6),
    "net-drop": ("drop_ppm", 1e6),
    "net-lose": ("late_ppm", 1e6),
    "net-delay": ("delay_ms", 1),
    "net-jitter": ("jitter_ms", 1),
    "camera-stale": ("camera_buffers", 1),
    "camera-cut": ("camera_cut_ppm", 1e6),
    "camera-late": ("camera_late_ms", 1),
}


class FaultTarget(Protocol):
    """What a fault can act on."""

    repl_input: ReplInput
    line: SerialLine
    cells: FaultCells

    hub_lies: bool  # about the power that it switches
    states: set[str]  # the events that last until something ends them

    def reset(self, kind: rom.HardReset) -> None: ...

    def freeze(self) -> None:
        """Stop everything that runs, until a hard reset."""

    def move(self) -> None:
        """Lease another address, for the next start."""

    def plug(self, in_: bool) -> None:
        """Unplug the USB adapter, or plug it in again."""


class FaultInjector:
    """Strikes ``board`` with the faults that are added. ``now`` is the monotonic clock."""

    def __init__(self, board: FaultTarget) -> None:
        self.board = board
        self.struck: list[dict[str, Any]] = []  # the fault as text, and when it struck
        self.standstill: Fault | None = None  # the fault that keeps the chip from running anything
        self.restarts = 0
        self._log_flood: LogFlood | None = None
        self._schedule = FaultSchedule()
        self._active: dict[str, Fault] = {}
        self._ends_at: dict[str, float] = {}
        self._power_cuts: list[Fault] = []
        self._firmware: list[Fault] = []
        self._unacknowledged: tuple[int, float] | None = None  # an event at which the board waits, and its time

    def add(self, fault: Fault, now: float) -> None:
        """Put a fault on the schedule; one that strikes now has struck when this returns."""
        self._schedule.add(fault, now, self.board.states)
        self.strike(now)

    def replace_firmware(self, faults: list[Fault], now: float) -> None:
        """Put the faults of the firmware that is about to start in place of those of the one before."""
        for fault in self._firmware:
            self._schedule.discard(fault)
        self._firmware = faults
        for fault in faults:
            self._schedule.add(fault, now)
        self.board.cells.wait_at(self._schedule.awaited)

    def clear(self, name: str | None, now: float) -> None:
        """End the faults of that name, or all of them. What they have done to the flash stays."""
        self._schedule.remove(name)
        for active in [fault for fault in self._active if name in (None, fault)]:
            self._end(active, now)
        if name in (None, POWER_CUT):
            self._power_cuts.clear()
            self.board.cells["cut"] = 0
        if self.standstill is not None and name in (None, self.standstill.name):
            self.board.reset(rom.POWER_ON)
        self.board.cells.wait_at(self._schedule.awaited)

    def happened(self, event: str, now: float, number: int | None = None) -> None:
        """Report an event. If it has a ``number``, the board side waits until that is acknowledged."""
        self._schedule.happened(event, now)
        if number is not None:
            self._unacknowledged = (number, now)

    def strike(self, now: float) -> bool:
        """Do what is due. Returns whether the board was restarted."""
        restarts = self.restarts
        if self._unacknowledged is not None:
            now = max(now, self._unacknowledged[1])  # what is due at that event strikes before the board goes on
        for name in [name for name, at in self._ends_at.items() if at <= now]:
            self._end(name, now)
        for fault in self._schedule.take_due(now):
            self._apply(fault, now)
        if self._log_flood is not None:
            text = self._log_flood.take_due(now)
            if text and not self.board.line.congested(now):
                self.board.line.send(text, now)
        self.board.cells.wait_at(self._schedule.awaited)
        if self._unacknowledged is not None:
            self.board.cells["ack"] = self._unacknowledged[0]
            self._unacknowledged = None
        return self.restarts != restarts

    @property
    def wake_at(self) -> float | None:
        """When ``strike`` has something to do by the clock."""
        flood_at = self._log_flood.next_at if self._log_flood else None
        times = [self._schedule.wake_at, *self._ends_at.values(), flood_at]
        return min((at for at in times if at is not None), default=None)

    def power_failed(self, now: float) -> None:
        """A flash write has reached the byte of a power cut."""
        self.board.cells["cut"] = 0
        if self._power_cuts:  # it may have been cleared meanwhile, but the write is torn
            self._record(self._power_cuts.pop(0), now)
        self.board.reset(rom.POWER_ON)
        if self._power_cuts:
            self.board.cells["cut"] = int(self._power_cuts[0].amount) + 1

    def restarted(self, hard: bool, now: float) -> None:
        """The board is about to start again: end the faults that last until then."""
        self.restarts += 1
        self._unacknowledged = None
        self.board.cells["ack"] = 0
        for name, fault in list(self._active.items()):
            if fault.kind.lasts == UNTIL_ANY_RESET or (hard and fault.kind.lasts == UNTIL_HARD_RESET):
                self._end(name, now)
        if hard:
            self.standstill = None

    def _record(self, fault: Fault, now: float) -> None:
        self.struck.append({"fault": str(fault), "at": now})

    def _apply(self, fault: Fault, now: float) -> None:
        if fault.name == POWER_CUT:
            self._power_cuts.append(fault)
            if len(self._power_cuts) == 1:
                self.board.cells["cut"] = int(fault.amount) + 1
            return
        self._record(fault, now)
        if fault.name in CRASHES:
            self.board.reset(CRASHES[fault.name])
        elif fault.name == "silent":
            self.board.freeze()
            self.standstill = fault
        elif fault.name == "boot-loader":
            self.board.reset(rom.BOOT_LOADER)
            self.standstill = fault
        else:
            self._active[fault.name] = fault
            self._set(fault.name, fault.amount, now)
            if fault.name in ("port-lost", "wifi-lost", "port-closed") and fault.amount:
                self._ends_at[fault.name] = now + fault.amount

    def _end(self, name: str, now: float) -> None:
        del self._active[name]
        self._ends_at.pop(name, None)
        self._set(name, None, now)

    def _set(self, name: str, amount: float | None, now: float) -> None:
        """Start a lasting fault with ``amount``, or end it with None."""
        board, on = self.board, amount is not None
        number = int(amount or 0)
        if name in ("garble", "lose", "baud"):
            board.line.set(name, amount, now)
        elif name == "flood":
            self._log_flood = LogFlood(amount, now) if amount else None
        elif name == "ignore-ctrl-c":
            board.repl_input.ignores_ctrl_c = on
        elif name == "port-lost":
            board.plug(not on)
        elif name == "hub-lies":
            board.hub_lies = on
        elif name in SWITCHES:
            board.cells[SWITCHES[name]] = int(on)
        elif name == "new-address":
            board.cells["moved"] = int(on)
            if on:
                board.move()
        elif name in NUMBERS:
            cell, scale = NUMBERS[name]
            board.cells[cell] = round((amount or 0) * scale)
        else:  # flash-full
            board.cells["fill"] = number + 2 if on else 1
