"""Which faults wait for their moment. No I/O; the caller says what happens and what time it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from camrig.virtual.faults import NOW, Fault


@dataclass
class Waiting:
    """A fault, and how often its event has happened since it was given."""

    fault: Fault
    seen: int = 0


class Armed:
    """Faults from being given until they strike."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._timed: list[tuple[float, Fault]] = []

    @property
    def awaited(self) -> set[str]:
        """The events that some fault waits for."""
        return {waiting.fault.moment.event for waiting in self._waiting}

    @property
    def wake_at(self) -> float | None:
        """When the next one strikes by the clock."""
        return min((at for at, _ in self._timed), default=None)

    def arm(self, fault: Fault, now: float, holds: Collection[str] = ()) -> None:
        """Let ``fault`` wait; an event in ``holds`` counts as just happened."""
        waiting = Waiting(fault)
        self._waiting.append(waiting)
        if fault.moment.event == NOW or fault.moment.event in holds:
            self._count(waiting, now)

    def happened(self, event: str, now: float) -> None:
        for waiting in list(self._waiting):
            if waiting.fault.moment.event == event:
                self._count(waiting, now)

    def due(self, now: float) -> list[Fault]:
        """The faults that strike now, in their order; they wait no longer."""
        due = sorted((entry for entry in self._timed if entry[0] <= now), key=lambda entry: entry[0])
        self._timed = [entry for entry in self._timed if entry[0] > now]
        return [fault for _, fault in due]

    def disarm(self, name: str | None) -> None:
        """Forget faults of that name, or all."""
        self._waiting = [w for w in self._waiting if name is not None and w.fault.name != name]
        self._timed = [(at, fault) for at, fault in self._timed if name is not None and fault.name != name]

    def _count(self, waiting: Waiting, now: float) -> None:
        moment = waiting.fault.moment
        waiting.seen += 1
        if moment.count in (0, waiting.seen):
            self._timed.append((now + moment.seconds, waiting.fault))
        if moment.count == waiting.seen:
            self._waiting.remove(waiting)
