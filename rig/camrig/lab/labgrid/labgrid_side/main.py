"""Takes requests one after the other, until standard input ends."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from typing import Any

SECONDS_TO_STOP = 20.0  # for the request that is under way at the end
SECONDS_TO_GIVE_BACK = 30.0  # at the end, for a coordinator that is away for a moment


class RefusedError(Exception):
    """A request cannot be carried out: the ``kind`` of the reason, and what is known of it."""

    def __init__(self, kind: str, **facts: Any) -> None:
        super().__init__(kind)
        self.facts = {"kind": kind, **facts}


def write(line: dict[str, Any]) -> None:
    """One line to whoever started this process, who may be gone."""
    try:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    except OSError:
        sys.stdout = open("/dev/null", "w")  # noqa: SIM115  # for the rest of this process


class Requests:
    """Carries out one request at a time. ``actions`` has a coroutine function for each word of ``do``."""

    def __init__(self, actions: dict[str, Callable[..., Any]]) -> None:
        self._actions = actions

    async def run(self) -> None:
        """Return when standard input ends, in the middle of a request too."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            loop.add_signal_handler(number, reader.feed_eof)
        task: asyncio.Task[None] | None = None
        while line := await reader.readline():
            task = loop.create_task(self._answer(json.loads(line)))
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=SECONDS_TO_STOP)

    async def _answer(self, request: dict[str, Any]) -> None:
        try:
            response = await self._actions[request.pop("do")](**request)
        except RefusedError as error:
            response = {"error": error.facts}
        except (AttributeError, TypeError, KeyError, ValueError) as error:
            response = {"error": {"kind": "protocol", "details": f"{type(error).__name__}: {error}"}}
        write(response or {})


def main(address: str) -> None:
    """Serve whoever started this process, with the coordinator at ``address``."""
    try:
        from .coordinator import Coordinator
        from .lease import Lease
        from .offer import Offer
    except ImportError as error:
        write({"error": {"kind": "import", "details": str(error)}})
        return

    async def serve() -> None:
        coordinator = Coordinator(address)
        lease, offer = Lease(coordinator, write), Offer(coordinator)
        try:
            await coordinator.connect()
        except RefusedError as error:
            write({"error": error.facts})
            return
        write({"labgrid": coordinator.version, "me": coordinator.me})
        requests = Requests(
            {
                "resolve": lease.resolve,
                "acquire": lease.acquire,
                "release": lease.give_back,
                "power": lease.power_cycle,
                "places": coordinator.listing,
                "offer": offer.make,
                "await": offer.wait,
            }
        )
        try:
            await requests.run()
        finally:
            for give_back in (lease.give_back, offer.withdraw):
                try:
                    await asyncio.wait_for(give_back(), SECONDS_TO_GIVE_BACK)
                except Exception:  # nobody is left to hear of it
                    continue
            await coordinator.close()

    asyncio.run(serve())
