"""The drawings of the trend page: the grid of nights and boards, and the course of a metric. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import groupby, pairwise

from markupsafe import Markup, escape

from camrig.history.nights import BoardNights, Night
from camrig.history.record import BLOCKED, FAILED, INCONCLUSIVE, INTERRUPTED, PASSED
from camrig.history.trend import Change, MetricCourse
from camrig.measure.statistics import median
from camrig.report.html.scale import Scale, scale_of
from camrig.report.html.svg import WIDTH, Drawing
from camrig.report.metrics_table import number as whole_number

# Each ending has a sign of its own, so that the grid is read in grey too; trouble of the rig is not red.
SIGNS = {PASSED: "✓", FAILED: "✗", INCONCLUSIVE: "?", INTERRUPTED: "‖", BLOCKED: "◇"}
NO_RUN = "·"
_HEIGHT, _TOP, _BOTTOM, _LEFT, _RIGHT = 150.0, 14.0, 122.0, 84.0, WIDTH - 12.0


def number(value: float) -> str:
    """A figure with the digits in which nights differ."""
    return f"{value:.4g}" if 0 < abs(value) < 10 and not float(value).is_integer() else whole_number(value)


def grid(boards: Mapping[str, BoardNights], nights: Sequence[datetime.date]) -> Markup:
    """A table of nights and boards, the last night first."""
    latest = list(reversed(nights))
    months = "".join(
        f'<th scope="colgroup" colspan="{sum(1 for _ in days)}">{month}</th>'
        for month, days in groupby(latest, key=lambda night: night.strftime("%Y-%m"))
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(board.shown)}</th>{_cells(board, latest)}</tr>' for board in boards.values()
    )
    return Markup(
        '<table class="nights"><caption class="gone">How each night ended, the last one first</caption>'
        f'<thead><tr><th scope="col">board</th>{months}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _cells(board: BoardNights, nights: Sequence[datetime.date]) -> str:
    return "".join(_cell(board.nights.get(night), night) for night in nights)


def _cell(night: Night | None, date: datetime.date) -> str:
    if night is None:
        return f'<td class="none" title="{date}: no run">{NO_RUN}</td>'
    scoped = ", only a part of the tests" if night.scoped else ""
    css = f"{night.ending} part" if night.scoped else night.ending
    return f'<td class="{css}" title="{date}: {night.ending}{scoped}">{SIGNS[night.ending]}</td>'


def course_drawing(course: MetricCourse, nights: Sequence[datetime.date], board: BoardNights) -> Markup:
    """Values over the nights, the level between two steps, steps and drifts, and where the firmware changed."""
    first = nights[0]
    places = [(night - first).days for night in course.nights]
    scale_x = Scale(0.0, float(max(1, len(nights) - 1)), _LEFT, _RIGHT)
    scale_y = scale_of((course.movement.lowest, course.movement.highest), _BOTTOM, _TOP + 8)
    along = (_RIGHT - _LEFT) / scale_x.high
    xs = [_LEFT + along * place for place in places]
    zero, each = scale_y(0.0), scale_y(1.0) - scale_y(0.0)
    ys = [min(max(zero + each * value, _TOP), _BOTTOM) for value in course.values]  # a spike ends at the border
    description = f"{len(course.values)} nights; the table has what changed."
    drawing = Drawing(_HEIGHT, f"{course.metric} of {board.shown}", description)
    drawing.y_axis(scale_y, _LEFT, _RIGHT, course.unit)
    drawing.parts += _months(tuple(nights), scale_x)
    for place, words in _firmwares(board, first):
        x = scale_x(place)
        drawing.add("line", words, x1=x, x2=x, y1=_TOP, y2=_BOTTOM, css="firmware")
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
    drawing.add("polyline", points=points, css="line nightly")
    _levels(drawing, course, xs, scale_y)
    for change in course.changes:
        x = scale_x((change.night - first).days)
        words = f"{change.night}: {change.kind}, {number(change.before)} → {number(change.after)} {change.unit}"
        drawing.add("line", words, x1=x, x2=x, y1=_TOP, y2=_BOTTOM, css=_css(change))
        drawing.add("text", words, "▲" if change.after > change.before else "▼", x=x, y=_TOP, css="sign")
    if xs:
        drawing.add(
            "circle",
            f"{course.nights[-1]}: {number(course.values[-1])}",
            cx=xs[-1],
            cy=ys[-1],
            r=3,
            css="point first",
        )
    return drawing.svg()


def _css(change: Change) -> str:
    return f"{change.kind.replace(' ', '-')}{'' if change.worse else ' better'}"


def hover_data(course: MetricCourse, nights: Sequence[datetime.date], texts: Sequence[str]) -> dict[str, str]:
    """What the page's script shows beside the mouse: the place of each value along the nights, and the value."""
    first = nights[0]
    return {
        "days": ",".join(str((night - first).days) for night in course.nights),
        "values": " ".join(texts),
        "left": f"{_LEFT:g}",
        "right": f"{_RIGHT:g}",
    }


@lru_cache(maxsize=2)
def _months(nights: tuple[datetime.date, ...], scale_x: Scale) -> list[Markup]:
    """The axis, which all courses of a page share."""
    drawing = Drawing(_HEIGHT, "", "")
    starts = [index for index, night in enumerate(nights) if night.day == 1]
    labelled = starts[:: max(1, len(starts) // 12)]
    if len(starts) < 2:
        labelled = list(range(0, len(nights), max(1, len(nights) // 6)))
    for index in labelled:
        words, x = nights[index].strftime("%Y-%m" if len(starts) > 1 else "%m-%d"), scale_x(index)
        drawing.add("line", x1=x, x2=x, y1=_TOP, y2=_BOTTOM, css="grid")
        drawing.add("text", text=words, x=x, y=_BOTTOM + 15, css="tick", text_anchor="middle")
    return drawing.parts


def _firmwares(board: BoardNights, first: datetime.date) -> list[tuple[int, str]]:
    """Where the board's firmware changed, and from what to what."""
    known = [
        (date, night.facts["firmware"]) for date, night in sorted(board.nights.items()) if night.facts["firmware"]
    ]
    return [
        ((date - first).days, f"{date}: {old} → {new}") for (_, old), (date, new) in pairwise(known) if old != new
    ]


def _levels(drawing: Drawing, course: MetricCourse, xs: Sequence[float], scale_y: Scale) -> None:
    drifts = course.movement.drifts
    edges = {0, len(course.values), *(step.index for step in course.movement.steps)}
    edges |= {edge for drift in drifts for edge in (drift.start, min(drift.end + 1, len(course.values)))}
    for start, end in pairwise(sorted(edges)):
        if any(drift.start <= start <= drift.end for drift in drifts):
            continue
        level = median(course.values[start:end])
        words = f"level {number(level)} {course.unit} in {end - start} nights"
        y = scale_y(level)
        drawing.add("line", words, x1=xs[start], x2=xs[end - 1], y1=y, y2=y, css="level")
    for drift in drifts:
        start, end = drift.start, min(drift.end, len(xs) - 1)
        words = f"drift of {drift.per_night:.3g} {course.unit} a night"
        low, high = scale_y(drift.before), scale_y(drift.before + drift.change)
        drawing.add("line", words, x1=xs[start], x2=xs[end], y1=low, y2=high, css="level")
