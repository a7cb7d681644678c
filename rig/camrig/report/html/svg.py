"""Drawings as inline SVG: distributions, courses, intervals and a time line. Pure.

Colours come from the page's style sheet, so that they fit light and dark; nothing depends on colour alone. Each mark
has its values as a title, for the mouse, and each drawing a name and a description, for readers of screens.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from camrig.measure.statistics import summary
from camrig.report.html.scale import Scale, scale_of
from camrig.report.metrics_table import number

WIDTH = 720.0
LABELS = 190.0  # for the names of rows
ROW = 38.0
AXIS = 34.0
BINS = 48
POINTS = 360  # drawn of a course; of more, the lowest and the highest of each stretch


@dataclass(frozen=True)
class Mark:
    """A line across a drawing at ``value``, such as a limit: ``kind`` is its class in the style sheet."""

    value: float
    name: str
    kind: str = "limit"


@dataclass(frozen=True)
class Distribution:
    """A row of a drawing of distributions."""

    name: str
    values: Sequence[float]
    marks: Sequence[Mark] = ()


@dataclass(frozen=True)
class Course:
    """Values along an x, such as the bytes in use along the requests."""

    name: str
    points: Sequence[tuple[float, float]]
    kind: str = "first"


@dataclass(frozen=True)
class Moment:
    """Something on a time line: its second, the row that it belongs to, and what it was."""

    second: float
    row: str
    text: str
    kind: str = "event"
    lasts: float = 0.0


@dataclass
class Drawing:
    """Collects the parts of a drawing ``height`` pixels high."""

    height: float
    name: str
    description: str
    parts: list[Markup] = field(default_factory=list)

    def add(self, element: str, title: str = "", text: str = "", **attributes: object) -> None:
        """An element with its attributes, ``css`` for its class; figures are shortened to a tenth of a pixel."""
        shown = "".join(
            f' {"class" if key == "css" else key.replace("_", "-")}="{_short(value)}"'
            for key, value in attributes.items()
        )
        inner = f"<title>{escape(title)}</title>" if title else ""
        self.parts.append(Markup(f"<{element}{shown}>{inner}{escape(text)}</{element}>"))

    def x_axis(self, scale: Scale, top: float, bottom: float, unit: str, ticks: int = 6) -> None:
        """Ticks with their figures below ``bottom``, lines of the grid up to ``top``, and the unit."""
        for tick in scale.ticks(ticks):
            x = scale(tick)
            self.add("line", x1=x, x2=x, y1=top, y2=bottom, css="grid")
            self.add("text", text=_tick(tick), x=x, y=bottom + 15, css="tick", text_anchor="middle")
        self.add("text", text=unit, x=WIDTH, y=bottom + 30, css="unit", text_anchor="end")

    def y_axis(self, scale: Scale, left: float, right: float, unit: str) -> None:
        for tick in scale.ticks(5):
            y = scale(tick)
            self.add("line", x1=left, x2=right, y1=y, y2=y, css="grid")
            self.add("text", text=_tick(tick), x=left - 6, y=y + 4, css="tick", text_anchor="end")
        self.add("text", text=unit, x=left - 6, y=12, css="unit", text_anchor="end")

    def svg(self) -> Markup:
        return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}"><desc>{}</desc>{}</svg>').format(
            _short(WIDTH), _short(self.height), self.name, self.description, Markup("").join(self.parts)
        )


def distributions(name: str, rows: Sequence[Distribution], unit: str) -> Markup:
    """A histogram a row on one axis, with median, 95th percentile, the largest value, and the row's marks."""
    rows = [row for row in rows if row.values]
    bottom = len(rows) * ROW + 8
    places = [value for row in rows for value in [*row.values, *(mark.value for mark in row.marks)]]
    scale = scale_of(places, LABELS, WIDTH - 12, zero=True, log=True)
    description = f"Distributions of {len(rows)} metrics in {unit}; the table has the figures."
    drawing = Drawing(bottom + AXIS, name, description)
    drawing.x_axis(scale, 4, bottom, unit + (" (logarithmic)" if scale.logarithmic else ""))
    for index, row in enumerate(rows):
        middle = 8 + ROW * (index + 0.5)
        drawing.add("text", text=row.name, x=LABELS - 10, y=middle + 4, css="label", text_anchor="end")
        _histogram(drawing, scale, row.values, middle, unit)
        figures = summary(row.values)
        for value, word, css in ((figures.median, "median", "median"), (figures.p95, "95th percentile", "p95")):
            title = f"{word} of {row.name}: {number(value)} {unit}"
            x = scale(value)
            drawing.add("line", title, x1=x, x2=x, y1=middle - ROW * 0.4, y2=middle + ROW * 0.4, css=css)
        drawing.add(
            "circle",
            f"largest: {number(max(row.values))} {unit}",
            cx=scale(max(row.values)),
            cy=middle,
            r=2.5,
            css="largest",
        )
        for mark in row.marks:
            _mark(drawing, mark, scale(mark.value), middle, unit)
    return drawing.svg()


