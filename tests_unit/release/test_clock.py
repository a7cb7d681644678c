"""A clock that jumps is found, also when it jumps back; one that drifts as clocks do is not."""

from __future__ import annotations

from camrig.release.clock import LIMIT, SHARE, ClockWatch
from hypothesis import given
from hypothesis import strategies as st

moments = st.lists(st.tuples(st.floats(0.001, 1e5), st.floats(-1, 1)), min_size=1, max_size=10)


class Clocks:
    def __init__(self):
        self.steady, self.wall = 1000.0, 1.7e9


@given(moments)
def test_a_clock_within_its_limit_has_not_jumped(steps):
    clocks = Clocks()
    watch = ClockWatch(lambda: clocks.wall, lambda: clocks.steady)
    begin = clocks.steady, clocks.wall
    for seconds, share in steps:
        clocks.steady += seconds
        clocks.wall = begin[1] + (clocks.steady - begin[0]) + share * LIMIT * 0.99
        course = watch.look()
        assert not course.jumped
    assert course.limit >= LIMIT


@given(st.floats(1, 1e6), st.floats(1.01, 1e3), st.sampled_from([-1, 1]), st.booleans())
def test_a_jump_is_kept_also_after_a_jump_back(seconds, times, sign, back):
    clocks = Clocks()
    watch = ClockWatch(lambda: clocks.wall, lambda: clocks.steady)
    jump = sign * times * (LIMIT + SHARE * 2 * seconds)
    clocks.steady += seconds
    clocks.wall += seconds + jump
    assert watch.look().jumped
    clocks.steady += seconds
    clocks.wall += seconds - (jump if back else 0)
    course = watch.look()
    assert course.jumped
    assert abs(course.apart - jump) < 0.01
