"""Progress of long work: share, rate and time left are right, and every output shows them."""

from __future__ import annotations

import io
import re

import pytest
from camrig.elapsed import terminal_line
from camrig.progress import BYTES, SECONDS, WIDTH, WINDOW, Progress, duration
from camrig.steps import PLAIN_EVERY, Step, Steps
from hypothesis import given
from hypothesis import strategies as st


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@given(
    st.floats(0, 1e12),
    st.sampled_from(["", BYTES, SECONDS, "faults"]),
    st.lists(st.tuples(st.floats(0, 1e5), st.floats(-1, 1e12)), max_size=20),
)
def test_any_progress_is_one_line_of_plain_characters(total, unit, updates):
    clock = Clock()
    progress = Progress(total, unit, clock)
    for seconds, done in updates:
        clock.now += seconds
        progress.update(done)
    line = progress.text()
    assert re.fullmatch(r"\[#*-*\] [ -~]+", line), line
    assert line.index("]") == WIDTH + 1
    assert progress.text(bar=False) == line.partition("] ")[2]
    assert 0 <= progress.share <= 1
    assert len(line) < 120


@given(st.floats(0.1, 1000), st.integers(2, 200), st.floats(0.1, 30), st.integers(0, 50))
def test_steady_work_has_the_rate_and_the_time_that_it_takes(per_second, updates, every, begin):
    clock = Clock()
    total = begin + per_second * every * updates * 2
    progress = Progress(total, "requests", clock)
    for number in range(updates):
        clock.now = number * every
        progress.update(begin + per_second * clock.now)
    assert progress.rate == pytest.approx(per_second, rel=1e-6)
    assert progress.left == pytest.approx((total - progress.done) / per_second, rel=1e-6)


def test_the_rate_is_that_of_the_last_minute():
    clock = Clock()
    progress = Progress(10_000, "requests", clock)
    for second in range(600):
        clock.now = second
        progress.update(second if second < 300 else 300 + (second - 300) * 10)
    assert progress.rate == pytest.approx(10)
    clock.now += WINDOW  # nothing came meanwhile
    assert progress.rate < 6


def test_what_is_not_known_is_not_said():
    progress = Progress(7, "faults")
    assert progress.text(bar=False) == "0%, 0 of 7 faults"
    progress.update(7)
    assert "left" not in progress.text()


@pytest.mark.parametrize(
    ("unit", "total", "done", "seconds", "line"),
    [
        (BYTES, 400_000, 100_000, 10, "[#####---------------] 25%, 100.0 KB of 400.0 KB, 10.0 KB/s, 0:30 left"),
        (SECONDS, 7200, 1800, 1800, "[#####---------------] 25%, 30:00 of 2:00:00, 1:30:00 left"),
        ("faults", 8, 2, 600, "[#####---------------] 25%, 2 of 8 faults, 12.0 an hour, 30:00 left"),
        ("faults", 8, 2, 60, "[#####---------------] 25%, 2 of 8 faults, 2.0 a minute, 3:00 left"),
        ("batches", 8, 8, 4, "[####################] 100%, 8 of 8 batches, 2.0 a second"),
    ],
)
def test_a_line_reads_like_this(unit, total, done, seconds, line):
    clock = Clock()
    progress = Progress(total, unit, clock)
    progress.update(0)
    clock.now = seconds
    progress.update(done)
    assert progress.text() == line


@given(st.floats(0, 1e8))
def test_a_duration_is_that_of_its_text(seconds):
    parts = [int(part) for part in duration(seconds).split(":")]
    assert abs(sum(part * 60**place for place, part in enumerate(reversed(parts))) - seconds) <= 0.5
    assert all(part < 60 for part in parts[1:])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_that_cannot_go_back_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    assert terminal_line(Terminal()) is not None
    monkeypatch.setenv("TERM", "dumb")
    assert terminal_line(Terminal()) is None


def test_without_a_terminal_a_long_step_prints_a_line_now_and_then(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("time.monotonic", clock)
    lines: list[Step | str] = []
    steps = Steps(lines.append)
    steps.part("session 2 of 3")
    with steps("sample"):
        for batch in range(1000):
            clock.now = batch * PLAIN_EVERY / 100
            steps.progress("both loaded", done=batch, total=1000, unit="batches")
    texts = [line for line in lines if isinstance(line, str)]
    assert texts[0] == "session 2 of 3"
    assert len(texts) == 10
    assert texts[1].startswith("sample    10%, 100 of 1000 batches")
    assert texts[1].endswith("session 2 of 3, both loaded")


def test_a_short_step_prints_nothing_but_itself():
    lines: list[Step | str] = []
    steps = Steps(lines.append)
    with steps("deploy"):
        steps.progress(done=1, total=2, unit=BYTES)
    assert [type(line) for line in lines] == [Step]


def test_a_step_within_another_has_progress_of_its_own():
    steps = Steps()
    with steps("deploy"):
        steps.progress("outer", done=1, total=2, unit=BYTES)
        with steps("recover"):
            assert steps._line(bar=False) == ""
        assert steps._line(bar=False).startswith("50%, 1 B of 2 B")
