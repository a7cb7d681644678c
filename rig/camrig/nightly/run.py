"""``camrig nightly``: the commands of a night one after the other, what they found, and one exit code."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from camrig.errors import EXIT_FAILED, BlockedError, CamrigError, HistoryError, ResultsError
from camrig.history.add import add_results, keep_comparison
from camrig.history.record import RunRecord, read_run
from camrig.history.store import FILE
from camrig.history.trend import ALIKE, CONFIRMED
from camrig.nightly import drift, overview, plan, state
from camrig.nightly.libraries import keep_library
from camrig.nightly.prune import Keep, prune
from camrig.report.own_ignore import ignore_itself
from camrig.report.run_verdict import WORDS
from camrig.settings.duration import in_words
from camrig.settings.resolve import Settings
from camrig.stages.sequence import StageSequence
from camrig.stages.stage import Stage, StageEnd, worst
from camrig.stages.words import file_name, forwarded, words_of_board
from camrig.whole_file import demand_place, temporary_folder, write_whole

LOG = "nightly-{stamp}-{stage}.log"
PAGE = "nightly-{stamp}.html"


@dataclass(frozen=True)
class NightOptions:
    """The tests of the suite, the seconds of a soak (0: none), and what is kept of earlier nights."""

    tests: Sequence[str] = ()
    soak: float = 0.0
    keep: Keep = field(default_factory=Keep)


class Nightly:
    """One night. ``flags`` are the options of its command line, ``say`` prints a line."""

    def __init__(
        self, settings: Settings, flags: Mapping[str, Any], options: NightOptions, say: Callable[[str], None]
    ) -> None:
        self._settings, self._flags, self._options, self._say = settings, flags, options, say
        self._night = state.OpenNight(os.getpid(), state.now(), state.now())
        self._stamp = time.strftime("%Y%m%dT%H%M%S")
        self._clock = time.monotonic()
        self._ends: list[StageEnd] = []
        self._sequence = StageSequence(self._log, self._take, say)
        self._trend: Path | None = None
        self._history_works = True

    def run(self) -> int:
        """The exit code. Raises BlockedError where another night is at work, and OSError."""
        results = self._settings.results
        self._demand_folder()
        with state.taken(results, self._settings.wait, self._say):
            self._close_earlier()
            state.save(results, self._night)
            interrupted = False
            try:
                self._work()
            except KeyboardInterrupt:
                interrupted = True
                self._sequence.stop()
            code = worst([end.code for end in self._ends], interrupted)
            self._show_end(code)
            state.close(results)
        return code

    def _demand_folder(self) -> None:
        """Raise BlockedError unless files can be written into the folder of results."""
        results = self._settings.results
        try:
            ignore_itself(results)
            demand_place(results / state.FILE)
        except OSError as error:
            raise BlockedError(
                f"the results of a night cannot be written to {results}: {error.strerror}",
                hint="make room or give write access, or name another folder with --hil-results",
            ) from None

    def _close_earlier(self) -> None:
        try:
            night = state.cut_off(self._settings.results)
        except ResultsError as error:
            self._say(str(error))
            return
        if night is None:
            return
        sentence, path = state.close_cut_off(self._settings.results, night)
        self._say(f"{sentence}; it is closed as interrupted")
        for results in (path, *map(Path, night.results)):  # a run that was cut off last may not have added itself
            if results is not None and results.is_file():
                self._add(results)

    def _work(self) -> None:
        settings = self._settings
        boards = f"{len(settings.device)} board{'s' * (len(settings.device) != 1)}"
        soak = f", soak of {in_words(self._options.soak)}" if self._options.soak else ""
        logs = settings.results / LOG.format(stamp=self._stamp, stage="*")
        self._say(f"night of {boards}{soak}; what the commands print: {logs}")
        gates = {spec: plan.gate_of(spec, settings) for spec in settings.device}
        for spec, gate in gates.items():
            text = f"compared with the baseline {gate.baseline}, {gate.reason}" if gate.baseline else "no gate"
            self._say(f"{spec}  {text}" if gate.baseline else f"{spec}  {text}: {gate.reason}")
        for stage in plan.stages(settings, self._flags, self._options.tests, gates, self._stamp):
            self._do([stage])
        self._keep_libraries()
        if self._options.soak:
            self._do(plan.soaks(settings, self._flags, self._options.soak))
        self._look_back()
        pruned = prune(settings.results, self._options.keep, results_too=self._history_works)
        if str(pruned):
            self._say(f"removed: {pruned}")

    def _do(self, stages: Sequence[Stage]) -> list[StageEnd]:
        """Run commands at once, and wait until all have ended."""
        self._night.stage = ", ".join(map(str, stages))
        state.save(self._settings.results, self._night)
        return self._sequence.run(stages)

    def _log(self, stage: Stage) -> Path:
        name = f"{stage.name}-{file_name(stage.board)}"
        return self._settings.results / LOG.format(stamp=self._stamp, stage=name)

    def _take(self, end: StageEnd) -> None:
        """Keep how a command ended."""
        self._ends.append(end)
        if end.results is not None:
            self._night.results.append(str(end.results))

    def _keep_libraries(self) -> None:
        for record in self._records():
            for board in record.boards:
                with suppress(OSError, CamrigError):
                    keep_library(self._settings.results, self._settings.lib, board.library_source, board.library)

    def _records(self) -> list[RunRecord]:
        """The runs of the suite of this night."""
        made = []
        for end in self._ends:
            if end.results is not None and end.stage.name == plan.SUITE:
                with suppress(ResultsError):
                    made.append(read_run(end.results))
        return made

    def _add(self, path: Path) -> None:
        try:
            add_results(self._settings.results / FILE, path)
        except CamrigError as error:
            self._history_works = False
            self._say(f"not in the history: {error}")

    def _look_back(self) -> None:
        """The trend of all nights; a step of this night is confirmed where that can be done."""
        try:
            known = drift.moved(self._settings.results)
        except (HistoryError, OSError, ValueError) as error:
            self._history_works = False
            self._say(f"no trend: {error}")
            return
        self._trend = known.page
        suspects = drift.suspects(known.changes)
        remarks = {board: self._confirm(change, known) for board, change in suspects.items()}
        if "" in remarks.values():  # a comparison is in the history now, and in the trend
            known = drift.moved(self._settings.results)
        moved = known.events()
        for event in moved[: drift.SHOWN]:
            own = [remarks.get(change.board, "") for change in event.changes if change in suspects.values()]
            self._say(drift.line(event, next(filter(None, own), "")))
        if (hidden := len(moved) - drift.SHOWN) > 0:
            self._say(f"{hidden} more on the trend page")

    def _confirm(self, change: drift.Change, known: drift.Moved) -> str:
        """Compare both libraries of a step, and keep the answer in the history; if there is none, why not."""
        of_board = ((record, board) for record in self._records() for board in record.boards)
        record, board = next((pair for pair in of_board if pair[1].name == change.board), (None, None))
        if record is None or board is None:
            return "its board had no suite in this night"
        spec, evidence = board.spec, plan.evidence_of(board.spec, self._settings, f"{self._stamp}-ab")
        words = [*words_of_board(spec, self._settings), *forwarded(self._flags, plan.OF_AB)]
        with temporary_folder() as folder:
            stage = drift.confirmation(change, known.boards, self._settings, spec, words, folder / "before")
            if isinstance(stage, str):
                return stage
            (end,) = self._do([replace(stage, words=[*stage.words, f"--hil-evidence={evidence}"])])
        if end.code not in (0, EXIT_FAILED):
            self._ends.remove(end)  # that a comparison did not decide says nothing of the night
            return f"camrig ab did not decide ({WORDS.get(end.code, 'blocked')})"
        worse = drift.worse_metrics(change, evidence) if end.code == EXIT_FAILED else ()
        answer = drift.answer(change, known.boards, record.started, worse)
        try:
            keep_comparison(self._settings.results / FILE, self._settings.results, answer)
        except CamrigError as error:
            self._say(f"not in the history: {error}")
            return CONFIRMED if worse else ALIKE
        return ""

    def _show_end(self, code: int) -> None:
        seconds = time.monotonic() - self._clock
        boards = self._settings.device
        if len(boards) > 1:
            self._say(overview.table(overview.board_nights(boards, self._ends)).strip("\n"))
        self._say(f"night: {WORDS[code]} (exit code {code}) after {in_words(seconds)}")
        if (page := self._page(code)) is not None:
            self._say(f"page: {page}")
        if self._trend is not None:
            self._say(f"trend: {self._trend}")

    def _page(self, code: int) -> Path | None:
        """The page of the night on several boards.

        Of a single board that of the run from which the exit code comes, or of the last one; its results where it
        has none.
        """
        if len(self._settings.device) > 1 and (page := self._joined_page(code)) is not None:
            return page
        with_results = [end for end in self._ends if end.results is not None]
        decisive = next((end for end in with_results if end.code == code), with_results[-1] if with_results else None)
        if decisive is None or decisive.results is None:
            return None
        page = decisive.results.with_suffix(".html")
        return page if page.is_file() else decisive.results

    def _joined_page(self, code: int) -> Path | None:
        """The page with all boards side by side; None if no suite has left results."""
        seconds = round(time.monotonic() - self._clock, 3)
        text = overview.night_page(self._settings.device, self._ends, code, self._night.started, seconds)
        if text is None:
            return None
        path = self._settings.results / PAGE.format(stamp=self._stamp)
        try:
            write_whole(path, text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            self._say(f"the page of the night could not be written to {path}: {error.strerror}")
            return None
        return path
