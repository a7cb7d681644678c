"""Which faults wait for their moment. No I/O: the caller reports the events, and passes the time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from camrig.virtual.faults import NOW, Fault


@dataclass
class PendingFault:
    """A fault, and how often its event has happened since it was added."""

    fault: Fault
    count: int = 0


class FaultSchedule:
    """Faults from when they are added until they strike."""

    def __init__(self) -> None:
        self._pending: list[PendingFault] = []
        self._timed: list[tuple[float, Fault]] = []

    @property
    def awaited(self) -> set[str]:
        """The events that some fault waits for."""
        return {pending.fault.moment.event for pending in self._pending}

    @property
    def wake_at(self) -> float | None:
        """When the next one strikes by the clock."""
        return min((at for at, _ in self._timed), default=None)

    def add(self, fault: Fault, now: float, states: Collection[str] = ()) -> None:
        """Let ``fault`` wait. An event that is in ``states``, because it still holds, counts as just happened."""
        pending = PendingFault(fault)
        self._pending.append(pending)
        if fault.moment.event == NOW or fault.moment.event in states:
            self._count(pending, now)

    def discard(self, fault: Fault) -> None:
        """Forget this fault, if it still waits."""
        self._pending = [pending for pending in self._pending if pending.fault is not fault]
        self._timed = [(at, timed) for at, timed in self._timed if timed is not fault]

    def happened(self, event: str, now: float) -> None:
        for pending in list(self._pending):
            if pending.fault.moment.event == event:
                self._count(pending, now)

    def take_due(self, now: float) -> list[Fault]:
        """The faults that strike now, in their order; they are no longer on the schedule."""
        due = sorted((entry for entry in self._timed if entry[0] <= now), key=lambda entry: entry[0])
        self._timed = [entry for entry in self._timed if entry[0] > now]
        return [fault for _, fault in due]

    def remove(self, name: str | None) -> None:
        """Forget the faults of that name, or all of them."""
        self._pending = [p for p in self._pending if name is not None and p.fault.name != name]
        self._timed = [(at, fault) for at, fault in self._timed if name is not None and fault.name != name]

    def _count(self, pending: PendingFault, now: float) -> None:
        moment = pending.fault.moment
        pending.count += 1
        if moment.count in (0, pending.count):
            self._timed.append((now + moment.seconds, pending.fault))
        if moment.count == pending.count:
            self._pending.remove(pending)
