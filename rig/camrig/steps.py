"""Steps of a chain: each with a name, a duration and a detail, reported as it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """``seconds`` it took; ``detail`` may be empty."""

    name: str
    seconds: float
    detail: str
    ok: bool

    def __str__(self) -> str:
        mark = "" if self.ok else "  failed"
        return f"{self.name:<10}{self.seconds:6.2f} s  {self.detail}{mark}".rstrip()


class Steps:
    """Calls ``report`` with every step as it ends and with lines in between, and keeps the steps in ``done``."""

    def __init__(self, report: Callable[[Step | str], None] = lambda step: None) -> None:
        self._report = report
        self.done: list[Step] = []

    def say(self, line: str) -> None:
        """Report a line at once, in the middle of a step."""
        self._report(line)

    @contextmanager
    def __call__(self, name: str) -> Iterator[Callable[[str], None]]:
        """A context that is one step; call the function that it gives with the detail to show."""
        details: list[str] = []
        start, ok = time.monotonic(), False
        try:
            yield details.append
            ok = True
        finally:
            step = Step(name, time.monotonic() - start, " ".join(details), ok)
            self.done.append(step)
            self._report(step)
