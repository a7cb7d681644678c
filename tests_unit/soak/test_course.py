"""What is kept of a soak does not grow with its length, and loses no count."""

from __future__ import annotations

from itertools import pairwise

from camrig.soak.course import MOST_READINGS, MOST_WINDOWS, SAMPLES, Course, Reading

DAY = 86400.0


def soaked(days: float, step: float = 60.0) -> Course:
    """A course with an exchange, a loss and a reading in every ``step`` seconds."""
    course, now, number = Course(days * DAY, 0), 0.0, 0
    while now < days * DAY:
        now, number = now + step, number + 1
        course.add("preflight", 5 + number % 3, 1.0)
        course.lose("preflight", 1)
        if course.is_due(now):
            course.read(Reading(now, 1, number, 1000, 2000))
            course.close_window(now)
    course.close_window(now)
    return course


def test_a_minute_is_a_window_and_a_short_soak_has_many():
    assert len(soaked(0.1).windows) == 144
    assert len(soaked(60 / DAY, step=0.5).windows) == 120


def test_days_take_no_more_space_than_hours():
    course = soaked(7)
    assert len(course.windows) <= MOST_WINDOWS
    assert len(course.readings) <= MOST_READINGS
    assert len(course.samples["total"]["preflight"].values) == SAMPLES


def test_merged_windows_lose_no_exchange_and_no_loss():
    course = soaked(3)
    records = [window.as_record() for window in course.windows]
    assert sum(record["kinds"]["preflight"]["n"] for record in records) == 3 * 1440
    assert sum(record["kinds"]["preflight"]["lost"] for record in records) == course.lost["preflight"] == 3 * 1440
    assert all(record["kinds"]["preflight"]["max"] == 7 for record in records)


def test_windows_follow_each_other_without_a_gap():
    windows = soaked(2).windows
    assert windows[0].start == 0
    for earlier, later in pairwise(windows):
        assert earlier.start + earlier.seconds == later.start
    assert windows[-1].start + windows[-1].seconds == 2 * DAY


def test_thinned_readings_keep_both_ends_of_every_boot():
    course = Course(DAY, 0)
    ends = []
    for boot in range(1, 5):
        for number in range(180):
            course.read(Reading(number, boot, number, number, 0))
        ends.append(179)
    series = course.series(lambda reading: reading.alive)
    assert len(course.readings) < MOST_READINGS
    assert [points[0][0] for points in series] == [0] * 4
    assert [points[-1][0] for points in series] == ends
    assert all(x == y for points in series for x, y in points)


def test_what_was_not_read_makes_no_series():
    course = Course(DAY, 0)
    course.read(Reading(0, 1, 0, 1, 2))
    assert course.series(lambda reading: reading.idf_used) == [[]]


def test_a_boot_whose_caches_still_fill_says_nothing_of_a_leak():
    course = Course(60, 0)
    for boot in (1, 2):
        for number in range(5):
            course.read(Reading(number, boot, number, 1000 + 9 * number, 2000))
    assert len(course.series(lambda reading: reading.alive)) == 2
    course.filling.add(2)
    assert course.series(lambda reading: reading.alive) == [[(number, 1000 + 9 * number) for number in range(5)]]
