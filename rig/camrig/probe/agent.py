"""The rig's agent on the board, seen from the host: policy, heap, allocation counts, identity.

Its routes lie under ``/rig/`` and require the run's token. They do not pass through the CORS library. What can be
checked or formatted here is not done on the board, where code costs heap: see device/rig_agent.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from camrig.errors import AgentError
from camrig.measure.losses import CONTROL
from camrig.probe.client import Phases, Response, parse_response, request_bytes

TOKEN_HEADER = "X-Rig-Token"
SIDE_HEADER = "X-Rig-Side"  # names the library that a request goes through, where several are loaded
NO_SIDE = "-"  # the "side" of a control
ECHO = "/rig/echo"  # needs no token, and is answered without CORS

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")  # RFC 9110, section 9.2.1

_POLICY_LISTS = ("allowed_origins", "allowed_methods", "expose_headers", "allowed_headers")
_POLICY = (*_POLICY_LISTS, "allow_credentials", "max_age", "preflight_status")

Message = tuple[str, str, list[tuple[str, str]], bytes]  # method, target, headers, body
Send = Callable[[str, str, list[tuple[str, str]], bytes], Response]


@dataclass(frozen=True)
class Heap:
    """Sizes in bytes. ``free`` and ``alloc`` are of MicroPython's collected heap. ``idf`` has a row for each region
    of an ESP32's other heap: total, free, largest free block, minimum free since boot; None without such a heap.
    ``connections`` is how many the server had, this one included; None where it does not count them."""

    free: int
    alloc: int
    idf: tuple[tuple[int, int, int, int], ...] | None
    connections: int | None = None


@dataclass(frozen=True)
class Allocation:
    """Bytes allocated by each request of a burst with the collector off, and the status of their answers."""

    bytes: tuple[int, ...]
    status: int


@dataclass(frozen=True)
class MemoryCount:
    """Bytes of each turn through a few requests in the board's memory, and one turn's answers, without bodies."""

    bytes: tuple[int, ...]
    kept: int  # bytes that are alive after all of them, and were not before
    responses: tuple[Response, ...]


@dataclass(frozen=True)
class Radio:
    """Signal strength in dBm, channel, and the firmware's number for the power-save mode; None where unknown."""

    rssi: int | None
    channel: int | None
    power_save: int | None


