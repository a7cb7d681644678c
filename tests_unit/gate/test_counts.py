"""The verdicts of bytes and other counts."""

from __future__ import annotations

import random

import pytest
from camrig.gate.sequential_plan import one_look
from camrig.gate.verdict import Outcome
from hypothesis import given, settings
from hypothesis import strategies as st

from tests_unit.gate.samples_under_test import counted, judge_one


@pytest.mark.parametrize("extra", [0, 1, 16, 64])
@pytest.mark.parametrize("paired", [True, False])
def test_constant_bytes_are_exact_even_from_two_values(extra, paired):
    verdict = judge_one(counted([12_512 + extra] * 2), counted([12_512] * 2), "+0 B", paired=paired, plan=one_look())
    assert verdict.outcome is (Outcome.REGRESSED if extra else Outcome.PASS)
    assert (verdict.effect.value, verdict.effect.low, verdict.effect.high) == (extra, extra, extra)
    assert "exactly" in verdict.reason


@pytest.mark.parametrize(("extra", "outcome"), [(0, "pass"), (16, "regressed")])
@pytest.mark.parametrize("paired", [True, False])
def test_a_single_count_decides_but_is_not_called_exact(extra, outcome, paired):
    verdict = judge_one(counted([64 + extra]), counted([64]), "+0 B", plan=one_look(), paired=paired)
    assert verdict.outcome.value == outcome
    assert "exactly" not in verdict.reason
    assert judge_one(counted([64 + extra]), None, "< 80 B", plan=one_look()).outcome.value == outcome


@pytest.mark.parametrize(
    ("limit", "change", "outcome"),
    [
        ("+64 B", 64, "pass"), ("+63 B", 64, "regressed"), ("+10%", 10, "pass"), ("+9.9%", 10, "regressed"),
        ("-10%", -10, "pass"), ("-9%", -10, "regressed"), ("-10%", 50, "pass"), ("-0 B", -1, "regressed"),
        ("-0 B", 0, "pass"), ("+0%", 0, "pass"), ("+0%", -5, "pass"),
        ("< 110 B", 10, "regressed"), ("<= 110 B", 10, "pass"), ("< 111 B", 10, "pass"),
        ("> 110 B", 10, "regressed"), (">= 110 B", 10, "pass"), ("> 109 B", 10, "pass"),
        ("<= 109 B", 10, "regressed"),
    ],
)  # fmt: skip
def test_limits_on_counts_are_exact_to_the_byte(limit, change, outcome):
    assert judge_one(counted([100 + change] * 3), counted([100] * 3), limit, plan=one_look()).outcome.value == outcome


@settings(max_examples=30)
@given(st.integers(1, 10_000), st.integers(-500, 500), st.integers(0, 400))
def test_an_upward_limit_and_its_mirror_image_agree(level, change, size):
    up = judge_one(counted([20_000 + change] * 2), counted([20_000] * 2), f"+{size} B").outcome
    down = judge_one(counted([level - change] * 2), counted([level] * 2), f"-{size} B").outcome
    assert up is down


def test_extra_bytes_are_found_among_varying_counts():
    draw = random.Random(3)
    sides = [
        [[12_512 + extra + 16 * (draw.random() < 0.1) for _ in range(10)] for _ in range(14)] for extra in (64, 0)
    ]
    assert judge_one(counted(*sides[0]), counted(*sides[1]), "+0 B").outcome is Outcome.REGRESSED
    same = judge_one(counted(*sides[1]), counted(*sides[1][::-1]), "+0 B")
    assert same.outcome is Outcome.PASS


RARE = [[512, 512, 4608, 512, 4608]] * 12  # 4 KB in two of five requests, which no median shows

LEVELS = [[12_000, 12_608] * 3] * 12


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("limit", ["+0 B", "+10%"])
def test_extra_bytes_in_a_few_requests_are_found(paired, limit):
    verdict = judge_one(counted(*RARE), counted(*[[512] * 5] * 12), limit, plan=one_look(), paired=paired)
    assert verdict.outcome is Outcome.REGRESSED
    assert "exactly" not in verdict.reason
    falling = counted(*[[9_000 - count for count in batch] for batch in RARE])
    mirrored = judge_one(falling, counted(*[[8_488] * 5] * 12), "-0 B", plan=one_look(), paired=paired)
    assert mirrored.outcome is Outcome.REGRESSED


def test_extra_bytes_in_a_single_request_are_inconclusive():
    once = [*[[512] * 5] * 11, [512, 512, 4608, 512, 512]]
    verdict = judge_one(counted(*once), counted(*[[512] * 5] * 12), "+0 B", plan=one_look())
    assert (verdict.outcome, verdict.effect.high) == (Outcome.INCONCLUSIVE, 4096)
    assert judge_one(counted(*once), counted(*[[512] * 5] * 12), "+4096 B", plan=one_look()).outcome is Outcome.PASS


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("candidate", "outcome"),
    [(LEVELS, "pass"), ([[12_000] * 6] * 12, "pass"), ([[12_608] * 6] * 12, "inconclusive"),
     ([[12_624] * 6] * 12, "regressed")],
)  # fmt: skip
def test_counts_that_the_baseline_reaches_too_are_not_a_regression(candidate, outcome, paired):
    verdict = judge_one(counted(*candidate), counted(*LEVELS), "+0 B", plan=one_look(), paired=paired)
    assert verdict.outcome.value == outcome
    assert "exactly" not in verdict.reason


def test_counts_that_differ_between_boots_are_judged_from_two_batches():
    boots = counted([5_000], [5_016])
    assert judge_one(boots, counted([5_016], [5_000]), "+0 B").outcome is Outcome.PASS
    assert judge_one(counted([5_040], [5_033]), boots, "+0 B").outcome is Outcome.REGRESSED
    # Two and two that vary by 16 bytes lie apart by chance in one case of six.
    assert judge_one(counted([5_032], [5_020]), boots, "+0 B").outcome is Outcome.INCONCLUSIVE
    assert (
        judge_one(counted([1], unit="n"), counted([0], unit="n"), "+0 n", paired=False).outcome is Outcome.REGRESSED
    )


def test_a_share_of_zero_is_blocked():
    verdict = judge_one(counted([5] * 3), counted([0] * 3), "+10%", plan=one_look())
    assert verdict.outcome is Outcome.BLOCKED
    assert "above zero" in verdict.reason
