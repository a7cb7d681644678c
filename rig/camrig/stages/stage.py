"""One command of a night: started, waited for and ended; its output goes into a file."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from camrig.deadline import Deadline
from camrig.errors import EXIT_BLOCKED, EXIT_FAILED, EXIT_INCONCLUSIVE, EXIT_USAGE
from camrig.parent_death import signal_on_parent_death

EXIT_INTERRUPTED = 2  # pytest's own code
WRONG_SETTINGS = "wrong settings"
SECONDS_TO_END = 90.0  # of a command that was interrupted: a board may have to be brought back
_POSIX = os.name == "posix"
_RESULTS = re.compile(r"^\s*results: (.+\.json)\s*$", re.MULTILINE)
_TAIL = 1 << 16  # bytes at the end of an output that are looked at


@dataclass(frozen=True)
class Stage:
    """What a command is to the night, on which board, the words behind ``python -m``, and how long it may take."""

    name: str
    board: str
    words: Sequence[str]
    seconds: float

    def __str__(self) -> str:
        return f"{self.board}  {self.name}"


@dataclass(frozen=True)
class StageEnd:
    """How a command ended: its exit code by the rule of a run, seconds, results if it left some, and words."""

    stage: Stage
    code: int
    seconds: float
    results: Path | None
    words: str


class RunningStage:
    """A command at work. It gets no Ctrl-C of the terminal, and ends when this process does (on Linux)."""

    def __init__(self, stage: Stage, log: Path) -> None:
        """Raises OSError if it cannot be started."""
        self.stage, self.log = stage, log
        self._clock = time.monotonic()
        self._until = Deadline.after(stage.seconds)
        self._is_late = self._is_interrupted = False
        with log.open("ab") as output:
            self._begin = output.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-u", "-m", *stage.words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=_POSIX,
                preexec_fn=_end_with_parent if _POSIX else None,
            )

    def poll(self) -> StageEnd | None:
        """How it ended; None while it works. Whatever takes too long is interrupted, and then stopped."""
        code = self._process.poll()
        if code is None and self._until.passed:
            self._is_late = True
            self.interrupt()
            self._wait_or_kill()
            code = self._process.returncode
        return None if code is None else self._end(code)

    def interrupt(self) -> None:
        """Let it end with what it has. Once: a second Ctrl-C would stop it at once."""
        if self._is_interrupted:
            return
        self._is_interrupted = True
        with suppress(OSError):
            if _POSIX:
                self._process.send_signal(signal.SIGINT)
            else:
                self._process.terminate()

    def stop(self) -> StageEnd:
        """Interrupt it, wait until it has ended, and stop it if it does not."""
        self.interrupt()
        self._wait_or_kill()
        return self._end(self._process.returncode)

    def kill(self) -> None:
        """Stop it at once, with all that it has started."""
        with suppress(OSError):
            if _POSIX:
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()

    def _wait_or_kill(self) -> None:
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.kill()

    def _end(self, code: int) -> StageEnd:
        output = self._output()
        matches = _RESULTS.findall(output)
        results = Path(matches[-1]) if matches else None
        if results is not None and not results.is_file():
            results = None
        rule, words = by_rule(code)
        if self._is_late:
            rule, words = EXIT_BLOCKED, f"took longer than {self.stage.seconds:.0f} s and was ended"
        seconds = time.monotonic() - self._clock
        return StageEnd(self.stage, rule, seconds, results, words or ("" if results else last_line(output)))

    def _output(self) -> str:
        """The end of what it has printed."""
        try:
            with self.log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(self._begin, size - _TAIL))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""


def by_rule(code: int) -> tuple[int, str]:
    """The exit code of a command as one of a run, and words for one that is not: it says nothing of the library."""
    if code in (0, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_BLOCKED, EXIT_INCONCLUSIVE):
        return code, ""
    if code == -signal.SIGINT:
        return EXIT_INTERRUPTED, "interrupted"
    if code < 0:
        return EXIT_BLOCKED, f"ended by signal {-code}"
    words = {3: "internal error of pytest", EXIT_USAGE: WRONG_SETTINGS, 5: "no tests"}
    return EXIT_BLOCKED, words.get(code, f"exit code {code}")


def worst(codes: Sequence[int], interrupted: bool = False) -> int:
    """The exit code of a night: 2 if it was interrupted, else failed 1 before blocked 6, inconclusive 7 and 0."""
    if interrupted:
        return EXIT_INTERRUPTED
    order = (EXIT_FAILED, EXIT_BLOCKED, EXIT_INTERRUPTED, EXIT_INCONCLUSIVE)
    return next((code for code in order if code in codes), 0)


def _end_with_parent() -> None:
    """In the child, before the command: Ctrl-C when the night ends, and not the handler of whoever started that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal_on_parent_death(signal.SIGINT)


def last_line(output: str) -> str:
    """What a command printed last: the sentence of an error where it ended with one."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1].strip("= ") if lines else "it printed nothing"
