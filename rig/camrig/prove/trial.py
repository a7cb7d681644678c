"""One faulty copy before the tests or before camrig ab, each as a command of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from camrig.errors import EXIT_BLOCKED, BlockedError, SettingsError
from camrig.prove.behaviour_faults import BEHAVIOUR_FAULTS
from camrig.prove.cost_faults import COST_FAULTS
from camrig.prove.faulty_copy import Fault, changed_library
from camrig.prove.harmless_changes import HARMLESS_CHANGES
from camrig.prove.outcome import BLOCKED, METRICS, PASSED, Outcome, judged_by_metrics, judged_by_tests
from camrig.redaction import child_environment
from camrig.steps import Steps
from camrig.whole_file import temporary_folder

CATALOGUE = (*BEHAVIOUR_FAULTS, *COST_FAULTS, *HARMLESS_CHANGES)
KINDS = tuple(dict.fromkeys(fault.kind for fault in CATALOGUE))
SECONDS_WITHOUT_TIMES = 2.0  # for times, where no time can find the fault
SECONDS_PER_TRIAL = 900  # a copy that hangs is not waited for any longer

_PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
_MAX_FAILED = 25  # a fault that many tests find is found
_NO_TESTS = 5  # pytest's own exit code
# pytest cuts the reason of a failure off where the line of a terminal ends.
_WIDE = {"COLUMNS": "1000"}
_NO_SUMMARY = {"GITHUB_STEP_SUMMARY": ""}  # of a run with a fault, on the page of a job


@dataclass(frozen=True)
class Suite:
    """How the tests are called: test paths (none: those that pytest finds), their marker, seconds for times.

    ``is_tested`` False: the library is only compared, because it is not one that passes the tests.
    """

    library: Path
    paths: tuple[str, ...] = ()
    marker: tuple[str, ...] = ()
    seconds: float = 30.0
    is_tested: bool = True

    def tests(self, library: Path, folder: Path) -> list[str]:
        """The command that tests ``library``; what it writes goes into ``folder``."""
        options = ["-rfE", "--tb=no", f"--maxfail={_MAX_FAILED}", "--device", "sim"]
        options += ["--hil-lib", str(library), "--hil-results", str(folder / "results")]
        return [*_PYTEST, *self.paths, *self.marker, *options]

    def comparison(self, fault: Fault, library: Path, baseline: Path, folder: Path) -> list[str]:
        """The command that compares ``library``, which has ``fault``, with ``baseline``."""
        seconds = min(self.seconds, SECONDS_WITHOUT_TIMES) if fault.kind in ("bytes", "leaks") else self.seconds
        options = ["--candidate", library, "--baseline", baseline, "--seconds", seconds, "--device", "sim"]
        return [sys.executable, "-m", "camrig", "ab", *map(str, options), "--hil-baselines", str(folder)]


def find_tests(paths: Sequence[str]) -> tuple[str, ...]:
    """The options that select the tests in ``paths``: those marked ``functional`` if there are any, else all.

    Raises SettingsError if there are no tests, or if they cannot be collected.
    """
    where = " and ".join(paths) or "the current folder"
    for path in paths:
        if not Path(path.partition("::")[0]).exists():
            raise SettingsError(f"{path} does not exist", hint="name a folder of tests")
    for marker in (("-m", "functional"), ()):
        command = [*_PYTEST, "--collect-only", *paths, *marker]
        collected = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_PER_TRIAL)
        if collected.returncode == 0:
            return marker
        if collected.returncode != _NO_TESTS:
            lines = (collected.stdout + collected.stderr).strip().splitlines() or ["no reason given"]
            raise SettingsError(
                f"pytest cannot collect the tests in {where}: {lines[-1]}", hint="run pytest there first"
            )
    raise SettingsError(f"{where} has no tests", hint="name a folder of tests that pytest finds")


class Trials:
    """Faults tried two at a time. ``outcomes`` fills as they end; ``stop()`` ends what runs."""

    def __init__(self, suite: Suite) -> None:
        self.outcomes: list[Outcome] = []
        self._suite = suite
        self._processes: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def check_clean(self, fault: Fault) -> None:
        """Run the tests with a harmless ``fault``: those that fail without a fault prove nothing.

        Raises SettingsError if one fails, BlockedError if the rig cannot run them.
        """
        outcome = self._outcome(fault, by_metrics=False)
        if outcome.result == BLOCKED:
            raise BlockedError(f"the tests could not run: {outcome.shown}", hint="run pytest first")
        if outcome.result != PASSED:
            raise SettingsError(
                f"the tests fail with the library as it is: {outcome.shown}", hint="make them pass first"
            )

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

    def _outcome(self, fault: Fault, by_metrics: bool = True) -> Outcome:
        with temporary_folder() as folder:
            copy = changed_library(self._suite.library, folder / "lib", fault.change)
            if fault.kind not in METRICS and self._suite.is_tested:
                outcome = judged_by_tests(fault, *self._ended(self._suite.tests(copy, folder)))
                if fault.kind != "harmless" or outcome.result != PASSED or not by_metrics:
                    return outcome
            baseline = changed_library(self._suite.library, folder / "baseline", fault.baseline)
            return judged_by_metrics(fault, *self._ended(self._suite.comparison(fault, copy, baseline, folder)))

    def _ended(self, command: list[str]) -> tuple[int, str]:
        """Run a command; its exit code and what it printed."""
        if self._stopped:
            return EXIT_BLOCKED, "not run"
        environment = {**child_environment(), **_WIDE, **_NO_SUMMARY}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        ) as process:
            self._processes.add(process)
            limit = Timer(SECONDS_PER_TRIAL, process.kill)
            limit.start()
            text, _ = process.communicate()
            limit.cancel()
            self._processes.discard(process)
        return process.returncode, text


class ProgressLine:
    """Prints one line for each outcome; ``steps`` shows how far all are."""

    def __init__(self, total: int, steps: Steps) -> None:
        self._total, self._steps = total, steps
        steps.progress(done=0, total=total, unit="faults")

    def __call__(self, outcome: Outcome, count: int) -> None:
        self._steps.say(
            f"[{count}/{self._total}] {outcome.fault.kind}, {outcome.fault.name}: {outcome.result}",
        )
        self._steps.progress(done=count, total=self._total, unit="faults")
