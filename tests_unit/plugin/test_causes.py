"""One fault that many tests found is one line at the end of a run."""

from __future__ import annotations

from camrig.plugin.causes import causes

MISSING = "Allow-Origin is missing where 'https://a.example' is expected"
MISSING_FOR_B = "Allow-Origin is missing where 'https://b.example' is expected"
NO_VARY = "Vary is missing where 'Origin' is expected"

SUITE = """
import pytest

class Mismatch(AssertionError):
    differences = ["the moon is missing where one is expected"]

@pytest.mark.parametrize("night", range(3))
def test_moon(dut, night):
    raise Mismatch("a long story")

def test_sun(dut):
    assert 1 == 2

def test_passes(dut):
    pass
"""


def test_tests_that_found_the_same_are_one_line():
    findings = {"a": [MISSING, NO_VARY], "b": [MISSING_FOR_B], "c": [NO_VARY, MISSING], "d": ["assert 1 == 2"]}
    assert causes(findings) == [f"3 tests: {MISSING} (and 1 more of that kind)", "1 test: assert 1 == 2"]


def test_test_is_counted_where_most_others_are():
    findings = {"a": [NO_VARY, MISSING], "b": [MISSING], "c": [MISSING], "d": [NO_VARY]}
    assert causes(findings) == [f"3 tests: {MISSING}", f"1 test: {NO_VARY}"]


def test_causes_are_the_last_thing_that_a_run_prints(crash):
    ended = crash(SUITE)
    assert ended.code == 1, ended.out
    summary = ended.out.rpartition("what the 4 failed tests found")[2].splitlines()
    assert summary[1] == "3 tests: the moon is missing where one is expected"
    assert summary[2] == "1 test: assert 1 == 2"
    assert "4 failed, 1 passed" in summary[3]


def test_one_failed_test_needs_no_summary(crash):
    ended = crash("def test_fails(dut):\n    assert 1 == 2\n")
    assert ended.code == 1, ended.out
    assert "failed tests found" not in ended.out