class Agent:
    """Talks to the agent through ``send(method, target, headers, body)``. Raises AgentError when it refuses."""

    def __init__(self, send: Send, token: str) -> None:
        self._send = send
        self._token = token

    def about(self) -> dict[str, Any]:
        """``cors_file``, ``boot_id``, ``reset_cause``, ``wifi`` and ``echo`` of the running application."""
        return self._call("GET", "/rig/about")

    def radio(self) -> Radio:
        """How well the board receives its access point now, and whether its radio sleeps."""
        wifi = self.about().get("wifi") or {}
        return Radio(wifi.get("rssi"), wifi.get("channel"), wifi.get("pm"))

    def echo_port(self) -> int | None:
        """The TCP port on which the board sends back what it receives; None where it could not open one."""
        port = (self.about().get("echo") or {}).get("port")
        return int(port) if port else None

    def start_peak(self) -> None:
        """Look at the collected heap at each request, until ``stop_peak``.

        Slows down every request: never while latency is measured.
        """
        self._call("PUT", "/rig/settings?peak=1")

    def stop_peak(self) -> int:
        """The most bytes that were alive at any request since ``start_peak``."""
        peak = int(self._call("PUT", "/rig/settings").get("peak") or 0)
        self._call("PUT", "/rig/settings?peak=0")
        return peak

    def client_timeout(self) -> int | None:
        """Seconds after which the server hangs up on a client that stalls; None: never."""
        seconds = self._call("PUT", "/rig/settings")["client_timeout_s"]
        return None if seconds is None else int(seconds)

    def set_client_timeout(self, seconds: int) -> None:
        """Change the time that ``client_timeout`` returns."""
        self._call("PUT", f"/rig/settings?client_timeout_s={seconds}")

    def policy(self, **changes: Any) -> dict[str, Any]:
        """Change attributes of the live CORS object; returns the whole policy that is now in force."""
        if not changes:
            return self._call("GET", "/rig/policy")
        for name, value in changes.items():
            _check_policy(name, value)
        return self._call("PUT", "/rig/policy", json.dumps(changes).encode())

    def run(self, source: str) -> None:
        """Run Python ``source`` on the board, in which ``agent`` and ``app`` are the agent and the application.

        For what a test needs there for a moment: a list changed in place, a route behind the library.
        """
        self._call("POST", "/rig/run", source.encode(), "text/x-python")

    def load_libraries(self, sides: Iterable[tuple[str, str | None]]) -> dict[str, list[float]]:
        """Load fresh copies of CORS libraries, pairs of side and module on the board, side by side in that order.

        Module None: a side without CORS. A side that comes twice is loaded twice, and the last copy answers. Returns
        the milliseconds that the imports took, by side. See SIDE_HEADER.
        """
        times = self._call("PUT", "/rig/sides", json.dumps(list(sides)).encode())
        return {side: [float(ms) for ms in imports] for side, imports in times.items()}

    def heap(self) -> Heap:
        """Both heaps after a collection."""
        sizes = self._call("GET", "/rig/heap")
        idf = sizes.get("idf")
        regions = tuple((int(row[0]), int(row[1]), int(row[2]), int(row[3])) for row in idf) if idf else None
        return Heap(sizes["free"], sizes["alloc"], regions, sizes.get("connections"))

    def allocations(
        self, method: str, path: str, headers: Iterable[tuple[str, str]], n: int, bare: bool = False
    ) -> Allocation:
        """Bytes that each of ``n`` requests allocates in the board's process; ``bare``: the same routes without CORS.

        The board serves 100 requests at most.
        """
        count = self.count([(method, path, list(headers), b"")], n, bare=bare)
        return Allocation(count.bytes, count.responses[0].status)

    def count(
        self,
        messages: Iterable[Message],
        n: int,
        of: str = "allocated",
        times: int = 1,
        *,
        together: bool = False,
        cold: bool = False,
        bare: bool = False,
    ) -> MemoryCount:
        """Send ``messages`` ``times`` times in each of ``n`` turns in the board's process.

        ``of`` ``allocated``: what a turn allocates with the collector off; ``peak``: the most that it adds to what is
        alive while its responses are written; ``alive``: what is alive before the first turn and after each.
        ``together``: all messages at once. ``cold``: without a turn before that is not counted. ``bare``: the same
        routes without CORS. The board takes 100 turns at most.
        """
        options = {"n": n, "times": times, "together": together, "cold": cold, "bare": bare}
        query = "&".join(f"{name}={int(value)}" for name, value in options.items() if value)
        query += "" if of == "allocated" else f"&of={of}"
        body = b"\0".join(
            request_bytes(method, target, None, headers, body) for method, target, headers, body in messages
        )
        counts = self._call("POST", f"/rig/alloc?{query}", body, "message/http")
        heads = [parse_response(head.encode(), head=True) for head in counts["heads"]]
        return MemoryCount(
            tuple(counts["bytes"]), counts["kept"], tuple(Response(*head, Phases(0, 0, 0)) for head in heads)
        )

    def _call(
        self, method: str, target: str, body: bytes = b"", content_type: str = "application/json"
    ) -> dict[str, Any]:
        headers = [(TOKEN_HEADER, self._token)]
        if body:
            headers.append(("Content-Type", content_type))
        response = self._send(method, target, headers, body)
        try:
            answer = json.loads(response.body)
        except ValueError:
            answer = None
        if response.status == 404:
            raise AgentError(
                "the application answers, but the rig's agent is not attached to it",
                hint="call rig_agent.attach(app) in main.py where the module is present, as device/main.py does",
            )
        if response.status == 403:
            raise AgentError(
                "the server at that address refuses this run's token, so it is not the board on this serial line",
                hint="check --hil-url, and that no other board has the same address",
            )
        if response.status != 200 or not isinstance(answer, dict):
            reason = (
                answer.get("error") if isinstance(answer, dict) else response.body[:200].decode("utf-8", "replace")
            )
            raise AgentError(
                f"the agent answered {method} {target} with {response.status}: {reason}",
                hint="look at the console of the board",
            )
        return answer


def exchange_kind(target: str, headers: Iterable[tuple[str, str]]) -> str:
    """What a request counts as: a control, the side that it goes through, or empty for the library that is loaded."""
    if target.startswith("/rig/") and (not target.startswith("/rig/alloc") or "bare=1" in target):
        return CONTROL  # counting allocations is not: what is counted passes through the library
    side = next((value for name, value in headers if name == SIDE_HEADER), "")
    return CONTROL if side == NO_SIDE else side


def is_repeatable(method: str, target: str) -> bool:
    """Whether a request may be sent again when nobody knows if it took effect. The agent's may, but for ``run``."""
    return method in SAFE_METHODS or (target.startswith("/rig/") and not target.startswith("/rig/run"))


def _check_policy(name: str, value: Any) -> None:
    """Raise AgentError unless the CORS object has that attribute and can take that value."""
    if name in _POLICY_LISTS:
        valid = value is None or isinstance(value, (list, tuple, str))
    elif name == "allow_credentials":
        valid = isinstance(value, bool)
    elif name in _POLICY:
        valid = (isinstance(value, int) and not isinstance(value, bool)) or (value is None and name == "max_age")
    else:
        raise AgentError(f"unknown policy key {name!r}", hint=f"known are {', '.join(_POLICY)}")
    if not valid:
        raise AgentError(f"{name} cannot be {value!r}", hint="see the parameters of microdot.cors.CORS")
