"""The rig's agent on the board, seen from the host: policy, heap, allocation counts, identity.

Its routes lie under ``/rig/`` and require the run's token. They do not pass through the CORS library. What can be
checked or formatted here is not done on the board, where code costs heap: see device/rig_agent.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from camrig.errors import AgentError
from camrig.measure.losses import CONTROL
from camrig.probe.client import Phases, Response, request_bytes
from camrig.probe.response_parser import LostExchangeError, parse_response
from camrig.redaction import excerpt, shortened

TOKEN_HEADER = "X-Rig-Token"
SIDE_HEADER = "X-Rig-Side"  # names the library that a request goes through, where several are loaded
NO_SIDE = "-"  # the "side" of a control
JSON = "application/json"
LONGEST_REASON = 300  # characters of an error on the board that are shown
SYNTHETIC_SENSOR = "synthetic"  # the name of one whose pictures are made up
COUNTED_HOST = "192.168.178.77"  # of a usual length: counts must not depend on the address that a board got
ECHO = "/rig/echo"  # needs no token, and is answered without CORS

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")  # RFC 9110, section 9.2.1

# Its lines leave nothing behind on a board, where a function of the agent would take its bytes all the time.
RADIO = """
for name in ("rssi", "channel", "pm", "ssid"):
    try:
        import network
        station = network.WLAN(network.STA_IF)
        figures[name] = station.status(name) if name == "rssi" else station.config(name)
    except (ImportError, AttributeError, OSError, ValueError, TypeError, RuntimeError):
        pass  # this firmware has none
"""

# An application may call another thing its sensor: a camera's takes pictures.
SENSOR = """
sensor = getattr(app, "sensor", None)
if hasattr(sensor, "capture"):
    figures["name"] = getattr(sensor, "name", None)
    error = getattr(sensor, "error", None)
    figures["error"] = None if error is None else str(error)
"""

_POLICY_LISTS = ("allowed_origins", "allowed_methods", "expose_headers", "allowed_headers")
_POLICY = (*_POLICY_LISTS, "allow_credentials", "max_age", "preflight_status")

Message = tuple[str, str, list[tuple[str, str]], bytes]  # method, target, headers, body
Send = Callable[..., Response]  # of method, target, headers, body, and maybe ``seconds`` that it may need


T = TypeVar("T")


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
    """Signal strength in dBm, channel, and the firmware's number for the power-save mode; None where unknown.

    ``ssid`` is the name of the access point's network.
    """

    rssi: int | None
    channel: int | None
    power_save: int | None
    ssid: str | None = None


class Agent:
    """Talks to the agent through ``send(method, target, headers, body)``. Raises AgentError when it refuses."""

    def __init__(self, send: Send, token: str) -> None:
        self._send = send
        self._token = token

    def about(self) -> dict[str, Any]:
        """``cors_file``, ``cors_used`` and ``boot_id`` of the running application."""
        return self._read(_about, "GET", "/rig/about")

    def radio(self) -> Radio:
        """How well the board receives its access point now, and whether its radio sleeps."""
        return self._read(_radio, "POST", "/rig/run?radio", RADIO.encode(), "text/x-python")

    def sensor(self) -> dict[str, Any] | None:
        """The application's camera: its ``name``, whether its pictures are ``synthetic``, and the ``error``.

        That is why they are synthetic, or with what the last one failed. None for an application without a camera.
        """
        return self._read(_sensor, "POST", "/rig/run?sensor", SENSOR.encode(), "text/x-python")

    def echo_port(self) -> int | None:
        """The TCP port on which the board sends back what it receives; None where it could not open one."""
        return self._read(lambda echo: _number(echo.get("port")) or None, "GET", "/rig/echo_port")

    def start_peak(self) -> None:
        """Look at the collected heap at each request, until ``stop_peak``.

        Slows down every request: never while latency is measured.
        """
        self._call("PUT", "/rig/settings?peak=1")

    def stop_peak(self) -> int:
        """The most bytes that were alive at any request since ``start_peak``."""
        peak = self._read(lambda settings: _number(settings.get("peak")) or 0, "PUT", "/rig/settings")
        self._call("PUT", "/rig/settings?peak=0")
        return peak

    def client_timeout(self) -> int | None:
        """Seconds after which the server hangs up on a client that stalls; None: never."""
        return self._read(lambda settings: _number(settings["client_timeout_s"]), "PUT", "/rig/settings")

    def set_client_timeout(self, seconds: int) -> None:
        """Change the time that ``client_timeout`` returns."""
        self._call("PUT", f"/rig/settings?client_timeout_s={seconds}")

    def policy(self, *, in_place: bool = False, **changes: Any) -> dict[str, Any]:
        """Change attributes of the live CORS object; returns the whole policy that is now in force.

        ``in_place``: the lists that it has get other entries, without an assignment.
        """
        target = "/rig/policy?names=" + ",".join(_POLICY)
        if not changes:
            return self._call("GET", target)
        for name, value in changes.items():
            _check_policy(name, value)
        return self._call("PUT", target + "&in_place=1" * in_place, json.dumps(changes).encode())

    def run(self, source: str) -> dict[str, Any]:
        """Run Python ``source`` on the board, in which ``agent`` and ``app`` are the agent and the application.

        For what a test needs there for a moment, such as a route behind the library. Returns what it has put into the
        dictionary ``figures``.
        """
        return self._call("POST", "/rig/run", source.encode(), "text/x-python")

    def load_libraries(self, sides: Iterable[tuple[str, str | None]]) -> dict[str, list[float]]:
        """Load fresh copies of CORS libraries, pairs of side and module on the board, side by side in that order.

        Module None: a side without CORS. A side that comes twice is loaded twice, and the last copy answers. Returns
        the milliseconds that the imports took, by side. See SIDE_HEADER.
        """
        return self._read(
            _import_times, "PUT", "/rig/sides?policy=" + ",".join(_POLICY), json.dumps(list(sides)).encode()
        )

    def heap(self) -> Heap:
        """Both heaps after a collection."""
        return self._read(_heap, "GET", "/rig/heap")

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
        seconds: float = 0.0,
    ) -> MemoryCount:
        """Send ``messages`` ``times`` times in each of ``n`` turns in the board's process.

        ``of`` ``allocated``: what a turn allocates with the collector off; ``peak``: the most that it adds to what is
        alive while its responses are written; ``alive``: what is alive before the first turn and after each.
        ``together``: all messages at once. ``cold``: without a turn before that is not counted. ``bare``: the same
        routes without CORS. ``seconds``: how long that may take. The board takes 100 turns at most.
        """
        options = {"n": n, "times": times, "together": together, "cold": cold, "bare": bare}
        query = "&".join(f"{name}={int(value)}" for name, value in options.items() if value)
        query += "" if of == "allocated" else f"&of={of}"
        body = b"\0".join(
            request_bytes(method, target, COUNTED_HOST, headers, body) for method, target, headers, body in messages
        )
        return self._read(_memory_count, "POST", f"/rig/alloc?{query}", body, "message/http", seconds)

    def _call(self, method: str, target: str, body: bytes = b"", content_type: str = JSON) -> dict[str, Any]:
        return self._read(dict, method, target, body, content_type)

    def _read(
        self,
        read: Callable[[Any], T],
        method: str,
        target: str,
        body: bytes = b"",
        content_type: str = JSON,
        seconds: float = 0.0,
    ) -> T:
        """What ``read`` makes of the agent's answer, which may take ``seconds`` if that is longer than usual."""
        headers = [(TOKEN_HEADER, self._token)]
        if body:
            headers.append(("Content-Type", content_type))
        response = self._send(method, target, headers, body, **({"seconds": seconds} if seconds else {}))
        try:
            answer = json.loads(response.body)
        except (ValueError, RecursionError):
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
            error = answer.get("error") if isinstance(answer, dict) else None
            short = isinstance(error, str) and len(error) <= LONGEST_REASON
            reason = error if short else excerpt(response.body)
            raise AgentError(
                f"the agent answered {method} {target} with {response.status}: {reason}",
                hint="look at the console of the board",
            )
        try:
            return read(answer)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, LostExchangeError):
            raise AgentError(
                f"the agent answered {method} {target} with {excerpt(response.body)}, which it never does",
                hint="check that rig_agent.py on the board is the deployed one, and check --hil-url",
            ) from None


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _about(answer: Any) -> dict[str, Any]:
    return {"boot_id": answer["boot_id"], "cors_file": answer["cors_file"], **answer}


