"""The host's side of the channel to a supervisor: one command, one response, each a line of JSON."""

from __future__ import annotations

import errno
import json
import os
import select
from collections.abc import Callable
from pathlib import Path
from typing import Any

from camrig.deadline import Deadline

# In the folder of a kept board.
COMMANDS, RESPONSES, LOG = "commands", "responses", "log"


def read_response(fd: int, deadline: Deadline, at_end: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The supervisor's next line, or an ``error``; where its process has ended, what ``at_end`` says."""
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([fd], [], [], deadline.left)
        if not ready:
            return {"error": f"no response within {deadline.seconds:.0f} s"}
        part = os.read(fd, 4096)
        if not part:
            return at_end()
        line += part
    response: dict[str, Any] = json.loads(line.splitlines()[-1])
    return response


class NamedPipes:
    """The channel to a kept board, in its folder ``home``. One process at a time may use it: whoever has the lock.

    Raises FileNotFoundError or ConnectionError where no supervisor listens.
    """

    def __init__(self, home: Path) -> None:
        self._read = os.open(home / RESPONSES, os.O_RDONLY | os.O_NONBLOCK)
        try:
            self._write = os.open(home / COMMANDS, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            os.close(self._read)
            if error.errno == errno.ENXIO:
                raise ConnectionError("its process has ended") from None
            raise

    @staticmethod
    def make(home: Path) -> None:
        for name in (COMMANDS, RESPONSES):
            os.mkfifo(home / name, 0o600)

    def command(self, command: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        """The response to ``command``, or an ``error``. One to a process that was killed meanwhile is dropped."""
        mark = os.urandom(8).hex()
        try:
            os.write(self._write, json.dumps(command | {"id": mark}).encode() + b"\n")
            while True:
                response = self.response(deadline)
                if "error" in response or response.get("id") == mark:
                    return response
        except OSError:
            return {"error": "its process has ended"}

    def response(self, deadline: Deadline) -> dict[str, Any]:
        return read_response(self._read, deadline, lambda: {"error": "its process has ended"})

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)
