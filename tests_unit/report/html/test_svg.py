"""Drawings are well-formed whatever they are given, say their values, and lose no peak."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest
from camrig.report.html.svg import (
    BINS,
    Course,
    Distribution,
    Mark,
    Moment,
    courses,
    distributions,
    intervals,
    thinned,
    time_line,
)
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufffe\uffff"), max_size=12)
NUMBER = st.floats(min_value=-1e7, max_value=1e7, allow_nan=False)
SVG = "{http://www.w3.org/2000/svg}"


def parsed(drawing):
    return ElementTree.fromstring(drawing)


def texts(drawing):
    return [element.text or "" for element in parsed(drawing).iter() if element.tag == "title"]


def kinds(drawing):
    return [element.get("class") for element in parsed(drawing).iter()]


@given(st.lists(st.tuples(TEXT, st.lists(NUMBER, min_size=1, max_size=40)), min_size=1, max_size=4), TEXT)
def test_distributions_are_well_formed(rows, unit):
    drawing = distributions("<times>", [Distribution(name, values) for name, values in rows], unit)
    svg = parsed(drawing)
    assert svg.get("aria-label") == "<times>"
    labels = [element.text or "" for element in svg.iter() if element.get("class") == "label"]
    assert labels == [name for name, _ in rows]


@given(st.lists(NUMBER, min_size=1, max_size=300))
def test_a_histogram_counts_every_value_once(values):
    titles = texts(distributions("t", [Distribution("a", values)], "ms"))
    bins = [title.rpartition(": ")[2] for title in titles if title.endswith(f" of {len(values)}")]
    counts = [int(text.partition(" of ")[0]) for text in bins]
    assert sum(counts) == len(values)
    assert len(counts) <= BINS


def test_baseline_and_limit_are_drawn_and_say_their_values():
    marks = (Mark(2.0, "baseline", "baseline"), Mark(9.0, "limit"))
    drawing = distributions("t", [Distribution("a", [1.0, 2.0, 3.0], marks)], "ms")
    assert {"baseline: 2 ms", "limit: 9 ms", "median of a: 2 ms"} <= set(texts(drawing))
    assert {"baseline", "limit", "median", "p95", "largest"} <= set(kinds(drawing))


def test_a_row_without_values_is_left_out():
    drawing = distributions("t", [Distribution("a", []), Distribution("b", [1.0])], "ms")
    assert "label" in kinds(drawing)
    assert kinds(drawing).count("label") == 1


@given(st.lists(st.tuples(st.integers(0, 10**6), NUMBER), min_size=1, max_size=1500))
def test_a_course_that_is_thinned_out_keeps_its_peaks(points):
    kept = thinned(points, most=100)
    assert len(kept) <= 104
    assert set(kept) <= set(points)
    assert min(y for _, y in kept) == min(y for _, y in points)
    assert max(y for _, y in kept) == max(y for _, y in points)
    assert (kept[0], kept[-1]) == (points[0], points[-1])


@given(st.lists(st.lists(st.tuples(NUMBER, NUMBER), max_size=20), min_size=1, max_size=3), st.booleans())
def test_courses_are_well_formed(lines, zero):
    drawing = courses("c", [Course(f"<{n}>", points) for n, points in enumerate(lines)], "requests", "B", zero=zero)
    assert kinds(drawing).count("line first") == sum(bool(points) for points in lines)


@pytest.mark.parametrize("low", [-1.0, -math.inf])
@pytest.mark.parametrize("high", [2.0, math.inf])
def test_an_interval_without_an_end_reaches_the_edge(low, high):
    drawing = intervals("i", [("a & b", low, 0.5, high), ("c", 0.0, 0.1, 0.2)], "B/request", 1.0)
    first = next(element for element in parsed(drawing).iter() if element.get("class") == "interval")
    assert (float(first.get("x2")) == 708.0) == math.isinf(high)
    assert {"limit", "zero"} <= set(kinds(drawing))


@given(st.lists(st.tuples(st.floats(0, 100), TEXT, TEXT, st.floats(0, 10)), max_size=12))
def test_a_time_line_has_every_moment(entries):
    moments = [Moment(second, row, text, "event", lasts) for second, row, text, lasts in entries]
    drawing = time_line("what happened", moments, 100.0)
    assert kinds(drawing).count("event") == len(moments)
    assert kinds(drawing).count("label") == len({row for _, row, _, _ in entries})
