"""What a viewer of a stream notices."""

from __future__ import annotations

import pytest
from camrig.measure.frame_times import STALL_MS, ages, gaps, per_second, repeated, stalls, steps
from hypothesis import given
from hypothesis import strategies as st

times = st.lists(st.integers(0, 10**6), min_size=2, unique=True).map(sorted)


@given(times)
def test_rate_is_that_of_an_even_stream_of_the_same_length(arrived):
    mean = sum(gaps(arrived)) / len(gaps(arrived))
    assert per_second(arrived) == pytest.approx(1000 / mean)


@pytest.mark.parametrize("arrived", [[], [1.0], [2.0, 2.0, 2.0]])
def test_rate_needs_time(arrived):
    with pytest.raises(ValueError, match="different times"):
        per_second(arrived)


@pytest.mark.parametrize(
    ("each", "late", "expected"),
    [
        (40, STALL_MS, 0),
        (40, STALL_MS + 1, 1),
        (300, 800, 0),  # a slow board: less than three times its usual gap
        (300, 901, 1),
    ],
)
def test_stall_is_long_and_longer_than_usual(each, late, expected):
    assert stalls([each] * 20 + [late]) == [late] * expected


def test_nothing_seen_has_no_stall():
    assert stalls([]) == []


def test_repeated_pictures_are_counted():
    assert repeated("aabbbc") == 3
    assert repeated("ababab") == repeated("a") == repeated("") == 0


@given(st.lists(st.integers(-40, 40)), st.integers(0, 99))
def test_steps_go_over_the_end_of_the_numbers(moves, first):
    numbers = [first]
    for move in moves:
        numbers.append((numbers[-1] + move) % 100)
    assert steps(numbers, 100) == moves


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(0, 900)), min_size=1, max_size=20), st.integers(0, 32767))
def test_age_is_the_delay_beyond_the_least_one(deliveries, clock):
    arrived, taken, now = [], [], 0
    for gap, delay in deliveries:
        now += gap
        arrived.append(float(now))
        taken.append((clock + now - delay) % 32768)
    delays = [delay for _, delay in deliveries]
    assert ages(arrived, taken, 32768) == [delay - min(delays) for delay in delays]


def test_nothing_seen_has_no_age():
    assert ages([], [], 100) == []
