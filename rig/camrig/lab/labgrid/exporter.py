"""labgrid's exporter as a process of ours, started again when it has lost its coordinator."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from camrig.errors import LabError
from camrig.lab.labgrid.connection import Connection
from camrig.lab.labgrid.environment import find_environment
from camrig.parent_death import signal_on_parent_death
from camrig.redaction import child_environment

START_AGAIN = 100  # the exit code with which labgrid's exporter asks for that
SECONDS_BETWEEN_STARTS = 2.0
SECONDS_TO_APPEAR = 20.0
SECONDS_TO_END = 8.0  # ser2net takes a second for each port
POLL = 0.2
LINES = 40  # kept of its output


class Exporter:
    """Starts with the object, and ends with ``close``, or with this process. Raises LabError."""

    def __init__(self, coordinator: str, name: str, host: str, file: Path) -> None:
        self._name = name
        program = find_environment().program("labgrid-exporter")
        self._command = [program, "-c", coordinator, "-n", name, "--hostname", host, str(file)]
        self._output: deque[str] = deque(maxlen=LINES)
        self._start()

    def _start(self) -> None:
        environment = {k: v for k, v in child_environment().items() if k not in ("PYTHONPATH", "PYTHONHOME")}
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=environment | {"PYTHONUNBUFFERED": "1"},
                start_new_session=True,  # with the processes of ser2net, so that they can be ended together
                preexec_fn=partial(signal_on_parent_death, signal.SIGTERM),
            )
        except OSError as error:
            raise LabError(
                f"labgrid-exporter cannot be started ({error.strerror})", hint="run: camrig lab setup"
            ) from None
        threading.Thread(target=self._read, args=(self._process,), name="labgrid-exporter", daemon=True).start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with suppress(OSError, ValueError):
            self._output.extend(line.rstrip() for line in process.stdout)

    def wait_until_known(self, connection: Connection, groups: Sequence[str]) -> None:
        """Wait until the coordinator knows what is offered. Raises LabError."""
        end = time.monotonic() + SECONDS_TO_APPEAR
        while not connection.request("await", {"exporter": self._name, "groups": list(groups), "seconds": POLL})[
            "ready"
        ]:
            if self._process.poll() is not None:
                raise self._error()
            if time.monotonic() > end:
                raise LabError(
                    f"the coordinator does not know exporter {self._name} after {SECONDS_TO_APPEAR:g} s",
                    hint="see the coordinator's log",
                )

    def _error(self) -> LabError:
        time.sleep(POLL)  # for its last lines
        if any("already connected" in line for line in self._output):
            return LabError(f"another exporter is called {self._name}", hint="end that one, or choose another --name")
        last = next(filter(None, reversed(self._output)), "it printed nothing").rstrip(".>")
        return LabError(f"labgrid's exporter ended: {last}", hint="start it by hand to see more: labgrid-exporter")

    def run(self, notify: Callable[[str], None]) -> None:
        """Keep it running. Raises LabError when it ends for another reason than a lost coordinator."""
        is_away = False
        while True:
            time.sleep(POLL)
            code = self._process.poll()
            if code is None:
                is_away = False if is_away and self._has_started() else is_away
                continue
            if code != START_AGAIN:
                raise self._error()
            if not is_away:
                is_away = True
                notify("the coordinator went away; waiting for it")
            self._end_group()
            time.sleep(SECONDS_BETWEEN_STARTS)
            self._output.clear()
            self._start()

    def _has_started(self) -> bool:
        return any("connected to" in line or "add resource" in line for line in list(self._output))

    def close(self) -> None:
        """End it, and every ser2net that it has started. May be called twice."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(SECONDS_TO_END)
        self._end_group()

    def _end_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
