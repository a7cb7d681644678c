"""The one who started the board: commands come in, answers go out, one JSON object a line."""

from __future__ import annotations

import json
import os
from typing import Any


class Host:
    """Standard input is the board's ``lifeline``: it is cut when the host lets go of the board."""

    def __init__(self, lifeline: int, report: int) -> None:
        self.lifeline = lifeline
        self.report = report
        self.announced = False
        self.gone = False
        self._half = b""

    def commands(self) -> list[dict[str, Any]]:
        """What the host has asked for meanwhile; each command is to be answered. Sets ``gone`` when it has left."""
        try:
            data = os.read(self.lifeline, 65536)
        except BlockingIOError:
            return []
        self.gone = not data
        *lines, self._half = (self._half + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def announce(self, message: dict[str, Any]) -> None:
        """The first answer, once: the board is up, or cannot come up."""
        if not self.announced:
            self.announced = True
            self.answer(message)

    def answer(self, message: dict[str, Any]) -> None:
        os.write(self.report, json.dumps(message).encode() + b"\n")
