"""Rates of lost exchanges: incidents, the exact test, and how often a loss must repeat."""

from __future__ import annotations

import random
from math import comb

import pytest
from camrig.measure.losses import (
    CERTAIN,
    CONTROL,
    FEWEST_REPEATS,
    REQUEST,
    ExchangeCounts,
    LossCount,
    certainly_exceeds,
    excess,
    loss_sentence,
    means_little,
    repeats_to_blame,
)
from hypothesis import given
from hypothesis import strategies as st


def rate(lost, total):
    return LossCount(lost, total, lost)


@pytest.mark.parametrize(
    ("requests", "controls", "certain"),
    [
        (rate(0, 1000), rate(0, 0), False),
        (rate(1, 1000), rate(0, 400), False),
        (rate(1000, 1000), rate(0, 0), False),  # nothing to compare with
        (rate(40, 1000), rate(16, 400), False),
        (rate(20, 1000), rate(60, 400), False),
        (rate(46, 2310), rate(0, 790), True),  # every 50th
        (rate(12, 48), rate(0, 48), True),
        (rate(4, 48), rate(0, 48), False),
        (LossCount(60, 1000, 1), rate(0, 400), False),  # one outage, whatever it cost
    ],
)
def test_only_a_certain_excess_counts(requests, controls, certain):
    assert certainly_exceeds(requests, controls) is certain


@given(st.integers(0, 12), st.integers(0, 40), st.integers(0, 12), st.integers(0, 40))
def test_excess_is_the_tail_of_the_hypergeometric_distribution(lost, answered, lost_controls, answered_controls):
    requests, controls = rate(lost, lost + answered), rate(lost_controls, lost_controls + answered_controls)
    both = lost + lost_controls
    below = sum(comb(requests.total, i) * comb(controls.total, both - i) for i in range(lost))
    assert excess(requests, controls) == pytest.approx(1 - below / comb(requests.total + controls.total, both))


def test_a_network_that_loses_both_alike_is_hardly_ever_blamed():
    rng = random.Random(7)
    blamed = 0
    for _ in range(3000):
        share = rng.choice((0.001, 0.01, 0.05, 0.2))
        lost = [sum(rng.random() < share for _ in range(n)) for n in (400, 150)]
        blamed += certainly_exceeds(rate(lost[0], 400), rate(lost[1], 150))
    assert blamed <= 3 * 3000 * CERTAIN


def test_losses_of_one_outage_are_one_incident():
    counts = ExchangeCounts()
    counts.answered(REQUEST)
    for start in range(8):  # clients at once, whose losses overlap
        counts.lost(REQUEST, "timeout", start, 20)
    counts.lost(CONTROL, "timeout", 21, 22)
    counts.lost(REQUEST, "timeout", 22, 23)
    counts.answered(CONTROL)
    counts.lost(REQUEST, "reset", 22.5, 24)  # began in the outage
    assert counts.count([REQUEST]) == LossCount(10, 11, 1)
    assert counts.count([CONTROL]) == LossCount(1, 2, 1)
    assert counts.count([REQUEST]).trials == 2
    counts.answered(CONTROL)
    counts.lost(REQUEST, "reset", 25, 26)
    assert counts.count([REQUEST]).incidents == 2
    assert counts.count([REQUEST, CONTROL]) == LossCount(12, 15, 3)
    assert counts.causes() == {REQUEST: {"timeout": 9, "reset": 2}, CONTROL: {"timeout": 1}}


@given(st.integers(1, 10000), st.integers(0, 200), st.integers(0, 2000))
def test_a_lossy_network_needs_more_repeats_before_a_blame(requests, lost, answered):
    repeats = repeats_to_blame(rate(0, requests), rate(lost, lost + answered))
    assert FEWEST_REPEATS <= repeats <= repeats_to_blame(rate(0, requests), rate(lost + 1, lost + 1 + answered))


def test_repeats_are_few_once_controls_have_shown_a_good_network():
    assert repeats_to_blame(rate(1, 1000), rate(0, 400)) == FEWEST_REPEATS
    assert repeats_to_blame(rate(50, 1000), rate(20, 400)) > FEWEST_REPEATS


def test_losses_in_words_and_when_they_are_too_many():
    assert loss_sentence(rate(3, 1066), rate(1, 420)) == "3 of 1,066 requests lost, 1 of 420 controls"
    assert not means_little(rate(3, 10))
    assert not means_little(rate(50, 1000))
    assert means_little(rate(51, 1000))
