"""``camrig doctor --power``: starts that are counted, and what each that was not clean died of.

The current is highest while radio and camera start, so a supply that is too weak shows there, and often only in one
start of several. A start is clean if the chip starts once, joins the Wi-Fi, serves, and is up a moment later.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from camrig.board.crash import Crash, crash_of
from camrig.board.events import BROWNOUT, Crashed, Event, ResetCause, Restarted
from camrig.bringup.board import Board
from camrig.deadline import Deadline
from camrig.doctor.check import Check, State
from camrig.dut import Dut
from camrig.errors import BoardBrokenError, CamrigError, PortError, WifiError

NAME = "power"
STARTS = 10
SECONDS_UP = 1.0  # that a board has to stay up once it serves
POWER_ON, NO_WIFI, NO_PORT, DEAD, NOT_UP = "power-on reset", "no Wi-Fi", "port lost", "dead board", "failed start"
OF_POWER = (BROWNOUT, POWER_ON, NO_PORT)
_BY_ITSELF = (BROWNOUT, "watchdog reset")  # what a chip may name as the cause of the very reset that was asked for
_SUPPLY = (
    "supply 5 V with 1 A or more at the 5V pin through a short, thick cable, and put a capacitor of 470 µF or more "
    "between 5V and GND, close to the module"
)
_FIRMWARE = "flash the firmware that fits chip, flash and PSRAM of this module; if that does not help, " + _SUPPLY


@dataclass(frozen=True)
class StartRecord:
    """One start. ``kind`` is empty for a clean one, else what happened, which ``reason`` says in a sentence.

    ``hint`` is what to do, where that is known.
    """

    seconds: float
    kind: str = ""
    reason: str = ""
    hint: str = ""


def fault_of(events: Iterable[Event]) -> Crash | None:
    """What made a start unclean, by its ``events`` from the reset on; None if nothing did.

    The chip has to start once. A brownout explains whatever follows or comes before.
    """
    faults: list[Crash] = []
    begun: set[type[Event]] = set()
    for event in events:
        if not isinstance(event, (Crashed, Restarted, ResetCause)):
            continue
        crash = crash_of(event)
        is_first = not isinstance(event, Crashed) and type(event) not in begun
        begun.add(type(event))
        if crash is not None and (not is_first or crash.kind in _BY_ITSELF):
            faults.append(crash)
    return next((fault for fault in faults if fault.kind == BROWNOUT), faults[0] if faults else None)


def starts(board: Board, dut: Dut, count: int) -> Iterator[StartRecord]:
    """Start ``board``, which serves as ``dut``, ``count`` times. The last record may be that of a dead board."""
    for _ in range(count):
        try:
            try:
                board.session.repl()
            except CamrigError:
                board.recovery.bring_back()
        except BoardBrokenError as error:
            yield StartRecord(0.0, DEAD, error.what, error.hint)
            return
        yield _start(dut)


def _start(dut: Dut) -> StartRecord:
    console = dut.console
    seen, began = console.seen, time.monotonic()
    error: CamrigError | None = None
    try:
        dut.boot()
        seconds = time.monotonic() - began
        dut.request("GET", "/capture")  # whatever it answers: camera and radio are at work
        console.wait(lambda event: None, seen, Deadline.after(SECONDS_UP), lambda: fault_of(console.since(seen)))
    except CamrigError as reason:
        error, seconds = reason, time.monotonic() - began
    fault = fault_of(console.since(seen))
    if fault is not None:
        return StartRecord(seconds, fault.kind, fault.summary)
    if error is None:
        return StartRecord(seconds)
    kind = NO_WIFI if isinstance(error, WifiError) else NO_PORT if isinstance(error, PortError) else NOT_UP
    return StartRecord(seconds, kind, error.what, error.hint)


def start_check(number: int, start: StartRecord) -> Check:
    """The check of one start."""
    if start.kind:
        return Check(f"start {number}", State.WRONG, f"{start.kind} after {start.seconds:.1f} s: {start.reason}")
    return Check(f"start {number}", State.OK, f"it served after {start.seconds:.1f} s, and stayed up")


def power_check(done: Sequence[StartRecord], planned: int) -> Check:
    """The count over all starts that were ``done``, in a sentence, and what to do."""
    clean = [start.seconds for start in done if not start.kind]
    finding = f"{len(clean)} of {len(done)} starts were clean" if done else "no start was counted"
    if clean:
        finding += f", in {min(clean):.1f} to {max(clean):.1f} s"
    kinds = Counter(start.kind for start in done if start.kind)
    if kinds:
        finding += ": " + ", ".join(f"{count} × {kind}" for kind, count in kinds.most_common())
    if len(done) < planned:
        finding += f"; {planned} were to be counted"
    state = State.WRONG if kinds else State.OK if len(done) >= planned else State.NOTE
    return Check(NAME, state, finding, _advice(done))


def _advice(done: Sequence[StartRecord]) -> str:
    faults = [start for start in done if start.kind]
    if not faults:
        return ""
    if any(start.kind in OF_POWER for start in faults):
        return _SUPPLY
    return next((start.hint for start in faults if start.hint), _FIRMWARE)
