"""Where the time of the chain goes, from opening the port to the first answer: what ``--durations`` adds."""

from __future__ import annotations

from collections.abc import Sequence

from camrig.report.metrics_table import fitting
from camrig.steps import Step


def step_table(steps: Sequence[Step], longest: int, columns: int) -> str:
    """A row for each name: how often it was taken, seconds in all, their share. The ``longest`` first, 0: all."""
    seconds: dict[str, list[float]] = {}
    for step in steps:
        seconds.setdefault(step.name, []).append(step.seconds)
    total = sum(step.seconds for step in steps) or 1.0
    ordered = sorted(seconds.items(), key=lambda item: -sum(item[1]))[: longest or None]
    rows = [
        (name, str(len(times)), f"{sum(times):.2f}", f"{max(times):.2f}", f"{100 * sum(times) / total:.0f} %")
        for name, times in ordered
    ]
    names = ("step", "times", "seconds", "longest", "share")
    return fitting(names, [*rows, ("all", "", f"{total:.2f}", "", "")], columns, ("longest",))
