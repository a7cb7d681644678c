"""The host's handle on a virtual board: start it, cut its power, inject faults, close it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from camrig.deadline import Deadline
from camrig.errors import BlockedError
from camrig.virtual.config import VirtualConfig, find_interpreter
from camrig.virtual.faults import BY_NAME, parse

__all__ = ["Strike", "VirtualBoard", "VirtualConfig"]

START_SECONDS = 20.0
CLOSE_SECONDS = 5.0


@dataclass(frozen=True)
class Strike:
    """A fault that struck, and the time ``at`` which it did, on the monotonic clock."""

    fault: str
    at: float


class VirtualBoard:
    """A running virtual board. ``path`` is its serial port, ``address`` the one that its Wi-Fi will report."""

    def __init__(self, process: subprocess.Popen[bytes], home: Path, path: str, address: str) -> None:
        self._process = process
        self._home = home
        self.path = path
        self.address = address

    @classmethod
    def start(cls, config: VirtualConfig) -> VirtualBoard:
        """Power a board on; its port can be opened when this returns.

        Raises InterpreterMissingError without an interpreter, BlockedError when the board does not come up.
        """
        interpreter = find_interpreter(config.interpreter)
        home = Path(tempfile.mkdtemp(prefix="camrig-"))
        settings = asdict(config) | {
            "flash": str(config.flash.resolve()) if config.flash else None,
            "interpreter": asdict(interpreter),
            "home": str(home),
            "parent": os.getpid(),
        }
        package = str(Path(__file__).resolve().parents[2])
        process = subprocess.Popen(
            [sys.executable, "-S", "-m", "camrig.virtual"],  # -S: nothing of site-packages is needed
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={k: v for k, v in os.environ.items() if not k.startswith("CAMRIG_")} | {"PYTHONPATH": package},
            start_new_session=True,  # Ctrl-C at the terminal is for the parent, which then closes the board
        )
        try:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(settings).encode() + b"\n")
            response = _response(process, Deadline.after(START_SECONDS))
            if "error" in response:
                raise BlockedError(
                    f"the virtual board did not start: {response['error']}",
                    hint="check its heap size and its flash image",
                    details=response.get("details", ""),
                )
            return cls(process, home, response["path"], response["address"])
        except BaseException:
            _close(process, home)
            raise

    def __enter__(self) -> VirtualBoard:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether the board still runs."""
        return self._process.poll() is None

    def power_cycle(self) -> None:
        """Cut the power and restore it: a hard reset at any moment.

        When this returns the old run is over and the ROM's boot message is on the line. Raises BlockedError when
        the board has ended.
        """
        self._command({"do": "power_cycle"})

    def fault(self, text: str) -> None:
        """Inject the fault ``text``, in the words of ``faults.py``. One that strikes ``now`` has struck on return.

        Raises SettingsError for a typo, and BlockedError when the board has ended.
        """
        self._command({"do": "fault", "fault": str(parse(text))})

    def clear(self, name: str | None = None) -> None:
        """End the faults of that name, or all of them.

        Raises SettingsError for an unknown name, and BlockedError when the board has ended.
        """
        if name is not None and name not in BY_NAME:
            parse(name)
        self._command({"do": "clear", "fault": name})

    def struck(self) -> tuple[Strike, ...]:
        """The faults that have struck since the board was started, in their order. Raises BlockedError."""
        return tuple(Strike(entry["fault"], entry["at"]) for entry in self._command({"do": "struck"})["struck"])

    def close(self) -> None:
        """End the board, and remove its files and processes. May be called twice."""
        _close(self._process, self._home)

    def _command(self, command: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            response = _response(self._process, Deadline.after(START_SECONDS))
        except (OSError, ValueError):
            response = {"error": "its pipe is closed"}
        if "error" in response:
            raise BlockedError("the virtual board has ended", board=self.path, hint="start a new one")
        return response


def _response(process: subprocess.Popen[bytes], deadline: Deadline) -> dict[str, Any]:
    """The supervisor's next line, or an ``error``."""
    assert process.stdout is not None
    assert process.stderr is not None
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([process.stdout], [], [], deadline.left)
        if not ready:
            return {"error": f"no response within {deadline.seconds:.0f} s"}
        part = os.read(process.stdout.fileno(), 4096)
        if not part:
            stderr = process.stderr.read().decode(errors="replace")
            summary = stderr.strip().splitlines()[-1:] or ["its process ended"]
            return {"error": summary[0], "details": stderr}
        line += part
    response: dict[str, Any] = json.loads(line)
    return response


def _close(process: subprocess.Popen[bytes], home: Path) -> None:
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(CLOSE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    shutil.rmtree(home, ignore_errors=True)
