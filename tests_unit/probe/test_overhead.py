"""The bench for the rig's own share, on few rounds: it runs, it counts, it ends."""

from __future__ import annotations

import re

from camrig.probe.overhead import Overhead, overhead


def test_both_ways_are_measured_in_turn():
    found = overhead(20)
    assert len(found.probe) == len(found.bare) == 20
    assert min(found.probe + found.bare) > 0


def test_ratio_and_difference_are_of_the_medians():
    found = Overhead((2.0, 3.0, 90.0), (1.0, 2.0, 80.0))
    assert (found.ratio, found.ms) == (1.5, 1.0)


def test_the_bench_prints_its_ratio_and_leaves_nothing_running(run):
    ended = run("benchmarks.probe_overhead", "--rounds", "20")
    assert re.search(r"ratio +\d\.\d+ +\(limit 1.15, 20 rounds\)", ended.out)
    assert ended.left_running() == []
