"""One cycle: pytest in a process of its own, and the line that says what came of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camrig.watch.failed_first import RESULT
from camrig.whole_file import temporary_folder

NAMED = 3  # saved files that a line names
SECONDS_TO_END = 20.0  # that an interrupted pytest has to clear up
SUCCESS, NOTHING_COLLECTED, USAGE = 0, 5, 4  # exit codes of pytest
INTERRUPT = getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT)
OWN_GROUP: dict[str, Any] = (
    {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    if sys.platform == "win32"
    else {"start_new_session": True}
)


@dataclass(frozen=True)
class Cycle:
    """What came of one run of pytest. ``counts`` are numbers of tests by outcome, empty where pytest ended early."""

    exit_code: int
    output: str
    seconds: float
    counts: dict[str, int]
    not_run: int

    @property
    def result(self) -> str:
        """In words: ``2 failed, 10 passed, 4 not run``."""
        words = [f"{count} {outcome}" for outcome, count in self.counts.items() if count]
        if self.not_run:
            words.append(f"{self.not_run} not run")
        if words:
            return ", ".join(words)
        return "no tests" if self.exit_code == NOTHING_COLLECTED else f"pytest ended with code {self.exit_code}"


def run_cycle(arguments: Sequence[str], colour: bool) -> Cycle:
    """Run pytest, those tests first that failed last. Ctrl-C ends it too, and is then raised."""
    command = [sys.executable, "-m", "pytest", "-p", "camrig.watch.failed_first", "-q", "--no-header"]
    command += [] if "no:cacheprovider" in arguments else ["--failed-first"]
    command += ["--color=yes"] if colour else []
    started = time.monotonic()
    with temporary_folder() as folder:
        result = folder / "result.json"
        # The process is in a group of its own: Ctrl-C at the terminal reaches it once, through this process.
        with subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {RESULT: str(result)},
            **OWN_GROUP,
        ) as process:
            try:
                output = process.communicate()[0]
            except BaseException:
                _interrupt(process)
                raise
        counted = _read(result)
    return Cycle(
        process.returncode,
        output.decode(errors="replace"),
        time.monotonic() - started,
        counted.get("counts", {}),
        counted.get("not_run", 0),
    )


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """Let pytest release its boards and end; kill it if it does not."""
    if process.poll() is None:
        process.send_signal(INTERRUPT)
    try:
        process.communicate(timeout=SECONDS_TO_END)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.communicate()


def _read(path: Path) -> dict[str, Any]:
    try:
        counted = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return counted if isinstance(counted, dict) else {}


def line(saved: Sequence[str], cycle: Cycle) -> str:
    """What changed, the result, and the seconds that it took."""
    return f"{time.strftime('%H:%M:%S')}  {names(saved)}: {cycle.result} in {cycle.seconds:.2f} s"


def names(saved: Sequence[str]) -> str:
    """The first few of the saved files, relative to the current folder."""
    if not saved:
        return "start"
    rest = len(saved) - NAMED
    shown = [_relative(path) for path in saved[:NAMED]]
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")


def _relative(path: str) -> str:
    try:
        relative = os.path.relpath(path)
    except ValueError:  # on another drive
        return path
    return path if relative.startswith("..") else relative
