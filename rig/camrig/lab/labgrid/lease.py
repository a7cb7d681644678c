"""A place of labgrid's for the duration of a run: its lock on this host, its lease at the coordinator, its port."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from camrig.deadline import Deadline
from camrig.errors import CamrigError, LeaseLostError, PortError
from camrig.lab import lock
from camrig.lab.labgrid.connection import SECONDS_TO_ANSWER, Connection
from camrig.lab.labgrid.place_spec import full_address, parse_place, place_key
from camrig.lab.labgrid.sentences import holder, loss, moment, waiting

SECONDS_FOR_REASON = 2.0  # from the end of the port until it is known that the exporter closed it
SECONDS_FOR_LOSS = 15.0  # further, until it is known that the place is lost
SECONDS_FOR_NAME = 5.0  # further, for whoever takes a place that was released
SECONDS_FOR_POWER = 70.0
PSEUDO_TERMINALS = "/dev/pts/"


class Lease:
    """A place that is this run's. ``lock`` keeps other runs of this user on this host from it."""

    def __init__(self, spec: str, coordinator: str, wait: float, notify: Callable[[str], None]) -> None:
        self._spec, self._wait, self._notify = spec, wait, notify
        self._address = full_address(coordinator)
        self._change = threading.Condition()
        self._loss: dict[str, Any] | None = None
        self._is_adrift = self._is_closing = self._is_closed = False
        self._error: LeaseLostError | None = None
        self.place = ""
        self.port = ""
        self.has_power = False
        place = parse_place(spec)
        self._connection = _connected(spec, self._address, self._hear)
        try:
            wish = {"place": place.name, "token": place.token, "tags": dict(place.tags), "wait": wait}
            self.place = str(self._request("resolve", wait, wish)["place"])
            self.lock = lock.take(place_key(coordinator, self.place), spec, wait, notify)
        except BaseException:
            self._connection.close()
            raise
        try:
            self._acquire()
        except BaseException:
            self.close()
            raise

    def _acquire(self) -> None:
        facts = self._request("acquire", 0.0, {"place": self.place})
        if facts["by_hand"]:
            self._notify(f"{self._spec} was acquired by hand before, and stays acquired")
        self.has_power = bool(facts["power"])
        self.port = port_url(facts)

    def _request(self, action: str, wait: float, parameters: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._connection.request(action, parameters, wait + SECONDS_TO_ANSWER)
        except CamrigError as error:
            raise error.on(self._spec) from None

    def _hear(self, event: dict[str, Any]) -> None:
        if event["event"] == "waiting":
            self._notify(f"{self._spec}: {waiting(event['reason'])}; waiting up to {self._wait:g} s for it")
            return
        with self._change:
            self._is_adrift = event["event"] == "adrift"
            self._is_closing = self._is_closing or event["event"] == "closing"
            if event["event"] == "lost":
                self._loss = event
            self._change.notify_all()

    def check(self) -> None:
        """Raise LeaseLostError if the place is not this run's any more."""
        with self._change:
            if self._loss is not None:
                raise self._lost()

    def explain(self, error: CamrigError) -> CamrigError:
        """What ``error`` of the port comes from: the loss of the place, if that is known in a moment."""
        if not isinstance(error, PortError) or self._is_closed:
            return error
        with self._change:
            self._change.wait_for(lambda: self._loss or self._is_closing or self._is_adrift, SECONDS_FOR_REASON)
            if self._is_closing or self._is_adrift:
                self._change.wait_for(lambda: self._loss is not None, SECONDS_FOR_LOSS)
            return error if self._loss is None else self._lost()

    def _lost(self) -> LeaseLostError:
        """The same error each time: who took the place is asked for once."""
        assert self._loss is not None
        if self._error is None:
            deadline = Deadline.after(SECONDS_FOR_NAME)
            while not (any(map(self._loss.get, ("by", "away", "deleted", "restarted"))) or deadline.passed):
                self._change.wait(deadline.left)
            self._error = loss(self._loss, self.place, self._address).on(self._spec)
        return self._error

    def find(self) -> str:
        """The present name of the port. Raises LeaseLostError."""
        self.check()
        return self.port

    def power_cycle(self) -> None:
        """Switch the power off and on, by labgrid's driver. Raises BlockedError."""
        self.check()
        self._connection.request("power", seconds=SECONDS_FOR_POWER)

    def close(self) -> None:
        """Release the place, unless it was acquired by hand before."""
        self._is_closed = True
        with suppress(CamrigError):
            self._connection.request("release")
        self._connection.close()
        self.lock.release()


@contextmanager
def leased(spec: str, coordinator: str, wait: float, notify: Callable[[str], None]) -> Iterator[Lease]:
    """The place that ``spec`` names, for the duration of the context.

    Raises LabError, BoardBusyError for one that somebody else has, or PortError for one that is not there.
    """
    lease = Lease(spec, coordinator, wait, notify)
    try:
        yield lease
    finally:
        lease.close()


def _connected(spec: str, address: str, on_event: Callable[[dict[str, Any]], None]) -> Connection:
    try:
        return Connection(address, on_event)
    except CamrigError as error:
        raise error.on(spec) from None


def port_url(facts: dict[str, Any]) -> str:
    """The URL of a serial port as labgrid's side describes it.

    ser2net does not answer a request for control lines that its port does not have, and pyserial waits for that.
    """
    host = f"[{facts['host']}]" if ":" in facts["host"] else facts["host"]
    if facts["protocol"] == "raw":
        return f"socket://{host}:{facts['port']}"
    lines = "?ign_set_control" if str(facts["path"]).startswith(PSEUDO_TERMINALS) else ""
    return f"rfc2217://{host}:{facts['port']}{lines}"


def listing(coordinator: str) -> list[tuple[str, str, str]]:
    """Name, tags and holder of each place that the coordinator has. Raises LabError."""
    connection = Connection(full_address(coordinator))
    try:
        places = connection.request("places")["places"]
    finally:
        connection.close()
    return [(place["name"], _resources(place), _holder(place)) for place in places]


def _resources(place: dict[str, Any]) -> str:
    tags = " ".join(f"{key}={value}" for key, value in place["tags"].items())
    return "; ".join(filter(None, [tags, ", ".join(place["resources"]) or "no exporter offers it"]))


def _holder(place: dict[str, Any]) -> str:
    if place["by"]:
        return f"{holder(place['by'])} since {moment(place['since'])}"
    return f"reserved for {holder(place['reserved_for'])}" if place["reserved_for"] else ""
