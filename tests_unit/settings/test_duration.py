"""Durations as users write them."""

from __future__ import annotations

import pytest
from camrig.settings.duration import Duration, in_words
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1.5h", 5400), ("30d", 2592000), (" 5s ", 5)]
)
def test_a_number_with_a_unit_is_a_duration(text, seconds):
    assert Duration.parse(text).seconds == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "-5s", "2 h", "1h30m", "nan s", "1e3s", "٣s", "2H", "0x2s", "5s\n5s"])
def test_anything_else_is_refused_with_what_to_write(text):
    with pytest.raises(
        ValueError, match="is not a duration: give a number with s, m, h or d, such as 90s, 30m or 2h"
    ):
        Duration.parse(text)


@pytest.mark.parametrize("text", ["0s", "0.000h", "31d", "999999999d"])
def test_nothing_and_more_than_a_month_are_refused(text):
    with pytest.raises(ValueError, match="must be more than 0 and at most 30 days"):
        Duration.parse(text)


@given(st.text())
def test_any_text_is_a_duration_or_one_sentence(text):
    try:
        seconds = Duration.parse(text).seconds
    except ValueError as error:
        sentence = str(error)
    else:
        assert 0 < seconds <= 30 * 86400
        return
    assert sentence.startswith(("is not a duration", "must be more than 0"))
    assert "\n" not in sentence


@given(st.integers(1, 720), st.sampled_from("smh"))
def test_a_whole_number_comes_back_exactly(number, unit):
    assert Duration.parse(f"{number}{unit}").seconds == number * {"s": 1, "m": 60, "h": 3600}[unit]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3.2, "3 s"), (99, "99 s"), (120, "2 min"), (3599, "1 h"), (3700, "1 h 2 min"), (7200, "2 h")],
)
def test_seconds_are_shown_as_people_say_them(seconds, text):
    assert in_words(seconds) == text
