"""The rig's agent on the board, as the host sees it: policy, heap, allocation counts, identity.

Its routes lie under ``/rig/`` and ask for the run's token. They do not pass through the CORS library.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from camrig.errors import AgentError
from camrig.probe.client import Response

TOKEN_HEADER = "X-Rig-Token"
SIDE_HEADER = "X-Rig-Side"  # the library that a request goes through, where several are loaded
ECHO = "/rig/echo"  # needs no token, and answers without CORS

Send = Callable[[str, str, list[tuple[str, str]], bytes], Response]


@dataclass(frozen=True)
class Heap:
    """Bytes. ``free`` and ``alloc`` are MicroPython's collected heap; ``idf`` has a row per region of an ESP32's
    other heap: total, free, largest free block, minimum free since boot. None where there is no such heap.
    ``connections`` is how many the server had, this one among them, None where it does not count them."""

    free: int
    alloc: int
    idf: tuple[tuple[int, int, int, int], ...] | None
    connections: int | None = None


@dataclass(frozen=True)
class Allocation:
    """Bytes allocated by each request of a burst with the collector off, and the status it was answered with."""

    bytes: tuple[int, ...]
    status: int


@dataclass(frozen=True)
class Radio:
    """Signal strength in dBm, channel, and the firmware's number for the power-save mode; None where unknown."""

    rssi: int | None
    channel: int | None
    power_save: int | None


class Agent:
    """Speaks to the agent through ``send(method, target, headers, body)``. Raises AgentError when it refuses."""

    def __init__(self, send: Send, token: str) -> None:
        self._send = send
        self._token = token

    def about(self) -> dict[str, Any]:
        """``cors_file``, ``boot_id``, ``reset_cause``, ``wifi`` and ``echo`` of the running application."""
        return self._ask("GET", "/rig/about")

    def radio(self) -> Radio:
        """How the board hears its access point now, and whether its radio sleeps."""
        wifi = self.about().get("wifi") or {}
        return Radio(wifi.get("rssi"), wifi.get("channel"), wifi.get("pm"))

    def echo_port(self) -> int | None:
        """The TCP port on which the board sends back what it gets, None where it could not open one."""
        port = (self.about().get("echo") or {}).get("port")
        return int(port) if port else None

    def peak(self, on: bool) -> int:
        """Start or stop looking at the collected heap at each request; returns the most bytes alive meanwhile.

        Slows every request down: never while latency is measured.
        """
        return int(self._ask("PUT", f"/rig/settings?peak={int(on)}").get("peak") or 0)

    def patience(self, seconds: int | None = None) -> int | None:
        """How long the server bears a client that stalls, None for ever; ``seconds`` sets it anew."""
        target = "/rig/settings" if seconds is None else f"/rig/settings?patience_s={seconds}"
        found = self._ask("PUT", target)["patience_s"]
        return None if found is None else int(found)

    def policy(self, **changes: Any) -> dict[str, Any]:
        """Change attributes of the live CORS object; returns the whole policy that holds from now on."""
        if not changes:
            return self._ask("GET", "/rig/policy")
        return self._ask("PUT", "/rig/policy", changes)

    def load(self, sides: Iterable[tuple[str, str]]) -> None:
        """Load CORS libraries (side, module on the board) side by side, in that order; see SIDE_HEADER."""
        self._ask("PUT", "/rig/sides", {"sides": [list(side) for side in sides]})

    def heap(self, collect: bool = True) -> Heap:
        """Both heaps, after a collection unless told otherwise."""
        found = self._ask("GET", "/rig/heap" if collect else "/rig/heap?collect=0")
        idf = found.get("idf")
        rows = tuple((int(row[0]), int(row[1]), int(row[2]), int(row[3])) for row in idf) if idf else None
        return Heap(found["gc"]["free"], found["gc"]["alloc"], rows, found.get("connections"))

    def allocations(
        self, method: str, path: str, headers: Iterable[tuple[str, str]], n: int, bare: bool = False
    ) -> Allocation:
        """Bytes that ``n`` requests allocate in the board's process; ``bare``: the same application without CORS.

        The board cuts ``n`` to what its heap can bear.
        """
        request = {"method": method, "path": path, "headers": [list(pair) for pair in headers], "n": n, "bare": bare}
        found = self._ask("POST", "/rig/alloc", request)
        return Allocation(tuple(found["bytes"]), found["status"])

    def _ask(self, method: str, target: str, body: Any = None) -> dict[str, Any]:
        headers = [(TOKEN_HEADER, self._token)]
        data = b""
        if body is not None:
            data = json.dumps(body).encode()
            headers.append(("Content-Type", "application/json"))
        response = self._send(method, target, headers, data)
        try:
            found = json.loads(response.body)
        except ValueError:
            found = None
        if response.status == 404:
            raise AgentError(
                "the application answers, but the rig's agent is not attached to it",
                hint="call rig_agent.attach(app) in main.py where the module is present, as device/main.py does",
            )
        if response.status == 403:
            raise AgentError(
                "what answers there refuses this run's token, so it is not the board on the wire",
                hint="check --hil-url, and that no other board has the same address",
            )
        if response.status != 200 or not isinstance(found, dict):
            said = found.get("error") if isinstance(found, dict) else response.body[:200].decode("utf-8", "replace")
            raise AgentError(
                f"the agent answered {method} {target} with {response.status}: {said}",
                hint="look at the console of the board",
            )
        return found
