"""The connection to the coordinator: labgrid's own session, made again when it breaks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import grpc
from labgrid.remote.client import ClientSession, ServerError
from labgrid.remote.generated import labgrid_coordinator_pb2 as messages
from labgrid.util import labgrid_version
from labgrid.util.proxy import proxymanager

from .main import RefusedError

SECONDS_TO_CONNECT = 8.0
SECONDS_BETWEEN_ATTEMPTS = 0.5
DEFAULT_PORT = 20408


class _Session(ClientSession):
    """Calls ``on_change(name)`` for each place that changes, or is deleted, and ``on_resource`` for a resource."""

    on_change: Callable[[str], None] = staticmethod(lambda name: None)

    on_resource: Callable[[], None] = staticmethod(lambda: None)

    async def on_resource_changed(self, *path_and_content: Any) -> None:
        await super().on_resource_changed(*path_and_content)
        self.on_resource()

    async def on_place_changed(self, place: Any) -> None:
        await super().on_place_changed(place)
        self.on_change(place.name)

    async def on_place_deleted(self, name: str) -> None:
        await super().on_place_deleted(name)
        self.on_change(name)


class _LastWords(logging.Handler):
    """Keeps why a session ended: labgrid only logs that."""

    text = ""
    foreign = False  # whether something else than a coordinator answered

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        code, details = None, error or ""
        if isinstance(error, grpc.aio.AioRpcError):
            code, details = error.code(), error.details()
        self.text = f"{record.getMessage()} {details}".strip()
        self.foreign = "HTTP" in self.text or code is grpc.StatusCode.UNIMPLEMENTED


class Coordinator:
    """The places and resources that the coordinator at ``address`` has, up to date, and its calls.

    ``on_change`` is called with the name of each place that changes, and with an empty one when the connection broke;
    ``on_resource`` when any resource changes.
    """

    def __init__(self, address: str) -> None:
        self._address = proxymanager.get_grpc_address(address, default_port=DEFAULT_PORT)
        self._words = _LastWords()
        logging.getLogger().addHandler(self._words)
        self._is_closing = False
        self._watcher: asyncio.Task[None] | None = None
        self.on_change: Callable[[str], None] = lambda name: None
        self.on_resource: Callable[[], None] = lambda: None
        self.session: Any = None

    async def connect(self) -> None:
        """Raises RefusedError when the coordinator does not answer as one."""
        loop = asyncio.get_running_loop()
        session = _Session(self._address, loop)
        session.on_change = lambda name: self.on_change(name)
        session.on_resource = lambda: self.on_resource()
        try:
            await asyncio.wait_for(session.start(), SECONDS_TO_CONNECT)
        except (ServerError, asyncio.TimeoutError):
            await session.close()
            kind = "foreign" if self._words.foreign else "unreachable"
            raise RefusedError(kind, details=self._words.text) from None
        self.session = session
        self._watcher = loop.create_task(self._watch(session))

    async def _watch(self, session: Any) -> None:
        await session.stopping.wait()
        if not self._is_closing:
            self.on_change("")

    async def connect_again(self, seconds: float) -> bool:
        """Whether there is a connection again within ``seconds``."""
        until = time.monotonic() + seconds
        while self.is_broken:
            try:
                await self.connect()
            except RefusedError:
                if time.monotonic() > until:
                    return False
                await asyncio.sleep(SECONDS_BETWEEN_ATTEMPTS)
        return True

    @property
    def is_broken(self) -> bool:
        return self.session is None or bool(self.session.stopping.is_set())

    async def call(self, method: str, request: str, /, **fields: Any) -> Any:
        """Call ``method`` of the coordinator with a message ``request``, and wait until its effects are known here.

        Raises RefusedError with the coordinator's own words.
        """
        try:
            response = await getattr(self.session.stub, method)(getattr(messages, request)(**fields))
            await self.session.sync_with_coordinator()
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                raise RefusedError("unreachable", details=error.details()) from None
            raise RefusedError("refused", details=error.details()) from None
        return response

    @property
    def version(self) -> str:
        return str(labgrid_version())

    @property
    def me(self) -> str:
        """What the coordinator calls this user on this host."""
        return f"{self.session.gethostname()}/{self.session.getuser()}"

    def place(self, name: str) -> Any:
        """The place with that name or alias, None if there is none."""
        places = self.session.places
        aliases = (place for place in places.values() if name in place.aliases)
        return places.get(name) or next(aliases, None)

    def resources(self, place: Any) -> list[tuple[Any, Any]]:
        """Path and entry of each resource that belongs to a place: as acquired, else as it would be."""
        entries = []
        for exporter, groups in sorted(self.session.resources.items()):
            for group, resources in sorted(groups.items()):
                for name, entry in sorted(resources.items()):
                    if entry.data and place.hasmatch(path := (exporter, group, entry.cls, name)):
                        entries.append((path, entry))
        return entries

    async def reservations(self) -> dict[str, Any]:
        """The reservations by their tokens."""
        response = await self.call("GetReservations", "GetReservationsRequest")
        return {reservation.token: reservation for reservation in response.reservations}

    async def listing(self) -> dict[str, Any]:
        """All places, for people: who has each, and what is behind it."""
        owners = {token: reservation.owner for token, reservation in (await self.reservations()).items()}
        return {
            "places": [
                {
                    "name": place.name,
                    "tags": dict(sorted(place.tags.items())),
                    "by": place.acquired or "",
                    "since": place.changed,
                    "reserved_for": owners.get(place.reservation, ""),
                    "resources": ["/".join(path[:3]) for path, entry in self.resources(place) if entry.avail],
                }
                for _, place in sorted(self.session.places.items())
            ]
        }

    async def close(self) -> None:
        self._is_closing = True
        if self.session is not None:
            await self.session.stop()
            await self.session.close()
