"""What the exit code and the output of a trial say of a fault."""

from __future__ import annotations

import re
from dataclasses import dataclass

from camrig.errors import EXIT_BLOCKED, EXIT_FAILED, EXIT_INCONCLUSIVE
from camrig.prove.faulty_copy import Fault

CAUGHT, MISSED, WRONG_REASON, FALSE_ALARM = "caught", "missed", "wrong reason", "false alarm"
PASSED, INCONCLUSIVE, BLOCKED = "passed", "inconclusive", "blocked"

# The metrics that speak of a kind of cost.
METRICS = {
    "time": r"latency\.",
    "bytes": r"heap\.(?!.*leak)",
    "leaks": r"heap\..*(leak|alive|retained|import)",
}
_WIDTH = 200  # characters of the evidence


@dataclass(frozen=True)
class Outcome:
    """What became of one fault: the word, and the tests or metrics that decided; without any, the last line."""

    fault: Fault
    result: str
    evidence: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The first of the evidence."""
        return self.evidence[0][:_WIDTH] if self.evidence else ""


def judged_by_tests(fault: Fault, exit_code: int, text: str) -> Outcome:
    """What pytest says of ``fault``: a failed test counts if its name or its reason speaks of the fault."""
    if exit_code == 0:
        return Outcome(fault, PASSED if fault.kind == "harmless" else MISSED)
    if exit_code != EXIT_FAILED:
        return Outcome(fault, BLOCKED if exit_code == EXIT_BLOCKED else WRONG_REASON, _last_line(exit_code, text))
    failed = tuple(re.findall(r"^FAILED (.*)", text, re.MULTILINE))
    if fault.kind == "harmless":
        return Outcome(fault, FALSE_ALARM, failed or _last_line(exit_code, text))
    fitting = tuple(line for line in failed if re.search(fault.words, line, re.IGNORECASE))
    errors = tuple(re.findall(r"^ERROR (.*)", text, re.MULTILINE))
    if fitting:
        return Outcome(fault, CAUGHT, fitting)
    return Outcome(fault, WRONG_REASON, failed or errors or _last_line(exit_code, text))


def judged_by_metrics(fault: Fault, exit_code: int, text: str) -> Outcome:
    """What camrig ab says of ``fault``: a metric counts if it is of the kind of the cost."""
    if exit_code == 0:
        return Outcome(fault, PASSED if fault.kind == "harmless" else MISSED)
    if exit_code == EXIT_INCONCLUSIVE:
        undecided = tuple(re.findall(r"^(\S+): inconclusive", text, re.MULTILINE))
        if fault.kind != "harmless":  # others that are undecided say nothing of the fault
            undecided = tuple(name for name in undecided if re.match(METRICS[fault.kind], name))
        return Outcome(fault, INCONCLUSIVE if undecided or fault.kind == "harmless" else MISSED, undecided)
    if exit_code != EXIT_FAILED:
        return Outcome(fault, BLOCKED if exit_code == EXIT_BLOCKED else WRONG_REASON, _last_line(exit_code, text))
    metrics = tuple(re.findall(r"^([\w.]+): regressed", text, re.MULTILINE))
    if fault.kind == "harmless":
        return Outcome(fault, FALSE_ALARM, metrics or _last_line(exit_code, text))
    fitting = tuple(name for name in metrics if re.match(METRICS[fault.kind], name))
    return Outcome(fault, CAUGHT if fitting else WRONG_REASON, fitting or metrics or _last_line(exit_code, text))


def _last_line(exit_code: int, text: str) -> tuple[str]:
    return ((text.strip().splitlines() or [f"exit code {exit_code}"])[-1],)
