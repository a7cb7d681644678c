"""The trend page: every night of every board, and how each metric moved. Pure: a trend in, text out."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from camrig.history.events import RECENT, Event, divided, events, sentence, span
from camrig.history.fleet import COURSES, ROWS, drawn
from camrig.history.nights import BoardNights, all_nights
from camrig.history.record import ENDINGS
from camrig.history.trend import ALIKE, CONFIRMED, DRIFT, POSSIBLE, Change, MetricCourse, Trend
from camrig.history.trend_drawing import NO_RUN, SIGNS, course_drawing, grid, hover_data, number
from camrig.measure.change_points import FEWEST_NIGHTS
from camrig.measure.statistics import median
from camrig.report.html.templates import rendered

COLUMNS = ("began", "board", "metric", "what", "before", "after", "change", "what else changed", "neighbours")


def trend_page(boards: Mapping[str, BoardNights], trend: Trend) -> str:
    """The page. Raises ValueError where there is no night."""
    nights = all_nights(boards.values())
    if not nights:
        raise ValueError("a trend needs a night")
    recent, earlier = divided(events(trend.changes, boards), nights[-1])
    count = sum(map(len, trend.courses.values()))
    few = drawn([*recent, *earlier]) if count > COURSES else None
    shown = {
        name: [course for course in courses if few is None or (name, course.metric) in few]
        for name, courses in trend.courses.items()
    }
    links = {anchor(name, course.metric) for name, courses in shown.items() for course in courses}
    return rendered(
        "trend.html",
        nights=nights,
        boards=[_board(boards[name], courses, nights) for name, courses in shown.items() if courses or few is None],
        board_count=len(boards),
        left_out=count - sum(map(len, shown.values())),
        links=links,
        most_rows=ROWS if few is not None else count + 1,
        grid=grid(boards, nights),
        signs=[*((sign, ending) for ending, sign in SIGNS.items()), (NO_RUN, "no run")],
        counts=[_counts(board, nights) for board in boards.values()],
        endings=ENDINGS,
        sentence=sentence(recent),
        columns=COLUMNS,
        recent=[_event(event) for event in recent],
        earlier=[_event(event) for event in earlier],
        recent_nights=RECENT,
        fewest=FEWEST_NIGHTS,
    )


def _event(event: Event) -> dict[str, Any]:
    change, others = event.first, list(event.metrics.values())[1:]
    return {
        "night": event.night.isoformat(),
        "metric": change.metric,
        "anchor": anchor(change.board, change.metric),
        "kind": event.kind,
        "css": _css(event.kind, change.worse),
        "sign": _sign(change),
        "range": span(event.metrics[change.metric]),
        "others": [_other(changes) for changes in others],
        "where": event.where,
        "compared": event.compared,
        "causes": ", ".join(event.causes) or "nothing that is known",
        "rows": [_row(each) for changes in event.metrics.values() for each in changes],
    }


def _other(changes: Sequence[Change]) -> dict[str, str]:
    """A further metric of an event."""
    change = changes[0]
    link = anchor(change.board, change.metric)
    return {"metric": change.metric, "anchor": link, "sign": _sign(change), "range": span(changes)}


def _sign(change: Change) -> str:
    return "▲" if change.after > change.before else "▼"


def _css(kind: str, worse: bool) -> str:
    if kind == POSSIBLE:
        return "held"
    return "failed" if worse else "passed"


def _row(change: Change) -> dict[str, Any]:
    per_night = (change.after - change.before) / change.nights if change.nights else None
    return {
        "night": change.night.isoformat(),
        "board": change.shown,
        "metric": change.metric,
        "anchor": anchor(change.board, change.metric),
        "kind": change.kind,
        "sign": _sign(change),
        "css": _css(change.kind, change.worse),
        "before": f"{number(change.before)} {change.unit}",
        "after": f"{number(change.after)} {change.unit}",
        "change": _change_words(change, per_night),
        "causes": ", ".join(change.causes) or "nothing that is known",
        "neighbours": change.neighbours or "–",
    }


def _change_words(change: Change, per_night: float | None) -> str:
    share = "" if change.share is None else f"{change.share:+.1%}"
    if change.kind == DRIFT and per_night is not None:
        each = f"{per_night / abs(change.before):+.2%}" if change.before else f"{per_night:+.3g} {change.unit}"
        return f"{each} a night, {share} in {change.nights} nights"
    if change.kind == POSSIBLE:
        return f"{share}, {ALIKE if change.compared == ALIKE else 'waits for another night'}"
    if change.compared == CONFIRMED:
        return f"{share}, confirmed by camrig ab"
    return share or f"{number(change.after - change.before)} {change.unit}"


def anchor(board: str, metric: str) -> str:
    """The name of a course within the page."""
    return "".join(character if character.isalnum() else "-" for character in f"{board}-{metric}")


def _counts(board: BoardNights, nights: Sequence[datetime.date]) -> list[Any]:
    numbers = Counter(night.ending for night in board.nights.values())
    return [board.shown, *(numbers[ending] for ending in ENDINGS), len(nights) - len(board.nights)]


def _board(board: BoardNights, courses: Sequence[MetricCourse], nights: Sequence[datetime.date]) -> dict[str, Any]:
    shown = [_course(course, nights, board) for course in courses]
    last = list(board.nights.values())[-1]
    return {
        "name": board.shown,
        "title": ", ".join(
            filter(None, (board.label and board.name, board.machine, last.facts["firmware"], last.place))
        ),
        "virtual": board.virtual,
        "moved": [course for course in shown if course["changes"]],
        "still": [course for course in shown if not course["changes"]],
    }


def _course(course: MetricCourse, nights: Sequence[datetime.date], board: BoardNights) -> dict[str, Any]:
    values, texts = course.values, [number(value) for value in course.values]
    return {
        "metric": course.metric,
        "unit": course.unit,
        "anchor": anchor(board.name, course.metric),
        "drawing": course_drawing(course, nights, board),
        "hover": hover_data(course, nights, texts),
        "changes": [_row(change) for change in course.changes],
        "text": f"{len(values)} nights, median {number(median(values))} {course.unit}, "
        f"noise {number(course.movement.noise)} {course.unit}, last {number(values[-1])} {course.unit}",
        "weeks": _weeks(course.nights, texts) if course.changes else (),
    }


def _weeks(nights: Sequence[datetime.date], texts: Sequence[str]) -> list[list[str]]:
    """The values as a table for readers of screens: a row for each week, from Monday to Sunday."""
    weeks: dict[datetime.date, list[str]] = {}
    for night, text in zip(nights, texts, strict=True):
        day = night.weekday()
        weeks.setdefault(night - datetime.timedelta(days=day), ["–"] * 7)[day] = text
    return [[monday.isoformat(), *values] for monday, values in weeks.items()]
