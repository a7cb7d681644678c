"""What a soak says: a check for each promise, the exit code, and the answers in words. Pure but for its inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from camrig.errors import EXIT_BLOCKED, EXIT_FAILED, EXIT_INCONCLUSIVE
from camrig.measure.recorder import RecordedMetric
from camrig.report.answers import LEAK, certainly_leaks, is_idf, leak_slopes
from camrig.soak.session import Incident

EXIT_INTERRUPTED = 2  # pytest's own code
PASSED, FAILED, BLOCKED, INCONCLUSIVE = "passed", "failed", "blocked", "inconclusive"
LEAK_CHECK = "no memory is leaked"
CODES = {FAILED: EXIT_FAILED, BLOCKED: EXIT_BLOCKED, INCONCLUSIVE: EXIT_INCONCLUSIVE}


@dataclass(frozen=True)
class Check:
    """One promise, what became of it, and why in words."""

    name: str
    outcome: str
    text: str = ""


def checks(
    kinds: Sequence[str],
    wrong: dict[str, tuple[int, str]],
    incidents: Sequence[Incident],
    lost_answers: str,
    metrics: Sequence[RecordedMetric],
) -> list[Check]:
    """All checks of a soak. ``wrong`` has the number of wrong answers of a kind, and the first of them in words."""
    made = [
        Check(
            f"answers of {name}",
            FAILED if name in wrong else PASSED,
            f"{wrong[name][1]} ({wrong[name][0]:,} answers)" if name in wrong else "",
        )
        for name in dict.fromkeys([*kinds, *wrong])
    ]
    failed = [incident.text for incident in incidents if incident.failed]
    rig = [incident.text for incident in incidents if not incident.failed]
    made.append(Check("the application stays up", FAILED if failed else PASSED, _first(failed)))
    made.append(Check("board and network stay up", BLOCKED if rig else PASSED, _first(rig)))
    made.append(Check("no answer is lost", FAILED if lost_answers else PASSED, lost_answers))
    made.append(_leak_check(metrics))
    return made


def exit_code(made: Sequence[Check], interrupted: bool) -> int:
    """2 for an interrupted soak; else the gravest of: failed 1, blocked 6, inconclusive 7, 0."""
    if interrupted:
        return EXIT_INTERRUPTED
    outcomes = {check.outcome for check in made}
    return next((code for outcome, code in CODES.items() if outcome in outcomes), 0)


def counts(made: Sequence[Check]) -> dict[str, int]:
    """The number of checks by outcome."""
    return dict(Counter(check.outcome for check in made))


def correct(made: Sequence[Check], requests: int) -> str:
    """The first of the three answers. Nothing that was not looked at is called right."""
    for outcome, words in ((FAILED, "Not correct"), (BLOCKED, "Not decided")):
        texts = [check.text.rstrip(".") for check in made if check.outcome == outcome and check.name != LEAK_CHECK]
        if texts:
            others = f", and {len(texts) - 1} more" if len(texts) > 1 else ""
            return f"{words}: {texts[0]}{others}."
    if not requests:
        return "Not decided: no request was sent."
    return f"Correct: all {requests:,} answers were right, and the application stayed up."


def in_a_sentence(made: Sequence[Check], requests: int) -> str:
    """The first answer, and what is to be said of the heap, if that is not even."""
    texts = [check.text for check in made if check.name == LEAK_CHECK and check.outcome != PASSED]
    return "; ".join([correct(made, requests).rstrip("."), *texts]) + "."


def _leak_check(metrics: Sequence[RecordedMetric]) -> Check:
    slopes = leak_slopes(metrics)
    leaking = list(filter(certainly_leaks, slopes))
    if leaking:
        where = " in the ESP32's own heap" if all(map(is_idf, leaking)) else ""
        return Check(LEAK_CHECK, FAILED, f"bytes stay{where} with each request")
    slopes = [metric for metric in slopes if not is_idf(metric)]
    if not slopes or any(metric.summary.high >= LEAK for metric in slopes):
        return Check(LEAK_CHECK, INCONCLUSIVE, "whether memory is leaked is not decided")
    return Check(LEAK_CHECK, PASSED)


def _first(texts: Sequence[str]) -> str:
    times = f" ({len(texts):,} incidents)" if len(texts) > 1 else ""
    return f"{texts[0]}{times}" if texts else ""
