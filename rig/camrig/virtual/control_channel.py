"""The channel to the process that started the board: commands come in, responses go out, one JSON object a line."""

from __future__ import annotations

import json
import os
from typing import Any


class ControlChannel:
    """``command_fd`` is standard input: it ends when the owner closes the board or ends."""

    def __init__(self, command_fd: int, response_fd: int) -> None:
        self.command_fd = command_fd
        self.response_fd = response_fd
        self.closed = False
        self._announced = False
        self._partial = b""

    def commands(self) -> list[dict[str, Any]]:
        """The commands that have arrived; each must be answered. Sets ``closed`` at the end of the input."""
        try:
            data = os.read(self.command_fd, 65536)
        except BlockingIOError:
            return []
        self.closed = not data
        *lines, self._partial = (self._partial + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def announce(self, message: dict[str, Any]) -> None:
        """The first response, sent once: the board is up, or cannot come up."""
        if not self._announced:
            self._announced = True
            self.respond(message)

    def respond(self, message: dict[str, Any]) -> None:
        os.write(self.response_fd, json.dumps(message).encode() + b"\n")
