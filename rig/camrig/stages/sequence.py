"""Stages at work: started, waited for, and ended by the first Ctrl-C with what they have."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from camrig.errors import ResultsError
from camrig.report.results_file import read_results
from camrig.report.run_verdict import WORDS
from camrig.settings.duration import in_words
from camrig.stages.stage import EXIT_INTERRUPTED, RunningStage, Stage, StageEnd

POLL = 0.2  # seconds
WIDTH = 160  # characters of a reason


class StageSequence:
    """Runs stages. ``log_of`` names the file for the output of a stage, ``take`` gets each end, ``say`` a line."""

    def __init__(
        self,
        log_of: Callable[[Stage], Path],
        take: Callable[[StageEnd], None],
        say: Callable[[str], None],
    ) -> None:
        self._log_of, self._take, self._say = log_of, take, say
        self._running: list[RunningStage] = []

    def run(self, stages: Sequence[Stage]) -> list[StageEnd]:
        """Run commands at once, and wait until all have ended."""
        ends: list[StageEnd] = []
        self._running += [RunningStage(stage, self._log_of(stage)) for stage in stages]
        while self._running:
            for running in list(self._running):
                if (end := running.poll()) is not None:
                    self._running.remove(running)
                    self._keep(end)
                    ends.append(end)
            if self._running:
                time.sleep(POLL)
        return ends

    def stop(self) -> None:
        """End what works, with what it has; at once after a second Ctrl-C."""
        self._say("interrupted: what works is being ended; Ctrl-C again stops it at once")
        try:
            for running in self._running:
                running.interrupt()
            while self._running:
                self._keep(self._running[0].stop())
                del self._running[0]
        except KeyboardInterrupt:
            for running in self._running:
                running.kill()

    def _keep(self, end: StageEnd) -> None:
        self._take(end)
        text = f"{end.stage}  {in_words(end.seconds)}  {WORDS.get(end.code, 'blocked')}"
        reason = reason_of(end)
        self._say(f"{text}  {reason}" if reason else text)


def reason_of(end: StageEnd) -> str:
    """Why a command ended as it did, in one line."""
    if end.results is not None and not end.words:
        with suppress(ResultsError):
            sentence: str = read_results(end.results)["verdict"]["sentence"]
            return _short(sentence.partition(". ")[2] or sentence)
    return _short(end.words) if end.code != EXIT_INTERRUPTED or end.words else ""


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"
