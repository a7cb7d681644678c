"""The host's handle on a virtual board: start it, cut its power, inject faults, close it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from camrig.deadline import Deadline
from camrig.errors import BlockedError
from camrig.virtual.config import InterpreterFile, VirtualConfig, find_interpreter
from camrig.virtual.faults import BY_NAME, parse
from camrig.virtual.pipes import read_response
from camrig.whole_file import temporary_folder

__all__ = ["Strike", "VirtualBoard", "VirtualConfig"]

START_SECONDS = 20.0
CLOSE_SECONDS = 5.0


@dataclass(frozen=True)
class Strike:
    """A fault that struck, and the time ``at`` which it did, on the monotonic clock."""

    fault: str
    at: float


def demand_pseudo_terminals() -> None:
    """Raises BlockedError where the system has none, as Windows."""
    try:
        import pty  # noqa: F401
        import termios  # noqa: F401
    except ImportError:
        raise BlockedError(
            "this system has no pseudo-terminals, so it cannot run a virtual board",
            hint="name a board with --device, such as COM3, or use Linux or macOS (on Windows: WSL)",
        ) from None


def start_error(reason: str, details: str) -> BlockedError:
    return BlockedError(
        f"the virtual board did not start: {reason}", hint="check its heap size and its flash image", details=details
    )


def supervisor_settings(config: VirtualConfig, interpreter: InterpreterFile, home: Path) -> dict[str, Any]:
    """The settings that a supervisor reads: those of the board, and its folder."""
    flash = str(config.flash.resolve()) if config.flash else None
    return asdict(config) | {"flash": flash, "interpreter": asdict(interpreter), "home": str(home)}


def spawn(stdout: int, stderr: int) -> subprocess.Popen[bytes]:
    """The process of a supervisor, which reads its settings first. The descriptors are as Popen takes them."""
    package = str(Path(__file__).resolve().parents[2])
    return subprocess.Popen(
        [sys.executable, "-S", "-m", "camrig.virtual"],  # -S: nothing of site-packages is needed
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        bufsize=0,
        env={k: v for k, v in os.environ.items() if not k.startswith("CAMRIG_")} | {"PYTHONPATH": package},
        start_new_session=True,  # Ctrl-C at the terminal is for the parent, which then closes the board
    )


class VirtualBoard:
    """A running virtual board. ``path`` is its serial port, ``address`` the one that its Wi-Fi will report."""

    def __init__(
        self, process: subprocess.Popen[bytes], folder: contextlib.ExitStack, path: str, address: str
    ) -> None:
        self._process = process
        self._folder = folder
        self.path = path
        self.address = address

    @classmethod
    def start(cls, config: VirtualConfig) -> VirtualBoard:
        """Power a board on; its port can be opened when this returns.

        Raises InterpreterMissingError without an interpreter, BlockedError when the board does not come up.
        """
        return StartingBoard(config).finish()

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
        _close(self._process, self._folder)

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


class StartingBoard:
    """A board whose power is on, and that is not up yet: ``finish`` waits for it, or ``close`` ends it.

    Raises InterpreterMissingError without an interpreter, BlockedError on a system that can have no virtual board.
    """

    def __init__(self, config: VirtualConfig) -> None:
        demand_pseudo_terminals()
        interpreter = find_interpreter(config.interpreter)
        self._folder = contextlib.ExitStack()
        home = self._folder.enter_context(temporary_folder())
        self._process = spawn(subprocess.PIPE, subprocess.PIPE)
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            settings = supervisor_settings(config, interpreter, home) | {"parent": os.getpid()}
            self._process.stdin.write(json.dumps(settings).encode() + b"\n")

    def finish(self) -> VirtualBoard:
        """The board, once its port can be opened. Raises BlockedError when it does not come up."""
        try:
            response = _response(self._process, Deadline.after(START_SECONDS))
            if "error" in response:
                raise start_error(response["error"], response.get("details", ""))
            return VirtualBoard(self._process, self._folder, response["path"], response["address"])
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        _close(self._process, self._folder)


def _response(process: subprocess.Popen[bytes], deadline: Deadline) -> dict[str, Any]:
    """The supervisor's next line, or an ``error``."""
    assert process.stdout is not None
    return read_response(process.stdout.fileno(), deadline, lambda: _last_words(process))


def _last_words(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stderr is not None
    stderr = process.stderr.read().decode(errors="replace")
    summary = stderr.strip().splitlines()[-1:] or ["its process ended"]
    return {"error": summary[0], "details": stderr}


def _close(process: subprocess.Popen[bytes], folder: contextlib.ExitStack) -> None:
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(CLOSE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    folder.close()