def _radio(figures: Any) -> Radio:
    rssi, channel, power_save = (_number(figures.get(name)) for name in ("rssi", "channel", "pm"))
    ssid = figures.get("ssid")
    return Radio(rssi, channel, power_save, shortened(ssid) if ssid and isinstance(ssid, str) else None)


def _sensor(figures: Any) -> dict[str, Any] | None:
    name, error = figures.get("name"), figures.get("error")
    if not isinstance(name, str):
        return None
    reason = shortened(error) if isinstance(error, str) else None
    return {"name": shortened(name), "synthetic": name == SYNTHETIC_SENSOR, "error": reason}


def _import_times(answer: Any) -> dict[str, list[float]]:
    return {side: [float(ms) for ms in imports] for side, imports in answer.items()}


def _heap(sizes: Any) -> Heap:
    idf = sizes.get("idf")
    regions = tuple((int(row[0]), int(row[1]), int(row[2]), int(row[3])) for row in idf) if idf else None
    return Heap(int(sizes["free"]), int(sizes["alloc"]), regions, _number(sizes.get("connections")))


def _memory_count(counts: Any) -> MemoryCount:
    heads = [parse_response(head.encode(), to_head=True) for head in counts["heads"]]
    if not heads:
        raise ValueError("a count of no answers")
    responses = tuple(Response(*head, Phases(0, 0, 0)) for head in heads)
    return MemoryCount(tuple(int(size) for size in counts["bytes"]), int(counts["kept"]), responses)


def exchange_kind(target: str, headers: Iterable[tuple[str, str]]) -> str:
    """What a request counts as: a control, the side that it goes through, or empty for the library that is loaded."""
    if target.startswith("/rig/") and (not target.startswith("/rig/alloc") or "bare=1" in target):
        return CONTROL  # counting allocations is not: what is counted passes through the library
    side = next((value for name, value in headers if name == SIDE_HEADER), "")
    return CONTROL if side == NO_SIDE else side


def is_repeatable(method: str, target: str) -> bool:
    """Whether a request may be sent again when nobody knows if it took effect. The agent's may, but for ``run``."""
    return method in SAFE_METHODS or (target.startswith("/rig/") and target != "/rig/run")


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
