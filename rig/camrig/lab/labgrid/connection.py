"""The process that speaks with labgrid's coordinator: one request at a time, events at any moment."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from camrig.errors import LabError
from camrig.lab.labgrid.environment import find_environment
from camrig.lab.labgrid.sentences import refusal
from camrig.redaction import child_environment

SECONDS_TO_START = 30.0
SECONDS_TO_ANSWER = 30.0
SECONDS_TO_END = 10.0  # to give back what is held; it goes on doing so after that
# Behind everything else on the path: nothing of camrig's may hide a module of labgrid's environment.
_PROGRAM = "import sys; sys.path.append(sys.argv[1]); from labgrid_side.main import main; main(sys.argv[2])"


class Connection:
    """Labgrid's side, started for the coordinator at ``address``. ``on_event`` is called in a thread of its own.

    What it holds at the coordinator is given back by ``close``, or when this process ends in whatever way. Raises
    LabError when labgrid is not installed, or the coordinator does not answer.
    """

    def __init__(self, address: str, on_event: Callable[[dict[str, Any]], None] = lambda event: None) -> None:
        self.address = address
        self._on_event = on_event
        self._responses: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        python = find_environment().python
        environment = {k: v for k, v in child_environment().items() if k not in ("PYTHONPATH", "PYTHONHOME")}
        try:
            self._process = subprocess.Popen(
                [python, "-c", _PROGRAM, str(Path(__file__).parent), address],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=environment | {"LG_COORDINATOR": address},
                start_new_session=True,  # Ctrl-C at the terminal is for this process, which then closes that one
            )
        except OSError as error:
            raise LabError(f"{python} cannot be started ({error.strerror})", hint="run: camrig lab setup") from None
        self._reader = threading.Thread(target=self._read, name="labgrid", daemon=True)
        self._reader.start()
        try:
            self.labgrid = str(self._response(SECONDS_TO_START).get("labgrid", ""))
        except BaseException:
            self.close()
            raise

    def request(
        self, action: str, parameters: Mapping[str, Any] = MappingProxyType({}), seconds: float = SECONDS_TO_ANSWER
    ) -> dict[str, Any]:
        """What labgrid's side answers. Raises the error that its refusal is."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": action, **parameters}) + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            raise refusal({"kind": "ended"}, self.address) from None
        return self._response(seconds)

    def _response(self, seconds: float) -> dict[str, Any]:
        try:
            response = self._responses.get(timeout=seconds)
        except queue.Empty:
            response = {"error": {"kind": "silent", "seconds": seconds}}
        if "error" in response:
            raise refusal(response["error"], self.address)
        return response

    def _read(self) -> None:
        assert self._process.stdout is not None
        with suppress(OSError, ValueError):
            for line in self._process.stdout:
                with suppress(ValueError):
                    content = json.loads(line)
                    if "event" in content:
                        self._on_event(content)
                    else:
                        self._responses.put(content)
        self._responses.put({"error": {"kind": "ended"}})

    def close(self) -> None:
        """Give back what is held. Waits for that, but not for a coordinator that is away. May be called twice."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(SECONDS_TO_END)
            self._reader.join(1)
