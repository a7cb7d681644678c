"""One place, from its choice over its acquisition to its release, and the watch over it meanwhile."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

from labgrid.resource.serialport import NetworkSerialPort
from labgrid.util.proxy import proxymanager

from .coordinator import Coordinator, messages
from .main import RefusedError
from .mark import is_marked, own_mark, process_of

SERIAL = "NetworkSerialPort"
POWER = ("Power", "YKUSH", "PDU", "SiSPM", "GPIO")  # in the names of resources that labgrid's power drivers switch
SECONDS_TO_LEAVE = 5.0  # for what a killed run has left behind to give its place back
SECONDS_TO_APPEAR = 5.0  # for a port that the exporter has started
SECONDS_ADRIFT = 5.0  # without the coordinator, until the lease counts as lost
SECONDS_JUST_BACK = 10.0  # after which a place that is released was so by somebody, and not by a restart
SECONDS_FOR_POWER = 60.0
SECONDS_FOR_CALL = 15.0
POLL = 0.1


class Lease:
    """The place that this process holds at the ``coordinator``. ``write`` sends events."""

    def __init__(self, coordinator: Coordinator, write: Callable[[dict[str, Any]], None]) -> None:
        self._coordinator = coordinator
        self._write = write
        self._place = ""  # that is acquired, or about to be
        self._is_own = False  # acquired by this process, not by hand before
        self._is_held = self._has_mark = False
        self._token = ""  # of a reservation that was made here
        self._mark = own_mark()
        self._port: Any = None  # the resource, as long as it is known
        self._adrift: asyncio.Task[None] | None = None
        self._just_back_until = 0.0

    async def resolve(self, place: str, token: str, tags: dict[str, str], wait: float) -> dict[str, Any]:
        """The name of the place that is meant, reserved if it had to be waited for or chosen."""
        if token or (not place and not tags):
            return {"place": await self._reserved(token or os.environ.get("LG_TOKEN", ""), wait)}
        return {"place": await (self._by_tags(tags, wait) if tags else self._by_name(place, wait))}

    async def _by_name(self, name: str, wait: float) -> str:
        coordinator = self._coordinator
        if (place := coordinator.place(name)) is None:
            raise RefusedError("no_place", place=name, places=sorted(coordinator.session.places))
        reason = await self._why_not_free(place)
        if reason is None:
            return str(place.name)
        if not wait:
            raise RefusedError(**reason)
        return await self._reserve({"name": place.name}, wait, reason)

    async def _by_tags(self, tags: dict[str, str], wait: float) -> str:
        places = [
            place
            for place in self._coordinator.session.places.values()
            if tags.items() <= {**place.tags, "name": place.name}.items()
        ]
        if not places:
            known = {place.name: dict(place.tags) for place in self._coordinator.session.places.values()}
            raise RefusedError("no_match", tags=tags, known=known)
        if token := os.environ.get("LG_TOKEN", ""):
            reservation = (await self._coordinator.reservations()).get(token)
            allocated = reservation.allocations.get("main", "") if reservation is not None else ""
            if allocated in (place.name for place in places):
                return str(allocated)
        holders = [
            {"place": place.name, "by": place.acquired or "", "since": place.changed, "reserved": place.reservation}
            for place in places
        ]
        return await self._reserve(tags, wait, {"kind": "all_busy", "tags": tags, "holders": holders})

    async def _why_not_free(self, place: Any) -> dict[str, Any] | None:
        """Who keeps this user from the place, as a reason; None if nobody does."""
        me = self._coordinator.me
        if place.acquired:
            facts = {"place": place.name, "by": place.acquired, "since": place.changed}
            return {"kind": "held", **facts} if place.acquired != me else None
        if place.reservation:
            reservation = (await self._coordinator.reservations()).get(place.reservation)
            if reservation is not None and reservation.owner != me:
                return {
                    "kind": "reserved",
                    "place": place.name,
                    "by": reservation.owner,
                    "since": reservation.created,
                }
        return None

    async def _reserve(self, filters: dict[str, str], wait: float, reason: dict[str, Any]) -> str:
        """The place that a reservation of ours got within ``wait`` seconds; for ``reason`` it may have to wait."""
        main = messages.Reservation.Filter(filter=filters)
        response = await self._coordinator.call(
            "CreateReservation", "CreateReservationRequest", filters={"main": main}, prio=0.0
        )
        self._token = response.reservation.token
        try:
            return await self._reserved(self._token, wait, reason)
        except BaseException:
            await self._cancel_reservation()
            raise

    async def _reserved(self, token: str, wait: float, reason: dict[str, Any] | None = None) -> str:
        """The place that a reservation got. Polling keeps the reservation alive."""
        until, notified = time.monotonic() + wait, False
        while True:
            reservation = (await self._coordinator.reservations()).get(token) if token else None
            if reservation is None:
                raise RefusedError("no_token", token=token)
            if place := reservation.allocations.get("main", ""):
                return str(place)
            if reservation.state != 0 or time.monotonic() >= until:  # 0: it waits
                raise RefusedError(**(reason or {"kind": "waiting", "token": token}))
            if not notified:
                notified = True
                self._write({"event": "waiting", "reason": reason or {"kind": "waiting", "token": token}})
            await asyncio.sleep(0.5)
            await self._coordinator.call("PollReservation", "PollReservationRequest", token=token)

    async def acquire(self, place: str) -> dict[str, Any]:
        """Acquire the place, unless its user has by hand; where its serial port is."""
        coordinator, me = self._coordinator, self._coordinator.me
        if (entry := coordinator.place(place)) is None:
            raise RefusedError("no_place", place=place, places=sorted(coordinator.session.places))
        self._place = entry.name
        by_hand = entry.acquired == me and not is_marked(entry.allowed)
        if not by_hand:
            await self._wait_for_killed_run(entry)
            await self._take(entry)
        entry = coordinator.place(self._place)
        port = await self._serial_port(entry)
        self._is_held = True
        coordinator.on_change, coordinator.on_resource = self._examine, self._examine_port
        self._examine(self._place)
        power = any(part in path[2] for path, _ in coordinator.resources(entry) for part in POWER)
        return {**port, "place": self._place, "by_hand": by_hand, "power": power or bool(os.environ.get("LG_ENV"))}

    async def _wait_for_killed_run(self, entry: Any) -> None:
        """What a killed run has left behind gives the place back; where it was killed too, that is done here."""
        coordinator, until = self._coordinator, time.monotonic() + SECONDS_TO_LEAVE
        while entry.acquired == coordinator.me and (pid := process_of(entry.allowed)):
            if pid < 0 or time.monotonic() > until:
                raise RefusedError("held", place=entry.name, by=entry.acquired, since=entry.changed, process=pid)
            await asyncio.sleep(POLL)
        if entry.acquired == coordinator.me:
            await self._release(entry.name)

    async def _take(self, entry: Any) -> None:
        coordinator = self._coordinator
        paths = [path for path, _ in coordinator.resources(entry)]
        for match in entry.matches:
            if not any(match.ismatch(path) for path in paths):
                raise RefusedError("unmatched", place=entry.name, match=repr(match))
        if not paths:
            raise RefusedError("unmatched", place=entry.name, match="")
        self._is_own = True  # before it is: what ends this process meanwhile has to give it back
        try:
            await _to_its_end(coordinator.call("AcquirePlace", "AcquirePlaceRequest", placename=entry.name))
        except RefusedError as error:
            self._is_own = False
            await self._say_why(entry, error)
        await coordinator.call("AllowPlace", "AllowPlaceRequest", placename=entry.name, user=self._mark)
        self._has_mark = True

    async def _say_why(self, entry: Any, error: RefusedError) -> None:
        """Raises why the coordinator did not give the place."""
        if error.facts["kind"] == "refused":
            await self._coordinator.session.sync_with_coordinator()
            if (reason := await self._why_not_free(entry)) is not None:
                raise RefusedError(**reason)
            for path, resource in self._coordinator.resources(entry):
                if resource.acquired == "<broken>":
                    raise RefusedError("broken", place=entry.name, exporter=path[0], resource=path[2])
        raise error

    async def _serial_port(self, entry: Any) -> dict[str, Any]:
        """Where the place's serial port is, once the exporter has started it."""
        resources = self._coordinator.resources(entry)
        ports = [(path, resource) for path, resource in resources if resource.cls == SERIAL]
        if len(ports) != 1:
            names = sorted("/".join(path[1:]) for path, _ in ports or resources)
            raise RefusedError("ports" if ports else "no_serial", place=entry.name, resources=names)
        path, resource = ports[0]
        self._port = resource
        until = time.monotonic() + SECONDS_TO_APPEAR
        while not (resource.avail and resource.args.get("port")):
            if time.monotonic() > until:
                raise RefusedError("not_there", place=entry.name, exporter=path[0])
            await asyncio.sleep(POLL)
        port = NetworkSerialPort(None, None, **resource.args)
        port.extra = resource.extra
        host, number = await asyncio.get_running_loop().run_in_executor(None, proxymanager.get_host_and_port, port)
        protocol = resource.args.get("protocol") or "rfc2217"
        return {"host": host, "port": number, "protocol": protocol, "path": str(resource.extra.get("path", ""))}

    def _is_ours(self) -> bool:
        place = self._coordinator.session.places.get(self._place)
        if place is None or place.acquired != self._coordinator.me:
            return False
        return not self._has_mark or self._mark in place.allowed

    def _examine(self, name: str) -> None:
        """Report it when the place is not ours any more, and who has it now."""
        if not self._is_held or name not in ("", self._place):
            return
        is_adrift = self._adrift is not None and not self._adrift.done()
        if is_adrift:
            return  # _return reports what comes of that
        if not name:
            self._write({"event": "adrift"})
            self._adrift = asyncio.get_running_loop().create_task(self._return())
        elif not self._is_ours():
            self._report_loss(restarted=time.monotonic() < self._just_back_until)

    def _report_loss(self, restarted: bool) -> None:
        place = self._coordinator.session.places.get(self._place)
        by = (place.acquired or "") if place is not None else ""
        since = place.changed if place is not None else 0.0
        self._write({"event": "lost", "by": by, "since": since, "deleted": place is None, "restarted": restarted})

    def _examine_port(self) -> None:
        """Report it when the exporter has closed the port, or is gone: the place may be lost in a moment."""
        port = self._port
        if self._is_held and port is not None and (not port.data or port.acquired != self._place):
            self._port = None
            self._write({"event": "closing"})

    async def _return(self) -> None:
        """The coordinator may be back soon, and may still know this lease."""
        if not await self._coordinator.connect_again(SECONDS_ADRIFT):
            self._write({"event": "lost", "away": True})
        elif self._is_ours():  # as far as is known: the places of a new coordinator may still be on their way
            self._just_back_until = time.monotonic() + SECONDS_JUST_BACK
            self._write({"event": "back"})
        else:
            self._report_loss(restarted=True)

    async def power_cycle(self) -> dict[str, Any]:
        """``labgrid-client power cycle``, which knows the drivers, and the environment file of $LG_ENV."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "labgrid.remote.client", "-p", self._place, "power", "cycle"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), SECONDS_FOR_POWER)
        except BaseException:
            process.kill()
            raise
        if process.returncode:
            lines = output.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it printed nothing"]
            raise RefusedError("power", place=self._place, details=lines[0])
        return {}

    async def give_back(self) -> dict[str, Any]:
        """Release what was acquired here, and cancel what was reserved here. Does nothing the second time."""
        self._is_held = False
        if self._adrift is not None:
            self._adrift.cancel()
        if (self._is_own or self._token) and await self._coordinator.connect_again(SECONDS_ADRIFT):
            if self._is_own and (self._is_ours() or not self._has_mark):
                await self._release(self._place)
            await self._cancel_reservation()
        self._is_own = False
        return {}

    async def _release(self, name: str) -> None:
        """Release a place unless somebody else has it by now."""
        coordinator = self._coordinator
        await coordinator.call("ReleasePlace", "ReleasePlaceRequest", placename=name, fromuser=coordinator.me)

    async def _cancel_reservation(self) -> None:
        token, self._token = self._token, ""
        if token:
            try:
                await self._coordinator.call("CancelReservation", "CancelReservationRequest", token=token)
            except RefusedError:
                return  # it has expired


async def _to_its_end(call: Coroutine[Any, Any, Any]) -> None:
    """Await a call of the coordinator that must not be cut off: the coordinator would be left with half of it."""
    task = asyncio.get_running_loop().create_task(call)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=SECONDS_FOR_CALL)
        raise
