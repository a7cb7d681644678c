"""The measurement of the rig's own share, on few rounds."""

from __future__ import annotations

import re

from camrig.probe.overhead import Overhead, measure_overhead


def test_probe_and_bare_loop_are_measured_in_turn():
    overhead = measure_overhead(20)
    assert len(overhead.probe) == len(overhead.bare) == 20
    assert min(overhead.probe + overhead.bare) > 0


def test_ratio_and_difference_are_of_the_medians():
    overhead = Overhead((2.0, 3.0, 90.0), (1.0, 2.0, 80.0))
    assert (overhead.ratio, overhead.ms) == (1.5, 1.0)


def test_benchmark_prints_its_ratio_and_leaves_no_process(run):
    ended = run("benchmarks.probe_overhead", "--rounds", "20")
    assert re.search(r"ratio +\d\.\d+ +\(limit 1.15, 20 rounds\)", ended.out)
    assert ended.left_running() == []
