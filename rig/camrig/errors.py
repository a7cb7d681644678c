"""What can go wrong with a rig, one sentence each, and the exit code that it means.

Every error says what happened, on which board, and what to do next. None of them ever says that the
library under test is wrong: that is an ordinary test failure. BoardCrashed is one: what runs on the board ended it.
"""

from __future__ import annotations

EXIT_FAILED = 1  # pytest's own code for tests that failed
EXIT_USAGE = 4  # pytest's own code for a command line it cannot use
EXIT_BLOCKED = 6  # the rig could not run: no board, no Wi-Fi, a broken board
EXIT_INCONCLUSIVE = 7  # the gate cannot decide


class CamrigError(Exception):
    """``what`` happened on ``board``, and what to do ``next``.

    All three are plain text without a final full stop. ``details`` may hold the console's last lines.
    """

    exit_code = EXIT_BLOCKED

    def __init__(self, what: str, *, board: str | None = None, next: str = "", details: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.board = board
        self.next = next
        self.details = details

    def on(self, board: str) -> CamrigError:
        """Name the board, unless a name is known already."""
        if self.board is None:
            self.board = board
        return self

    def __str__(self) -> str:
        where = f"{self.board}: " if self.board else ""
        then = f". {self.next[0].upper()}{self.next[1:]}." if self.next else "."
        return f"{where}{self.what}{then}"


class SettingsError(CamrigError):
    """A flag, a variable or a line of the config file cannot be used."""

    exit_code = EXIT_USAGE


class BaselineError(CamrigError):
    """A baseline is missing, damaged, lacks a metric, or may not be compared with this run."""

    exit_code = EXIT_USAGE


class Blocked(CamrigError):
    """The rig cannot do its work: the base of everything below."""


class PortError(Blocked):
    """The serial port is missing, busy or lost."""


class BoardBusy(Blocked):
    """Another run owns the board."""


class BoardSilent(Blocked):
    """Nothing answers on the wire."""


class NoMicroPython(Blocked):
    """Something answers, but it is not MicroPython."""


class InBootLoader(NoMicroPython):
    """The chip waits for a firmware instead of running one."""


class BoardReset(Blocked):
    """The board restarted in the middle of something."""


class PowerLost(Blocked):
    """The board lost its power while it served."""


class BoardBroken(Blocked):
    """No rung of the recovery ladder brought the board back."""


class FlashError(Blocked):
    """The firmware could not be written."""


class BoardCrashed(CamrigError):
    """What runs on the board brought it down: a failure of the test during which it happened."""

    exit_code = EXIT_FAILED


class BoardRaised(Blocked):
    """Code that the rig ran on the board raised; ``details`` is the board's traceback."""


class DeployError(Blocked):
    """The application could not be put on the board."""


class FlashFull(DeployError):
    """The board's filesystem has no room."""


class WifiError(Blocked):
    """The board did not get onto the network."""


class BootError(Blocked):
    """The application on the board did not come up."""


class ServerSilent(Blocked):
    """The board says that it serves, but no HTTP exchange succeeds."""


class AgentError(Blocked):
    """The rig's agent on the board refused or did not understand."""


class InterpreterMissing(Blocked):
    """There is no MicroPython to make a virtual board of."""