def _histogram(drawing: Drawing, scale: Scale, values: Sequence[float], middle: float, unit: str) -> None:
    counts = [0] * BINS
    width = (scale.end - scale.start) / BINS
    for value in values:
        counts[min(BINS - 1, max(0, int((scale(value) - scale.start) / width)))] += 1
    most = max(counts)
    for index, count in enumerate(counts):
        if count:
            low, high = scale.value(index / BINS), scale.value((index + 1) / BINS)
            half = max(1.0, ROW * 0.42 * math.sqrt(count / most))  # of the root, so that single values are seen
            title = f"{number(low)} to {number(high)} {unit}: {count} of {len(values)}"
            drawing.add(
                "rect",
                title,
                x=scale.start + index * width,
                y=middle - half,
                width=width - 0.6,
                height=2 * half,
                css="bin",
            )


def _mark(drawing: Drawing, mark: Mark, x: float, middle: float, unit: str) -> None:
    top, bottom = middle - ROW * 0.5, middle + ROW * 0.5
    drawing.add("line", f"{mark.name}: {number(mark.value)} {unit}", x1=x, x2=x, y1=top, y2=bottom, css=mark.kind)


def courses(
    name: str, lines: Sequence[Course], x_unit: str, y_unit: str, marks: Sequence[Mark] = (), zero: bool = False
) -> Markup:
    """Lines over one x, with lines across at ``marks``."""
    lines = [line for line in lines if line.points]
    bottom, left, height = 210.0, 84.0, 250.0
    x_scale = scale_of((x for line in lines for x, _ in line.points), left, WIDTH - 12)
    values = [y for line in lines for _, y in line.points]
    y_scale = scale_of([*values, *(mark.value for mark in marks)], bottom, 18, zero=zero)
    drawing = Drawing(height, name, f"{y_unit} along {x_unit}; the table has the figures.")
    drawing.x_axis(x_scale, 18, bottom, x_unit)
    drawing.y_axis(y_scale, left, WIDTH - 12, y_unit)
    for mark in marks:
        y = y_scale(mark.value)
        drawing.add(
            "line", f"{mark.name}: {number(mark.value)} {y_unit}", x1=left, x2=WIDTH - 12, y1=y, y2=y, css=mark.kind
        )
        drawing.add("text", text=mark.name, x=WIDTH - 14, y=y - 4, css="tick", text_anchor="end")
    for line in lines:
        kept = thinned(line.points)
        places = " ".join(f"{_short(x_scale(x))},{_short(y_scale(y))}" for x, y in kept)
        drawing.add("polyline", points=places, css=f"line {line.kind}")
        for x, y in kept if len(kept) <= POINTS / 3 else ():
            title = f"{line.name}: {number(y)} {y_unit} at {number(x)} {x_unit}"
            drawing.add("circle", title, cx=x_scale(x), cy=y_scale(y), r=2.4, css=f"point {line.kind}")
    return drawing.svg()


