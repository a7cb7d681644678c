"""Server-Timing parsed as in the standard."""

from __future__ import annotations

import math

import pytest
from camrig.probe.server_timing import TimingEntry, on_board_ms, parse
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("value", "entries"),
    [
        ("", []),
        ("miss", [TimingEntry("miss")]),
        ("app;dur=1.5", [TimingEntry("app", 1.5)]),
        ("db;dur=53, app;dur=47.2", [TimingEntry("db", 53.0), TimingEntry("app", 47.2)]),
        (' app ; desc="a \\"b\\", c; d" ; dur = 2', [TimingEntry("app", 2.0, 'a "b", c; d')]),
        ("a;DUR=1;dur=2", [TimingEntry("a", 1.0)]),
        ("a;what=1;dur=2;dur", [TimingEntry("a", 2.0)]),
        ("a;dur;dur=3", [TimingEntry("a", 0.0)]),
        ('a;dur="4.5"', [TimingEntry("a", 4.5)]),
        ("a;dur=many", [TimingEntry("a", 0.0)]),
        ("a;dur=1e400", [TimingEntry("a", 0.0)]),
        ("a;dur=1 2;desc=b", [TimingEntry("a", 1.0, "b")]),
        ('a;desc="never ends, b', [TimingEntry("a", 0.0, "never ends, b")]),
        (",, a,;b,@c, d", [TimingEntry("a"), TimingEntry("d")]),
        ("a b;dur=1, c", [TimingEntry("a"), TimingEntry("c")]),
    ],
)
def test_header_is_parsed_as_in_the_standard(value, entries):
    assert parse([value]) == entries


def test_several_headers_make_one_list():
    assert [entry.name for entry in parse(["a, b", "c"])] == ["a", "b", "c"]


@given(st.text(alphabet='ab,;= \t"\\.01@dur', max_size=60))
def test_no_value_raises_and_every_time_is_finite(value):
    assert all(entry.name and math.isfinite(entry.ms) for entry in parse([value]))


@given(st.integers(min_value=0, max_value=10**9))
def test_time_sent_by_the_agent_is_read_back(us):
    assert on_board_ms(f"app;dur={us / 1000:.3f}") == us / 1000


@pytest.mark.parametrize(("value", "ms"), [("db;dur=1", None), ("db;dur=1, app; dur=2", 2.0), ("app", 0.0)])
def test_agents_time_is_found_among_other_entries(value, ms):
    assert on_board_ms(value) == ms
