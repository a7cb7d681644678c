"""What can go wrong with a rig, one sentence each, and the exit code that it means.

Every error says what happened, on which board, and what to do next. None of them says that the library under test is
wrong, except some that are failures: BoardCrashedError, because what runs on the board caused it, WrongAnswerError,
AnswerLostError, LibraryError, FirmwareBootError and CandidateError; BoardCodeError and NotPrintedError, where a
test's code or expectation fails.
"""

from __future__ import annotations

from typing import TypeVar

from camrig.redaction import presentable

EXIT_FAILED = 1  # pytest's own code for tests that failed
EXIT_USAGE = 4  # pytest's own code for a command line it cannot use
EXIT_BLOCKED = 6  # the rig could not run: no board, no Wi-Fi, a broken board
EXIT_INCONCLUSIVE = 7  # the gate cannot decide

T = TypeVar("T", bound="CamrigError")


class CamrigError(Exception):
    """``what`` happened on ``board``, and what to do: the ``hint``.

    All three are plain text without a final full stop. ``details`` may hold the console's last lines. Whatever quotes
    a board is made harmless here: no secret, and no control character that acts on a terminal.
    """

    exit_code = EXIT_BLOCKED

    def __init__(self, what: str, *, board: str | None = None, hint: str = "", details: str = "") -> None:
        self.what, self.hint, self.details = map(presentable, (what, hint, details))
        super().__init__(self.what)
        self.board = board

    def on(self: T, board: str) -> T:
        """The same error with the name of the board, unless it names one already."""
        return self.amended(board=board)

    def amended(self: T, *, what: str | None = None, board: str | None = None, details: str | None = None) -> T:
        """The same error in other words. A board that it names already stays; None leaves a text as it is."""
        return type(self)(
            self.what if what is None else what,
            board=self.board or board,
            hint=self.hint,
            details=self.details if details is None else details,
        )

    def __str__(self) -> str:
        where = f"{self.board}: " if self.board else ""
        hint = f" {self.hint[0].upper()}{self.hint[1:]}" if self.hint else ""
        return f"{where}{self.what}.{hint}" + ("." if hint and not hint.endswith("?") else "")


class SettingsError(CamrigError):
    """A flag, a variable or a line of the config file cannot be used."""

    exit_code = EXIT_USAGE


class BaselineError(CamrigError):
    """A baseline is missing, damaged, lacks a metric, or may not be compared with this run."""

    exit_code = EXIT_USAGE


class HistoryError(CamrigError):
    """The file that keeps the runs, or results for it, are missing, damaged, newer or in use."""

    exit_code = EXIT_USAGE


class ResultsError(CamrigError):
    """A file of results is missing or damaged, or of a schema that this camrig does not read."""

    exit_code = EXIT_USAGE


class SignatureError(CamrigError):
    """A signature is missing or does not fit, or none can be made or checked."""

    exit_code = EXIT_USAGE


class FirmwareError(CamrigError):
    """A firmware image is damaged, of another kind, or does not fit the board."""

    exit_code = EXIT_USAGE


class BlockedError(CamrigError):
    """The rig cannot do its work: the base of everything below."""


class UnexpectedError(BlockedError):
    """An exception that nobody expected: a fault of camrig, or something that this computer refused."""


class PortError(BlockedError):
    """The serial port is missing, busy or lost."""


class BoardBusyError(BlockedError):
    """Another run owns the board."""


class LabError(BlockedError):
    """labgrid, its coordinator or an exporter cannot be used."""


class LeaseLostError(LabError):
    """The place that a run had at a labgrid coordinator is not its own any more."""


class QuarantinedError(BlockedError):
    """The board has failed too often, or somebody has set it aside: no run uses it."""


class BoardSilentError(BlockedError):
    """Nothing answers on the wire."""


class NoMicroPythonError(BlockedError):
    """Something answers, but it is not MicroPython."""


class BootLoaderError(NoMicroPythonError):
    """The chip waits for a firmware instead of running one."""


class BoardResetError(BlockedError):
    """The board restarted in the middle of something."""


class PowerLostError(BlockedError):
    """The board lost its power while it served."""


class BoardBrokenError(BlockedError):
    """No rung of the recovery ladder brought the board back."""


class FlashError(BlockedError):
    """The firmware could not be written."""


class FlashReadError(FlashError):
    """The flash could not be read, or not without damage. Nothing has been erased."""


class NotStartedError(FlashError):
    """The flash has what it should have, but the chip does not leave its boot loader."""


class BoardCrashedError(CamrigError):
    """What runs on the board brought it down: a failure of the test during which it happened."""

    exit_code = EXIT_FAILED


class WrongAnswerError(CamrigError):
    """The library under test answers a request wrongly."""

    exit_code = EXIT_FAILED


class LibraryError(CamrigError):
    """The library under test cannot run at all: it does not compile, cannot be imported or made, or hangs."""

    exit_code = EXIT_FAILED


class FirmwareBootError(CamrigError):
    """The firmware that was flashed does not boot, or something else runs than was flashed."""

    exit_code = EXIT_FAILED


class AnswerLostError(CamrigError):
    """A request gets no answer again and again, while requests without CORS are answered."""

    exit_code = EXIT_FAILED


class CandidateError(CamrigError):
    """The candidate of a comparison does not come up on a board on which the baseline did."""

    exit_code = EXIT_FAILED


class ExpectationError(CamrigError):
    """A failure of what a test itself asked of a board; its text has the details too."""

    exit_code = EXIT_FAILED

    def __str__(self) -> str:
        return f"{super().__str__()}\n\n{self.details}".rstrip()


class BoardCodeError(ExpectationError):
    """Code that a test ran on the board raised or did not end; ``details`` is the board's traceback."""


class NotPrintedError(ExpectationError):
    """The console did not print in time what a test expects; ``details`` is what it printed last."""


class NotAvailableError(CamrigError):
    """What a test asks for does not exist in this setup, such as HTTP without a server: the test is skipped."""


class BoardRaisedError(BlockedError):
    """Code that the rig ran on the board raised; ``details`` is the board's traceback."""

    @property
    def raised(self) -> str:
        """The exception, as the last line of the traceback has it."""
        return (self.details or self.what).splitlines()[-1]


class DeployError(BlockedError):
    """The application could not be put on the board."""


class FlashFullError(DeployError):
    """The board's filesystem has no room."""


class WifiError(BlockedError):
    """The board did not get onto the network."""


class BootError(BlockedError):
    """The application on the board did not come up."""


class ServerSilentError(BlockedError):
    """The board says that it serves, but no HTTP exchange succeeds."""


class CameraError(BlockedError):
    """The pictures are made up where those of a camera are required."""


class AgentError(BlockedError):
    """The rig's agent on the board refused or did not understand."""


class InterpreterMissingError(BlockedError):
    """There is no MicroPython to make a virtual board of."""


class BrowserError(BlockedError):
    """The browser is old, hangs, ended, or is something else."""


class BrowserMissingError(BrowserError):
    """There is no browser, or the one that was named cannot be executed."""


class PageError(BrowserError):
    """A page does not open, blocks, crashes or throws; the browser itself is sound."""
