"""The serial line between a board and its port, with whatever is wrong with it: the seam for faults of the line."""

from __future__ import annotations

from camrig.virtual.link.noise import Garble, Lose
from camrig.virtual.link.pacer import Pacer
from camrig.virtual.link.pty import PtyPort


class Way:
    """One direction: what passes is garbled and thinned out first, and then takes its time."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.garble: Garble | None = None
        self.lose: Lose | None = None
        self.pacer: Pacer | None = None

    @property
    def full(self) -> bool:
        return self.pacer is not None and self.pacer.full

    def set(self, fault: str, amount: float | None) -> bytes:
        """Put ``garble``, ``lose`` or ``baud`` in force, or end it (None); returns bytes that are on time at last."""
        rest = b""
        if fault == "garble":
            self.garble = Garble(amount, self._name) if amount else None
        elif fault == "lose":
            self.lose = Lose(amount, self._name) if amount else None
        else:
            rest = self.rest()
            self.pacer = Pacer(amount) if amount else None
        return rest

    def rest(self) -> bytes:
        """What is under way, at once."""
        return self.pacer.rest() if self.pacer else b""

    def through(self, data: bytes, now: float) -> bytes:
        """Send ``data`` (or nothing); what comes out at the other end by ``now``."""
        for noise in (self.garble, self.lose):
            if noise is not None:
                data = noise(data)
        if self.pacer is None:
            return data
        self.pacer.push(data, now)
        return self.pacer.due(now)


class SerialLine:
    """Both directions of a board's serial line. All calls return at once; ``now`` is the monotonic clock."""

    def __init__(self, port: PtyPort) -> None:
        self.port = port
        self._out = Way("out")
        self._in = Way("in")
        self._arrived = b""

    def set(self, fault: str, amount: float | None, now: float) -> None:
        """Put a fault of the line in force with ``amount``, or end it with None."""
        self._deliver(self._out.set(fault, amount), now)
        self._arrived += self._in.set(fault, amount)

    def send(self, data: bytes, now: float) -> None:
        """From the board to its client."""
        self._deliver(self._out.through(data, now), now)

    def receive(self, now: float, readable: bool) -> bytes:
        """What of the client's bytes has reached the board."""
        data = self._arrived + self._in.through(self.port.read() if readable else b"", now)
        self._arrived = b""
        return data

    def discard(self) -> None:
        """Forget what a client has sent so far: the board was not there to take it."""
        while self.port.plugged and self.port.read():
            pass
        self._in.rest()
        self._arrived = b""

    def turn(self, now: float) -> None:
        """Move on what is under way to the client."""
        self.send(b"", now)
        self.port.flush(now)

    @property
    def listens(self) -> bool:
        """Whether the line has room for more from the client."""
        return not self._in.full

    def congested(self, now: float) -> bool:
        """Whether the board should wait before it says more."""
        return self._out.full or self.port.congested(now)

    @property
    def wake_at(self) -> float | None:
        """When ``turn`` or ``receive`` has something to do again by itself."""
        if self._arrived:
            return float("-inf")
        times = [way.pacer.next_at for way in (self._in, self._out) if way.pacer is not None]
        return min((at for at in times if at is not None), default=None)

    def _deliver(self, data: bytes, now: float) -> None:
        if data:
            self.port.write(data, now)
