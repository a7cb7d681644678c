"""How long commands may take: by the size of what they work on, and by what the board has shown of its speed."""

from __future__ import annotations

import pytest
from camrig.board.pace import Pace

SIZES = [0, 1 << 10, 1 << 15, 1 << 20]


@pytest.mark.parametrize("work", ["read", "written"])
@pytest.mark.parametrize("identify", [0.005, 0.3, 5.0])
def test_a_limit_grows_with_the_size_and_never_falls_below_the_least(work, identify):
    pace = Pace()
    pace.identified(identify)
    limits = [pace.limit(30, **{work: size}) for size in SIZES]
    assert limits[0] == 30
    assert limits == sorted(set(limits))


@pytest.mark.parametrize("work", ["read", "written", "collections"])
def test_a_board_that_is_slow_to_say_who_it_is_gets_more_time(work):
    limits = []
    for identify in (0.01, 0.5, 3.0):
        pace = Pace()
        pace.identified(identify)
        limits.append(pace.limit(30, **{work: 10_000}))
    assert limits == sorted(set(limits))


@pytest.mark.parametrize(("observe", "work"), [("has_read", "read"), ("has_written", "written")])
@pytest.mark.parametrize("seconds", [0.01, 1.0, 60.0])
def test_what_a_board_has_shown_counts_the_slowest_first(observe, work, seconds):
    pace = Pace()
    for each in (seconds, seconds / 10):
        getattr(pace, observe)(4096, each)
    assert pace.limit(30, **{work: 4096}) >= 30 + 2 * seconds
    assert pace.limit(30, **{work: 4096}) <= 30 + 10 * seconds
    assert pace.limit(30, **{work: 40 * 4096}) >= 30 + 80 * seconds


def test_a_few_bytes_say_nothing_about_a_speed():
    pace = Pace()
    before = pace.limit(30, written=100_000)
    pace.has_written(60, 5.0)
    assert pace.limit(30, written=100_000) == before
