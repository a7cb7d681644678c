"""The log of a console: its end is kept, with positions and times that stay right."""

from __future__ import annotations

from camrig.board.console import Console
from camrig.board.console_excerpt import around_the_sign
from camrig.board.console_log import BYTES_AROUND, PART_BYTES, ConsoleLog
from hypothesis import given
from hypothesis import strategies as st

PARTS = st.lists(st.tuples(st.floats(0, 2), st.binary(max_size=60)), max_size=40)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def fed(parts, most):
    """A log of those parts, and the moment at which each byte came."""
    clock = Clock()
    log, times, data = ConsoleLog(most, clock), [], b""
    for seconds, chunk in parts:
        clock.now += seconds
        log.feed(chunk)
        times += [clock.now] * len(chunk)
        data += chunk
    return log, times, data


@given(PARTS, st.integers(1, 200))
def test_the_last_bytes_are_kept(parts, most):
    log, _, data = fed(parts, most)
    assert log.data == data[max(0, len(data) - most) :]
    assert (log.total, log.left_out) == (len(data), max(0, len(data) - most))


@given(PARTS, st.integers(1, 200), st.integers(0, 2500))
def test_what_is_around_a_position_is_before_it_and_behind_it(parts, most, position):
    log, _, data = fed(parts, most)
    before, after = log.around(position)
    if before or after:
        assert data[:position].endswith(before)
        assert data[position:].startswith(after)
        assert before == data[max(0, log.left_out, position - BYTES_AROUND) : position]
        assert after == data[position : position + BYTES_AROUND]
    else:
        assert not log.left_out <= position <= len(data) or not log.data


@given(PARTS, st.floats(0, 90))
def test_a_moment_has_the_position_that_the_output_had(parts, at):
    log, times, _ = fed(parts, 1 << 20)
    exact = sum(time <= at for time in times)
    assert log.position(at) - exact >= 0  # a part counts as a whole from its first byte on
    late = [time for time in times[exact : log.position(at)] if time > at + 0.25]
    assert late == []


def test_a_long_stream_is_kept_in_few_parts():
    clock = Clock()
    log = ConsoleLog(100_000, clock)
    for number in range(50_000):
        log.feed(b"%05d " % number)
    assert log.data.endswith(b"49999 ")
    assert len(log.data) == 100_000
    assert len(log._parts) <= 100_000 // PART_BYTES + 2


def test_a_console_shows_the_lines_around_a_mark_without_secrets():
    console = Console(secrets=["hunter2hunter2"])
    console.feed(b"".join(b"line %d\n" % number for number in range(50)))
    mark = console.mark()
    console.feed(b"password hunter2hunter2\n" + b"".join(b"line %d\n" % number for number in range(50, 90)))
    assert console.around(2, mark=mark).split("\n") == ["line 48", "line 49", "password ***", "line 50"]
    text, left_out = console.log()
    assert (text.count("\n"), left_out) == (91, 0)
    assert "hunter2" not in text


TRACEBACK = ["Traceback (most recent call last):", '  File "main.py", line 3', "ValueError: no such lens"]


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 30))
def test_the_lines_that_matter_show_the_last_sign(before, after, count):
    lines = [f"before {number}" for number in range(before)] + TRACEBACK + [f"after {n}" for n in range(after)]
    shown = around_the_sign("\n".join(lines), count).split("\n")
    assert len(shown) == min(count, len(lines))
    assert TRACEBACK[0] in shown
    start = lines.index(shown[0])
    assert lines[start : start + len(shown)] == shown


@given(st.lists(st.sampled_from(["a", "b", ""]), min_size=1, max_size=60))
def test_without_a_sign_the_last_lines_matter(lines):
    text = "\n".join(lines).strip("\n")
    assert around_the_sign("\n".join(lines), 20) == "\n".join(text.split("\n")[-20:])


def test_a_crash_matters_above_a_traceback():
    lines = [*TRACEBACK, *["line"] * 30, "Guru Meditation Error: Core 1 panic'ed", *["dump"] * 30, *TRACEBACK]
    shown = around_the_sign("\n".join(lines), 20)
    assert "Guru Meditation" in shown
    assert "ValueError" not in shown
