"""The three sentences above all figures: whether the library is correct, what it costs, and whether it leaks. Pure.

Each says so where the tests that ran do not tell: what was not looked at is never an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isinf

from camrig.measure.recorder import RecordedMetric
from camrig.measure.slope import until_full
from camrig.measure.statistics import Estimate
from camrig.report.metrics_table import number

LEAK = 1.0  # B/request: the usual limit of a slope
# What a soak's heap may gain and lose in steps that need not go on, such as those of a table: one that is short sees
# few of them, and each is many bytes for each of its rounds.
STEPS = 2048  # bytes
SOAK = "soak."  # how the names of a soak's metrics begin: they are taken under other conditions than the suite's
NOT_RUN = ("error", "blocked", "inconclusive", "not_run")
LEFT_OUT = {"skipped": "skipped", "xfailed": "expected to fail", "deselected": "not selected"}


def correctness(tests: Mapping[str, int]) -> str:
    """What the tests say, by the number of them with each outcome. A test that did not run is never a pass."""
    passed, failed = tests.get("passed", 0) + tests.get("xpassed", 0), tests.get("failed", 0)
    missing = sum(tests.get(outcome, 0) for outcome in NOT_RUN)
    did_not = f", {missing} did not run" if missing else ""
    if failed:
        return f"Not correct: {failed} of {_tests(passed + failed)} failed{did_not}."
    if not passed:
        return f"Not decided: {_tests(missing)} did not run." if missing else "Not decided: no test ran."
    if missing:
        return f"Not decided: {_tests(passed)} passed{did_not}."
    rest = [f"{tests[outcome]} {words}" for outcome, words in LEFT_OUT.items() if tests.get(outcome)]
    if rest:
        return f"Correct as far as it was tested: {_tests(passed)} passed, {', '.join(rest)}."
    return f"Correct: {'all ' if passed > 1 else ''}{_tests(passed)} passed."


def cost(metrics: Sequence[RecordedMetric]) -> str:
    """What a preflight costs beside the same request without CORS, and what the library's import keeps."""
    medians = {metric.name.removeprefix(SOAK): metric.summary.median for metric in metrics}
    parts = []
    with_cors = medians.get("latency.preflight.on_board")
    without = medians.get("latency.control.without_cors.on_board")
    if with_cors is not None and without is not None:
        parts.append(f"takes {number(with_cors - without)} ms more on the board ({number(with_cors)} ms)")
    if (added := medians.get("heap.preflight.added")) is not None:
        parts.append(f"allocates {number(added)} B more")
    texts = [f"a preflight {' and '.join(parts)} than the same request without CORS"] if parts else []
    if (kept := medians.get("heap.import.microdot.cors")) is not None:
        texts.append(f"the library's import keeps {number(kept)} B")
    return f"Cost: {'; '.join(texts) or 'not measured by the tests that ran'}."


def leak(metrics: Sequence[RecordedMetric]) -> str:
    """Whether bytes stay with each request, by the slope that certainly rises most; then when the heap is full."""
    slopes = leak_slopes(metrics)
    worst = max(filter(certainly_leaks, slopes), key=lambda metric: metric.summary.low, default=None)
    if worst is not None:
        return f"Leak: {_leak(worst, metrics)}."
    slopes = [metric for metric in slopes if not is_idf(metric)]
    if not slopes:
        return "Leak: not looked for by the tests that ran."
    widest = max(slopes, key=lambda metric: metric.summary.high)
    if widest.summary.high < LEAK:
        series = "1 series" if len(slopes) == 1 else f"{len(slopes)} series"
        return f"Leak: none in {series} of requests, at most {number(max(0.0, widest.summary.high))} B/request."
    return f"Leak: not decided, {interval(widest)}."


def leak_slopes(metrics: Sequence[RecordedMetric]) -> list[RecordedMetric]:
    """The metrics that say how many bytes stay with each request."""
    return [metric for metric in metrics if metric.is_slope and metric.unit == "B/request"]


def certainly_leaks(metric: RecordedMetric) -> bool:
    """Whether a slope is certainly a leak's. A soak must also have gained more than a few steps take."""
    low = metric.summary.low
    if low <= LEAK or not metric.name.startswith(SOAK):
        return low > LEAK
    return low * sum(max(batch.at) - min(batch.at) for batch in metric.batches if batch.at) > STEPS


def is_idf(metric: RecordedMetric) -> bool:
    """Whether it is of an ESP32's other heap: buffers of the network come and go there, so that it is seldom certain
    that nothing leaks. A rise that is certain is a leak.
    """
    return ".idf." in metric.name


def interval(metric: RecordedMetric) -> str:
    """A slope with its 95 % interval."""
    slope = metric.summary
    return f"{metric.name} {number(slope.median)} {metric.unit} ({_end(slope.low)} to {_end(slope.high)})"


def _leak(worst: RecordedMetric, metrics: Sequence[RecordedMetric]) -> str:
    slope = worst.summary
    free = next((metric.summary.median for metric in metrics if metric.name.removeprefix(SOAK) == "heap.free"), None)
    if free is None or is_idf(worst):
        return interval(worst)
    left = until_full(free, Estimate(slope.median, slope.low, slope.high))
    most = "" if isinf(left.high) else f" and at most {int(left.high):,}"
    return f"{interval(worst)}; the {number(free)} B free last for at least {int(left.low):,}{most} requests"


def _tests(count: int) -> str:
    return f"{count:,} test{'s' * (count != 1)}"


def _end(value: float) -> str:
    return "unbounded" if isinf(value) else number(value)
