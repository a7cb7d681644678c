"""Ctrl-C at random moments of a run of the suite, and of ``camrig ab``: what is left, and what is printed.

``python -m benchmarks.interrupts [MOMENTS]`` interrupts 60 runs on the virtual board, from the first line of the
session to the end of the process; every third while it ends: results, evidence and the last lines. The moments are
shares of the time that a run takes which is left alone, and a run that is over before its moment counts for nothing.
It exits 1 if one shows a traceback, leaves a process running, ends with another code, or has no results although a
test had ended, and if too few could be interrupted.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.application import ROOT
from benchmarks.trouble import CLEARED, MARK, running

MOMENTS = 60
SHARE_AT_END = 3  # every third run is interrupted while it ends
LIMIT = 120.0  # seconds after which a run counts as hung
SECONDS_TO_END = 15.0  # after Ctrl-C
SECONDS_TO_VANISH = 5.0  # for the processes of a virtual board, once their run has ended
SUITE = ("tests_hil/test_policy_at_run_time.py", "tests_hil/test_errors_keep_cors.py")
AB = ("camrig", "ab", "--candidate", "lib", "--baseline", "lib", "--seconds", "5")
END_OF_TESTS = "[100%]"
PYTEST_CODES, AB_CODES = {2}, {130}


@dataclass(frozen=True)
class Outcome:
    """One run: the seconds from its first line and after Ctrl-C, the tests that had ended, and what it did wrong."""

    code: int
    lasted: float
    interrupted: bool
    seconds: float
    tests: int
    mistakes: Sequence[str]


def run(command: Sequence[str], results: Path, first: str, moment: float, at_end: bool, codes: set[int]) -> Outcome:
    """Interrupt a run ``moment`` seconds after the line with ``first``, or after its last test."""
    mark, interrupted, started = uuid.uuid4().hex, 0.0, 0.0
    environment = {name: value for name, value in os.environ.items() if not name.startswith(CLEARED)}
    log = results / "output"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", *command, "--device", "sim", "--hil-results", str(results)],
            cwd=ROOT,
            env={**environment, MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
    limit = time.monotonic() + LIMIT
    while process.poll() is None and time.monotonic() < limit:
        if not started and (END_OF_TESTS if at_end else first) in log.read_text(errors="replace"):
            started = time.monotonic()
        if started and not interrupted and time.monotonic() - started >= moment:
            interrupted = time.monotonic()
            process.send_signal(signal.SIGINT)
            limit = interrupted + SECONDS_TO_END
        time.sleep(0.005)
    hung = process.poll() is None
    if hung:
        os.killpg(process.pid, signal.SIGKILL)
    code, end, text = process.wait(), time.monotonic(), log.read_text(errors="replace")
    tests = _tests(text) if command[0] == "pytest" else 0
    mistakes = ["hung"] if hung else _mistakes(text, code, tests, results, codes if interrupted else {0})
    while (left := running(mark)) and time.monotonic() < end + SECONDS_TO_VANISH:
        time.sleep(0.1)
    mistakes += [f"left {name}" for name in left]
    if mistakes:
        place = "the tests" if at_end else first
        print(f"--- {mistakes} {moment:.2f} s after {place}\n{text}\n---", file=sys.stderr)
    return Outcome(code, end - started, bool(interrupted), end - (interrupted or end), tests, mistakes)


def _mistakes(text: str, code: int, tests: int, results: Path, codes: set[int]) -> list[str]:
    """What is wrong with how a run ended. One that was over already when Ctrl-C came ends with 0."""
    mistakes = [] if code in {0, *codes} else [f"exit code {code}"]
    if "Traceback (most recent call last)" in text or "INTERNALERROR" in text:
        mistakes.append("traceback")
    files = list(results.glob("run-*.json"))
    if tests and not files:
        mistakes.append("no results")
    if files and json.loads(files[0].read_text())["exit_code"] != code:
        mistakes.append("results with another exit code")
    return mistakes


def _tests(text: str) -> int:
    """How many tests have ended, by the letters of their outcomes."""
    lines = [line.partition("[")[0].strip() for line in text.splitlines()]
    return sum(len(line.rpartition(" ")[2]) for line in lines if line.rpartition(" ")[2].strip(".FB") == "")


def interrupt_suite(moment: float, at_end: bool) -> Outcome:
    """Run the suite, with evidence written at its end."""
    with tempfile.TemporaryDirectory() as name:
        results = Path(name)
        command = ["pytest", *SUITE, "-p", "no:cacheprovider", "--hil-evidence", str(results / "evidence.zip")]
        return run(command, results, "test session starts", moment, at_end, PYTEST_CODES)


def interrupt_ab(moment: float, at_end: bool) -> Outcome:
    """Run ``camrig ab``, which has no tests that end."""
    with tempfile.TemporaryDirectory() as name:
        results = Path(name)
        return run(
            [*AB, "--hil-evidence", str(results / "evidence.zip")], results, "usual limits", moment, False, AB_CODES
        )


def interrupted_runs(interrupt: Callable[[float, bool], Outcome], number: int) -> list[Outcome]:
    """``number`` runs that Ctrl-C came into, some at their end; fewer if too many were over before."""
    choice, outcomes = random.Random(1), []
    spans = {at_end: interrupt(LIMIT, at_end).lasted for at_end in (False, True)}
    for _ in range(2 * number):
        at_end = len(outcomes) % SHARE_AT_END == SHARE_AT_END - 1
        outcome = interrupt(choice.uniform(0, spans[at_end]), at_end)
        if outcome.interrupted or outcome.mistakes:
            outcomes.append(outcome)
        if len(outcomes) == number:
            break
    return outcomes


def main() -> int:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else MOMENTS
    bad = 0
    print(f"{'Ctrl-C in':<14}{'runs':>6}{'with tests':>12}{'slowest end':>13}  exit codes, mistakes")
    for name, interrupt, runs in (("the suite", interrupt_suite, number), ("camrig ab", interrupt_ab, number // 10)):
        outcomes = interrupted_runs(interrupt, runs)
        codes = Counter(outcome.code for outcome in outcomes)
        mistakes = Counter(mistake for outcome in outcomes for mistake in outcome.mistakes)
        slowest = max((outcome.seconds for outcome in outcomes), default=0)
        with_tests = sum(1 for outcome in outcomes if outcome.tests)
        row = f"{name:<14}{len(outcomes):>6}{with_tests:>12}{slowest:>11.1f} s"
        print(f"{row}  {dict(codes)}, {dict(mistakes) or 'none'}", flush=True)
        bad += sum(mistakes.values()) + runs - len(outcomes)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