def intervals(name: str, rows: Sequence[tuple[str, float, float, float]], unit: str, limit: float | None) -> Markup:
    """A value with its interval a row: name, low, value, high; infinite ends reach the edge."""
    bottom = len(rows) * ROW * 0.8 + 8
    finite = [end for _, *ends in rows for end in ends if math.isfinite(end)]
    scale = scale_of([0.0, *finite, *([limit] if limit is not None else [])], LABELS + 40, WIDTH - 12)
    drawing = Drawing(bottom + AXIS, name, f"Values with their 95 % intervals in {unit}; the table has the figures.")
    drawing.x_axis(scale, 4, bottom, unit)
    lines = [Mark(0.0, "zero", "zero"), *([Mark(limit, "limit")] if limit is not None else [])]
    for mark in lines:
        x = scale(mark.value)
        drawing.add("line", f"{mark.name}: {number(mark.value)} {unit}", x1=x, x2=x, y1=4, y2=bottom, css=mark.kind)
    for index, (label, low, value, high) in enumerate(rows):
        y = 8 + ROW * 0.8 * (index + 0.5)
        ends = [scale(end) if math.isfinite(end) else edge for end, edge in ((low, scale.start), (high, scale.end))]
        title = f"{label}: {number(value)} {unit}"
        drawing.add("text", text=label, x=LABELS + 30, y=y + 4, css="label", text_anchor="end")
        drawing.add("line", title, x1=ends[0], x2=ends[1], y1=y, y2=y, css="interval")
        drawing.add("circle", title, cx=scale(value), cy=y, r=4, css="point first")
    return drawing.svg()


def time_line(name: str, moments: Iterable[Moment], seconds: float) -> Markup:
    """Rows of moments along the seconds of a run; what lasted is a bar."""
    moments = sorted(moments, key=lambda moment: moment.second)
    rows = list(dict.fromkeys(moment.row for moment in moments))
    bottom = len(rows) * ROW * 0.7 + 8
    scale = scale_of([0.0, seconds], LABELS, WIDTH - 12, zero=True)
    drawing = Drawing(bottom + AXIS, name, "What happened in the course of the run; the table has the same in words.")
    drawing.x_axis(scale, 4, bottom, "s")
    for index, row in enumerate(rows):
        y = 8 + ROW * 0.7 * (index + 0.5)
        drawing.add("text", text=row, x=LABELS - 10, y=y + 4, css="label", text_anchor="end")
        for moment in moments:
            if moment.row != row:
                continue
            title = f"{number(moment.second)} s: {moment.text}"
            width = max(4.0, scale(moment.second + moment.lasts) - scale(moment.second))
            drawing.add("rect", title, x=scale(moment.second), y=y - 7, width=width, height=14, css=moment.kind)
    return drawing.svg()


def thinned(points: Sequence[tuple[float, float]], most: int = POINTS) -> list[tuple[float, float]]:
    """At most about ``most`` of the points; no peak is lost, as each stretch keeps its lowest and its highest."""
    if len(points) <= most:
        return list(points)
    stretch = math.ceil(2 * len(points) / most)
    kept = [points[0]]
    for start in range(0, len(points), stretch):
        part = points[start : start + stretch]
        ends = {min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])}
        kept += [point for point in sorted(ends) if point != kept[-1]]
    if kept[-1] != points[-1]:
        kept.append(points[-1])
    return kept


def _tick(value: float) -> str:
    if value and (abs(value) >= 1e6 or abs(value) < 0.001):
        return f"{value:.3g}"
    return f"{value:,.6g}" if abs(value) < 1000 else f"{value:,.0f}"


def _short(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(escape(value))
