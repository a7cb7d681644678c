"""One preflight, as a browser would send it, and what its answer says."""

from __future__ import annotations

from typing import Any

from camrig.doctor.check import Check, State
from camrig.dut import Dut

NAME = "preflight"
ORIGIN = "https://camrig-doctor.example"


def preflight_check(dut: Dut, origins: Any) -> Check:
    """The check of a ``dut`` whose settings allow ``origins``. Raises what a request raises."""
    allowed = origins if isinstance(origins, str) else (origins or [None])[0]
    origin = ORIGIN if allowed in (None, "*") else str(allowed)
    headers = [("Origin", origin), ("Access-Control-Request-Method", "GET")]
    response = dut.request("OPTIONS", "/api/status", headers)
    grant = response.header("Access-Control-Allow-Origin")
    answered = f"answered with status {response.status} in {response.phases.total:.0f} ms"
    if allowed is None and grant is None:
        finding = f"{answered}; the board's settings allow no origin, and none is granted"
        return Check(NAME, State.OK, finding)
    if response.status in (200, 204) and grant in ("*", origin):
        return Check(NAME, State.OK, f"{answered}, and {origin} may read the answer")
    refusal = f"Access-Control-Allow-Origin is {grant!r}" if grant else "no origin is granted"
    finding = f"{answered}, but for {origin} {refusal}"
    advice = f"check the CORS settings of the application; allowed_origins on the board is {origins!r}"
    return Check(NAME, State.WRONG, finding, advice)
