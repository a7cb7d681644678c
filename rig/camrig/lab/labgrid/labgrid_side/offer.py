"""Places at the coordinator for what an exporter of this host offers, for as long as it does."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from .coordinator import Coordinator
from .main import RefusedError

POLL = 0.1


class Offer:
    """Places that are made here are deleted at the end; those that were there before only get what they lack."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator
        self._created: list[str] = []
        self._places: list[dict[str, Any]] = []
        self._again: asyncio.Task[None] | None = None

    async def make(self, places: list[dict[str, Any]]) -> dict[str, Any]:
        """Make sure that each place exists and matches the resources of its pattern."""
        self._places = places
        for wish in places:
            await self._make(**wish)
        self._coordinator.on_change = self._examine
        return {"created": list(self._created)}

    async def _make(self, name: str, pattern: str, tags: dict[str, str]) -> None:
        coordinator = self._coordinator
        if coordinator.session.places.get(name) is None:
            await coordinator.call("AddPlace", "AddPlaceRequest", name=name)
            self._created.append(name)
            await coordinator.call("SetPlaceTags", "SetPlaceTagsRequest", placename=name, tags=tags)
        place = coordinator.session.places[name]
        if pattern not in map(repr, place.matches):
            await coordinator.call("AddPlaceMatch", "AddPlaceMatchRequest", placename=name, pattern=pattern)

    def _examine(self, name: str) -> None:
        if not name and self._again is None:
            self._again = asyncio.get_running_loop().create_task(self._return())

    async def _return(self) -> None:
        """Make the places again at a coordinator that was away, however long."""
        while not await self._coordinator.connect_again(60):
            continue
        self._again = None
        try:
            await self.make(self._places)
        except RefusedError:
            return

    async def wait(self, exporter: str, groups: list[str], seconds: float) -> dict[str, Any]:
        """Wait until the coordinator knows the exporter's groups: whether it does, and who holds which place."""
        until = time.monotonic() + seconds
        while not all(self._coordinator.session.resources.get(exporter, {}).get(group) for group in groups):
            if time.monotonic() > until:
                return {"ready": False}
            await asyncio.sleep(POLL)
        return {"ready": True}

    async def withdraw(self) -> None:
        """Delete the places that were made here."""
        if self._again is not None:
            self._again.cancel()
        if self._created and await self._coordinator.connect_again(2):
            for name in self._created:
                try:
                    await self._coordinator.call("DeletePlace", "DeletePlaceRequest", name=name)
                except RefusedError:
                    continue
        self._created = []
