"""Watches a camera as a page does: its stream for a few pictures, or one picture at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from camrig.deadline import Deadline
from camrig.measure.frame_times import gaps
from camrig.probe.client import connect, lost_exchange, request_bytes, wait_until
from camrig.probe.connections import Connections
from camrig.probe.jpeg import Jpeg, examine
from camrig.probe.multipart import MultipartParser, Part, boundary_of
from camrig.probe.picture_number import Shown, read_number
from camrig.probe.response_parser import Head, LostExchangeError, ResponseParser
from camrig.redaction import excerpt

STREAM, CAPTURE = "/stream", "/capture"
# As fast as a board can; a virtual one is quicker than its viewers. A server that knows no interval has its own pace.
FULL_PACE = f"{STREAM}?interval_ms=5"
MAX_BYTES = 16 << 20  # of the pictures of one viewing, after which it is left

Address = tuple[str, int]
Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Picture:
    """One picture: when its last byte arrived (milliseconds of this host's clock), what it is, and what it shows."""

    at: float
    jpeg: Jpeg
    shown: Shown | None

    @classmethod
    def of(cls, at: float, body: bytes) -> Picture:
        """The picture that ``body`` is."""
        return cls(at, examine(body), read_number(body))


@dataclass(frozen=True)
class Viewing:
    """What a viewer got: the head of the response, and pictures if it is that of a stream. ``start``: see ``at``.

    ``ended``: the server ended the stream.
    """

    head: Head
    start: float
    pictures: tuple[Picture, ...]
    ended: bool = False

    @property
    def refusal(self) -> str:
        """Why there are no pictures: the server answered with something else; empty for a stream."""
        status, kind = self.head.status, ", ".join(self.head.values("content-type"))
        if status != 200:
            return f"status {status}"
        return "" if _is_multipart(self.head) else f"its Content-Type is {excerpt(kind or 'missing')}"

    @property
    def first_picture(self) -> float:
        """Milliseconds from the attempt to connect to the first whole picture."""
        return self.pictures[0].at - self.start

    @property
    def gaps(self) -> list[float]:
        """Milliseconds from each picture to the next."""
        return gaps([picture.at for picture in self.pictures])


def watch(
    address: Address,
    pictures: int,
    seconds: float,
    *,
    fewest: int = 2,
    target: str = FULL_PACE,
    headers: Headers = (),
    connections: Connections | None = None,
) -> Viewing:
    """Open the stream and leave it after ``pictures`` pictures, or with ``fewest`` or more after ``seconds``.

    Raises LostExchangeError if there are fewer by then, and for a stream that breaks off or is malformed.
    """
    until = Deadline.after(seconds)
    viewer = _Viewer(pictures)
    try:
        connection, start = connect(*address, until, connections)
        with connection:
            connection.sendall(request_bytes("GET", target, f"{address[0]}:{address[1]}", headers))
            while not viewer.done:
                wait_until(connection, until)
                data = connection.recv(65536)
                viewer.take(data, time.perf_counter_ns() / 1e6)
    except OSError as error:
        if not isinstance(error, TimeoutError) or not viewer.has_seen(fewest):
            raise _lost(address, error, until, len(viewer.arrived)) from None
    assert viewer.head is not None
    seen = tuple(Picture.of(at, body) for at, body in viewer.arrived)  # now that no time is measured
    return Viewing(viewer.head, start / 1e6, seen, viewer.ended)


class _Viewer:
    """Takes what arrives, until it has seen enough."""

    def __init__(self, enough: int) -> None:
        self.arrived: list[tuple[float, bytes]] = []
        self.ended = False
        self._enough, self._size = enough, 0
        self._response = ResponseParser(endless=True)
        self._parts: MultipartParser | None = None

    @property
    def head(self) -> Head | None:
        return self._response.head

    @property
    def done(self) -> bool:
        refused = self.head is not None and not _is_stream(self.head)
        return refused or self.ended or self.has_seen(self._enough) or self._size > MAX_BYTES

    def has_seen(self, pictures: int) -> bool:
        """Whether that number of pictures arrived, and if it is more than one, over some time."""
        if len(self.arrived) < pictures:
            return False
        return pictures < 2 or self.arrived[-1][0] > self.arrived[0][0]

    def take(self, data: bytes, now: float) -> None:
        if not data:
            self._response.end()
            self.ended = True
            self._keep(now, self._parts.end() if self._parts else [])
            return
        body = self._response.feed(data)
        if self.head is None or not _is_stream(self.head):
            return
        if self._parts is None:
            self._parts = MultipartParser(boundary_of(", ".join(self.head.values("content-type"))))
        self._keep(now, self._parts.feed(body))
        self.ended = self._parts.closed

    def _keep(self, now: float, parts: Iterable[Part]) -> None:
        for part in parts:
            self.arrived.append((now, part.body))
            self._size += len(part.body)


def _is_multipart(head: Head) -> bool:
    return ", ".join(head.values("content-type")).lower().startswith("multipart/")


def _is_stream(head: Head) -> bool:
    return head.status == 200 and _is_multipart(head)


def _lost(address: Address, error: OSError, until: Deadline, pictures: int) -> LostExchangeError:
    lost = lost_exchange(*address, error, until)
    count = f"{pictures} picture{'s' * (pictures != 1)}" if pictures else "no picture"
    return LostExchangeError(f"{lost}, with {count} of its stream", lost.cause)
