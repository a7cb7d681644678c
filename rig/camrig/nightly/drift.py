"""What moved over the nights until this one, in lines; and the comparison that confirms a step of this night."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from camrig.errors import CamrigError
from camrig.gate.evidence import recompute
from camrig.gate.verdict import Outcome
from camrig.history.comparison import ComparisonRecord
from camrig.history.events import Event, events, size, span
from camrig.history.fleet import bounded
from camrig.history.nights import BoardNights, all_nights, board_nights
from camrig.history.query import Filter
from camrig.history.store import FILE, opened
from camrig.history.trend import DRIFT, POSSIBLE, STEP, Change, trend
from camrig.history.trend_page import trend_page
from camrig.nightly.libraries import kept_library, library_of_commit
from camrig.report.metrics_table import number
from camrig.settings.resolve import Settings
from camrig.stages.stage import Stage
from camrig.whole_file import write_whole

PAGE = "trend.html"
SHOWN = 6  # events that the terminal shows
OTHERS, BOARDS = 4, 3  # metrics and boards of an event that it names
LARGE = 6.0  # noise widths of a possible step without a known cause that the terminal shows
SECONDS_OF_AB = 2 * 3600.0
CONFIRM = "confirm"
SAME_LIBRARY = "the library is the one of the night before"
NO_COPY = "the library of the night before is not at hand"


@dataclass(frozen=True)
class Moved:
    """The changes that this night shows, for the worse or not, and the page of all nights."""

    changes: Sequence[Change] = ()
    boards: Mapping[str, BoardNights] = field(default_factory=dict)
    page: Path | None = None

    def events(self) -> list[Event]:
        """The changes, those together that belong together: for the worse first, the largest of each first."""
        known = events(self.changes, self.boards)
        return sorted(known, key=lambda event: (not event.first.worse, -size(event.first)))


def moved(results: Path) -> Moved:
    """Write the trend page, and say what this night shows. Raises HistoryError and OSError."""
    with opened(results / FILE) as connection:
        boards = board_nights(connection, bounded(connection, Filter()))
    nights = all_nights(boards.values())
    if not nights:
        return Moved()
    courses = trend(boards)
    page = results / PAGE
    write_whole(page, trend_page(boards, courses).encode())
    return Moved([change for change in courses.changes if _is_news(change, nights[-1])], boards, page)


def _is_news(change: Change, last: datetime.date) -> bool:
    """A step that this night confirms, a drift that goes on, or a possible step that is large or has a cause.

    Of hundreds of courses, some show a small one by chance on any night: it is on the page, and waits for the next.
    """
    if change.kind == DRIFT:
        return change.lasts
    if change.kind == POSSIBLE:
        return bool(change.causes) or abs(change.widths) >= LARGE
    return (last - change.night).days <= 1


def suspects(changes: Sequence[Change]) -> dict[str, Change]:
    """For each board the largest step for the worse that no second night confirms yet."""
    made: dict[str, Change] = {}
    for change in changes:
        if change.kind == POSSIBLE and change.worse:
            known = made.setdefault(change.board, change)
            made[change.board] = max(known, change, key=lambda step: abs(step.widths))
    return made


def confirmation(
    change: Change, boards: Mapping[str, BoardNights], settings: Settings, spec: str, words: Sequence[str], into: Path
) -> Stage | str:
    """The comparison of this night's library with the one before, on the board ``spec``; or why there is none."""
    nights = boards[change.board].nights
    earlier = [night for night in nights if night < change.night]
    before, after = nights[earlier[-1]].facts, nights[change.night].facts
    if before["library"] == after["library"]:
        return SAME_LIBRARY
    candidate = kept_library(settings.results, after["library"]) or settings.lib
    baseline = kept_library(settings.results, before["library"])
    if baseline is None:
        baseline = library_of_commit(settings.lib, before["git_commit"], into)
    if baseline is None:
        return NO_COPY
    sides = [f"--candidate={candidate}", f"--baseline={baseline}"]
    return Stage(CONFIRM, spec, ["camrig", "ab", *sides, *words], SECONDS_OF_AB)


def worse_metrics(change: Change, evidence: Path) -> tuple[str, ...]:
    """The metrics that a comparison found worse, by its evidence, and the one that it was asked for."""
    names = [change.metric]
    with suppress(CamrigError):
        _, verdict = recompute(evidence)
        names += [metric.metric for metric in verdict.metrics if metric.outcome is Outcome.REGRESSED]
    return tuple(dict.fromkeys(names))


def answer(
    change: Change, boards: Mapping[str, BoardNights], started: str, worse: tuple[str, ...]
) -> ComparisonRecord:
    """What the history keeps of a comparison of the libraries of a change's night and the one before."""
    nights = boards[change.board].nights
    before = nights[max(night for night in nights if night < change.night)]
    candidate = nights[change.night].facts["library"]
    return ComparisonRecord(change.board, started, candidate, before.facts["library"], worse)


def line(event: Event, remark: str = "") -> str:
    """An event in one line: its largest change with the figures, then its other metrics."""
    change, others = event.first, list(event.metrics.items())[1:]
    share = "" if change.share is None else f" ({change.share:+.1%})"
    words = {STEP: "a step", POSSIBLE: "a possible step, unconfirmed", DRIFT: "a drift"}[change.kind]
    better = "" if change.worse else ", for the better"
    boards = list(dict.fromkeys(each.shown for each in event.changes))
    where = boards[0] if len(boards) == 1 else f"{len(boards)} boards ({', '.join(boards[:BOARDS])}"
    where += "" if len(boards) == 1 else f"{', …' if len(boards) > BOARDS else ''})"
    named = ", ".join(f"{metric} {span(changes)}" for metric, changes in others[:OTHERS])
    named += f" and {len(others) - OTHERS} more metrics" if len(others) > OTHERS else ""
    parts = (f"also {named}" if others else "", ", ".join(event.causes), event.compared or remark)
    return (
        f"{where}: {change.metric} {number(change.before)} → {number(change.after)} {change.unit}{share}: "
        f"{words}{better}, since {event.night}{''.join(f'; {part}' for part in parts if part)}"
    )
