"""One faulty copy before the suite or the gate, as a command of its own, and what its outcome is worth."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from camrig.errors import EXIT_BLOCKED, EXIT_FAILED, EXIT_INCONCLUSIVE
from camrig.prove.behaviour_faults import BEHAVIOUR_FAULTS
from camrig.prove.cost_faults import COST_FAULTS, HARMLESS_CHANGES
from camrig.prove.faulty_copy import Fault, changed_library

CATALOGUE = (*BEHAVIOUR_FAULTS, *COST_FAULTS, *HARMLESS_CHANGES)
KINDS = tuple(dict.fromkeys(fault.kind for fault in CATALOGUE))
CAUGHT, MISSED, WRONG_REASON, FALSE_ALARM = "caught", "missed", "wrong reason", "false alarm"
SECONDS_PER_TRIAL = 900  # a copy that hangs is not waited for any longer
PASSED, INCONCLUSIVE, BLOCKED = "passed", "inconclusive", "blocked"

# The metrics that speak of a kind of cost.
_METRICS = {
    "time": r"latency\.",
    "bytes": r"heap\.(?!leak).*(allocated|peak|import)|heap\..*\.added",
    "leaks": r"heap\..*(leak|retained|import)",
}
# What a test of behaviour speaks of, in its name or in the reason of its failure.
_BEHAVIOUR = re.compile(
    r"cors|origin|access-control|vary|preflight|polic|page|browser|allow|max.age|expose|header|status", re.IGNORECASE
)


@dataclass(frozen=True)
class Outcome:
    """What became of one fault: the word, and the test or metric that decided."""

    fault: Fault
    result: str
    evidence: str


@dataclass(frozen=True)
class Suite:
    """How the tests are called: the library, test paths (none: those that pytest finds), seconds for times."""

    library: Path
    paths: tuple[str, ...]
    functional: bool
    seconds: float

    def command(self, fault: Fault, copy: Path, baseline: Path, folder: Path) -> list[str]:
        """The command that is to find ``fault`` in ``copy``; ``baseline`` is the library without it."""
        if fault.kind in _METRICS:
            options = ["--candidate", copy, "--baseline", baseline, "--seconds", self.seconds, "--device", "sim"]
            return [sys.executable, "-m", "camrig", "ab", *map(str, options), "--hil-baselines", str(folder)]
        marker = ["-m", "functional"] if self.functional else []
        options = ["--device", "sim", "--hil-lib", copy, "--hil-results", folder / "results"]
        pytest = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "-p", "no:cacheprovider"]
        return [*pytest, *self.paths, *marker, *map(str, options)]


def has_functional_tests() -> bool:
    """Whether the repository in the current folder registers the marker ``functional``."""
    command = [sys.executable, "-m", "pytest", "--markers"]
    return (
        "@pytest.mark.functional"
        in subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_PER_TRIAL).stdout
    )


def judged(fault: Fault, exit_code: int, text: str) -> Outcome:
    """What an exit code and what the command printed say of ``fault``."""
    if exit_code == 0:
        return Outcome(fault, PASSED if fault.kind == "harmless" else MISSED, "")
    if exit_code == EXIT_INCONCLUSIVE:
        return Outcome(fault, INCONCLUSIVE, ", ".join(re.findall(r"^(\S+): inconclusive", text, re.MULTILINE)))
    lines = text.strip().splitlines() or [f"exit code {exit_code}"]
    if exit_code != EXIT_FAILED:
        return Outcome(fault, BLOCKED if exit_code == EXIT_BLOCKED else WRONG_REASON, lines[-1][:200])
    if fault.kind in _METRICS:
        metrics = re.findall(r"^([\w.]+): regressed", text, re.MULTILINE)
        fitting = [name for name in metrics if re.match(_METRICS[fault.kind], name)]
        return Outcome(fault, CAUGHT if fitting else WRONG_REASON, ", ".join(fitting or metrics) or lines[-1][:200])
    failures = re.findall(r"^(?:FAILED|ERROR) (.*)", text, re.MULTILINE)
    evidence = failures[0] if failures else lines[-1][:200]
    if fault.kind == "harmless":
        return Outcome(fault, FALSE_ALARM, evidence)
    failed = re.search(r"^FAILED ", text, re.MULTILINE) and _BEHAVIOUR.search(evidence)
    return Outcome(fault, CAUGHT if failed else WRONG_REASON, evidence)


class Trials:
    """Faults tried two at a time. ``outcomes`` fills as they end; ``stop()`` ends what runs."""

    def __init__(self, suite: Suite) -> None:
        self.outcomes: list[Outcome] = []
        self._suite = suite
        self._processes: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def run(self, faults: Sequence[Fault], progress: ProgressLine) -> None:
        """Try every fault; ``progress`` gets each outcome. Ctrl-C ends the commands and is raised again."""
        with ThreadPoolExecutor(2) as executor:
            try:
                for future in as_completed([executor.submit(self._outcome, fault) for fault in faults]):
                    self.outcomes.append(future.result())
                    progress(self.outcomes[-1], len(self.outcomes))
            except BaseException:
                self.stop()
                executor.shutdown(wait=True, cancel_futures=True)
                raise

    def stop(self) -> None:
        """End the commands that run; no other is started."""
        self._stopped = True
        for process in list(self._processes):
            process.send_signal(signal.SIGINT)  # as Ctrl-C does: it closes what it has opened

    def _outcome(self, fault: Fault) -> Outcome:
        with tempfile.TemporaryDirectory(prefix="camrig-prove-") as name:
            folder = Path(name)
            copy = changed_library(self._suite.library, folder / "lib", fault.change)
            baseline = changed_library(self._suite.library, folder / "baseline", fault.baseline)
            if self._stopped:
                return Outcome(fault, BLOCKED, "not run")
            command = self._suite.command(fault, copy, baseline, folder)
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
                self._processes.add(process)
                limit = Timer(SECONDS_PER_TRIAL, process.kill)
                limit.start()
                text, _ = process.communicate()
                limit.cancel()
                self._processes.discard(process)
            return judged(fault, process.returncode, text)


class ProgressLine:
    """Prints one line for each outcome."""

    def __init__(self, total: int) -> None:
        self._total = total

    def __call__(self, outcome: Outcome, count: int) -> None:
        print(f"[{count}/{self._total}] {outcome.fault.kind}, {outcome.fault.name}: {outcome.result}", flush=True)
