"""The serial line between a board and its port, and the faults of that line."""

from __future__ import annotations

from camrig.virtual.link.noise import BitFlips, ByteLoss
from camrig.virtual.link.pacer import Pacer
from camrig.virtual.link.pty import PtyPort


class LineDirection:
    """One direction of the line: bytes are garbled and lost first, and then delayed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.bit_flips: BitFlips | None = None
        self.byte_loss: ByteLoss | None = None
        self.pacer: Pacer | None = None

    @property
    def full(self) -> bool:
        return self.pacer is not None and self.pacer.full

    def set(self, fault: str, amount: float | None) -> bytes:
        """Start ``garble``, ``lose`` or ``baud``, or end it (None). Returns the bytes that are no longer delayed."""
        released = b""
        if fault == "garble":
            self.bit_flips = BitFlips(amount, self._name) if amount else None
        elif fault == "lose":
            self.byte_loss = ByteLoss(amount, self._name) if amount else None
        else:
            released = self.release()
            self.pacer = Pacer(amount) if amount else None
        return released

    def release(self) -> bytes:
        """What is on its way, at once."""
        return self.pacer.release() if self.pacer else b""

    def carry(self, data: bytes, now: float) -> bytes:
        """Send ``data``, which may be empty; returns what has arrived at the other end by ``now``."""
        for noise in (self.bit_flips, self.byte_loss):
            if noise is not None:
                data = noise(data)
        if self.pacer is None:
            return data
        self.pacer.push(data, now)
        return self.pacer.take_due(now)


class SerialLine:
    """Both directions of a board's serial line. No call blocks; ``now`` is the monotonic clock."""

    def __init__(self, port: PtyPort) -> None:
        self.port = port
        self._out = LineDirection("out")
        self._in = LineDirection("in")
        self._arrived = b""

    def set(self, fault: str, amount: float | None, now: float) -> None:
        """Start a fault of the line with ``amount``, or end it with None."""
        self._deliver(self._out.set(fault, amount), now)
        self._arrived += self._in.set(fault, amount)

    def send(self, data: bytes, now: float) -> None:
        """From the board to its client."""
        self._deliver(self._out.carry(data, now), now)

    def receive(self, now: float, readable: bool) -> bytes:
        """The bytes from the client that have reached the board."""
        data = self._arrived + self._in.carry(self.port.read() if readable else b"", now)
        self._arrived = b""
        return data

    def discard(self) -> None:
        """Drop what a client has sent so far, as a board does that is being reset."""
        while self.port.plugged and self.port.read():
            pass
        self._in.release()
        self._arrived = b""

    def turn(self, now: float) -> None:
        """Deliver what is due at the client."""
        self.send(b"", now)
        self.port.flush(now)

    @property
    def has_room(self) -> bool:
        """Whether the line accepts more from the client."""
        return not self._in.full

    def congested(self, now: float) -> bool:
        """Whether the board should wait before it prints more."""
        return self._out.full or self.port.congested(now)

    @property
    def wake_at(self) -> float | None:
        """When ``turn`` or ``receive`` has something to do by the clock."""
        if self._arrived:
            return float("-inf")
        times = [part.pacer.next_at for part in (self._in, self._out) if part.pacer is not None]
        return min((at for at in times if at is not None), default=None)

    def _deliver(self, data: bytes, now: float) -> None:
        if data:
            self.port.write(data, now)
