"""Which requests were checked under which policy, and which of them failed: the cells of the report's matrix."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from cors_expectation import ORIGINS, Exchange

KINDS = ("preflight", "request", "error", "OPTIONS")
TIMES = 200  # kept of a cell; a median needs no more
SHOWN = 20_000  # characters of a failed exchange


class Cell:
    """The exchanges of one kind of request under one kind of policy."""

    def __init__(self) -> None:
        self.checked = 0
        self.failed = 0
        self.times: list[float] = []
        self.first_failure = ""

    def add(self, ms: float) -> None:
        self.checked += 1
        if len(self.times) < TIMES:
            self.times.append(ms)

    def fail(self, text: str) -> None:
        """An exchange that was added has failed."""
        self.failed += 1
        self.first_failure = self.first_failure or text[:SHOWN]


class ExchangeMatrix:
    """Cells by policy and request, in the order in which they were first tried."""

    def __init__(self, usual: Mapping[str, Any]) -> None:
        self._usual = usual
        self._cells: dict[tuple[str, str], Cell] = {}

    def cell(self, exchange: Exchange) -> Cell:
        """The cell that ``exchange`` belongs to."""
        return self._cells.setdefault((self._policy(exchange), request_name(exchange)), Cell())

    def as_data(self) -> list[dict[str, Any]]:
        """One entry a cell, for the results file: ``ms`` is the median of the whole exchange on this computer.

        They come column by column, so that a reader of the file has the columns in order, too.
        """
        cells = sorted(self._cells.items(), key=lambda entry: (KINDS.index(entry[0][1].split(",")[0]), entry[0][1]))
        return [
            {
                "policy": policy,
                "request": request,
                "checked": cell.checked,
                "failed": cell.failed,
                "ms": round(median(cell.times), 3),
                "exchange": cell.first_failure,
            }
            for (policy, request), cell in cells
        ]

    def _policy(self, exchange: Exchange) -> str:
        names = []
        for name, value in exchange.policy.items():
            if value == self._usual.get(name):
                continue
            if name == "allowed_origins":
                names.append("any origin" if value == "*" else "other origins")
            else:
                names.append(name.removeprefix("allow_").removeprefix("allowed_").replace("_", " "))
        return ", ".join(sorted(names)) or "origins alone"


def request_name(exchange: Exchange) -> str:
    """The kind of a request, by its method, its origin and what became of it."""
    sent = {name.lower(): value for name, value in exchange.headers}
    if exchange.method == "OPTIONS" and "access-control-request-method" in sent:
        kind = "preflight"
    elif exchange.method == "OPTIONS":
        kind = "OPTIONS"
    else:
        kind = "error" if exchange.response.status >= 400 else "request"
    if "origin" not in sent:
        return f"{kind}, no origin"
    allowed = exchange.policy.get("allowed_origins", ORIGINS)
    listed = allowed == "*" or (isinstance(allowed, (list, tuple)) and sent["origin"] in allowed)
    return f"{kind}, listed" if listed else f"{kind}, not listed"
