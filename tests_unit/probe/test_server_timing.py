"""Server-Timing as the standard parses it."""

from __future__ import annotations

import math

import pytest
from camrig.probe.server_timing import Metric, on_board_ms, parse
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("value", "metrics"),
    [
        ("", []),
        ("miss", [Metric("miss")]),
        ("app;dur=1.5", [Metric("app", 1.5)]),
        ("db;dur=53, app;dur=47.2", [Metric("db", 53.0), Metric("app", 47.2)]),
        (' app ; desc="a \\"b\\", c; d" ; dur = 2', [Metric("app", 2.0, 'a "b", c; d')]),
        ("a;DUR=1;dur=2", [Metric("a", 1.0)]),
        ("a;what=1;dur=2;dur", [Metric("a", 2.0)]),
        ("a;dur;dur=3", [Metric("a", 0.0)]),
        ('a;dur="4.5"', [Metric("a", 4.5)]),
        ("a;dur=many", [Metric("a", 0.0)]),
        ("a;dur=1e400", [Metric("a", 0.0)]),
        ("a;dur=1 2;desc=b", [Metric("a", 1.0, "b")]),
        ('a;desc="never ends, b', [Metric("a", 0.0, "never ends, b")]),
        (",, a,;b,@c, d", [Metric("a"), Metric("d")]),
        ("a b;dur=1, c", [Metric("a"), Metric("c")]),
    ],
)
def test_values(value, metrics):
    assert parse([value]) == metrics


def test_several_headers_are_one_list():
    assert [metric.name for metric in parse(["a, b", "c"])] == ["a", "b", "c"]


@given(st.text(alphabet='ab,;= \t"\\.01@dur', max_size=60))
def test_nothing_raises_and_every_figure_is_finite(value):
    assert all(metric.name and math.isfinite(metric.ms) for metric in parse([value]))


@given(st.integers(min_value=0, max_value=10**9))
def test_what_the_agent_sends_comes_back(us):
    assert on_board_ms(f"app;dur={us / 1000:.3f}") == us / 1000


@pytest.mark.parametrize(("value", "ms"), [("db;dur=1", None), ("db;dur=1, app; dur=2", 2.0), ("app", 0.0)])
def test_the_agents_figure_among_others(value, ms):
    assert on_board_ms(value) == ms
