"""Steps of a chain: each with a name, a duration and a detail, reported as it ends. A terminal shows how far a long
one is, and any other output a line of it now and then.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from camrig.elapsed import ElapsedLine, Rewrite, terminal_line
from camrig.progress import Progress
from camrig.redaction import presentable

PLAIN_EVERY = 30.0  # seconds between two lines about a long step, where there is no terminal


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
    """Calls ``report`` with every step as it ends and with lines in between, and keeps the steps in ``done``.

    ``rewrite`` shows the time of a step that takes long on a terminal; None where there is none.
    """

    def __init__(
        self, report: Callable[[Step | str], None] = lambda step: None, rewrite: Rewrite | None = None
    ) -> None:
        self._elapsed = ElapsedLine(rewrite)
        self._report = report
        self._is_plain = rewrite is None
        self._text, self._part = "", ""
        self._progress: Progress | None = None
        self._reported = 0.0  # when the last line about a long step was
        self._name = ""
        self._depth = 0  # of steps within each other
        self.done: list[Step] = []

    def say(self, line: str) -> None:
        """Report a line at once, in the middle of a step."""
        with self._elapsed.hidden():
            self._report(presentable(line))

    def part(self, text: str) -> None:
        """A part of the whole work begins, such as ``session 2 of 3``: lines about long steps name it from now on."""
        self._part = text
        self.say(text)

    def progress(self, text: str = "", *, done: float = 0.0, total: float = 0.0, unit: str = "") -> None:
        """How far the present step is: a ``text``, and ``done`` units of a ``total`` if that is known.

        A terminal shows it at once; elsewhere it is a line, if the step takes long.
        """
        self._text = text
        if total:
            if self._progress is None or (self._progress.total, self._progress.unit) != (total, unit):
                self._progress = Progress(total, unit)
            self._progress.update(done)
        if self._is_plain and time.monotonic() - self._reported >= PLAIN_EVERY:
            self._reported = time.monotonic()
            self.say(f"{self._name:<10}{self._line(bar=False)}")

    def _line(self, bar: bool) -> str:
        numbers = self._progress.text(bar) if self._progress is not None else ""
        return ", ".join(filter(None, [numbers, self._part, self._text]))

    @contextmanager
    def __call__(self, name: str) -> Iterator[Callable[[str], None]]:
        """A context that is one step; call the function that it gives with the detail to show."""
        details: list[str] = []
        start, ok = time.monotonic(), False
        self._depth += 1
        depth, outer = self._depth, (self._name, self._text, self._progress)
        self._name, self._text, self._progress, self._reported = name, "", None, start

        def describe(seconds: float) -> str:
            return f"{name:<10}{seconds:6.0f} s  {self._line(bar=True)}".rstrip() if depth == self._depth else ""

        try:
            with self._elapsed(describe):
                yield details.append
            ok = True
        finally:
            self._depth -= 1
            self._name, self._text, self._progress = outer
            step = Step(name, time.monotonic() - start, presentable(" ".join(details)), ok)
            self.done.append(step)
            with self._elapsed.hidden():
                self._report(step)


def printed_steps() -> Steps:
    """Steps that are printed on standard output."""
    return Steps(_print, terminal_line(sys.stdout))


def _print(step: Step | str) -> None:
    print(step, flush=True)  # a pipe or a log gets it when it happens
