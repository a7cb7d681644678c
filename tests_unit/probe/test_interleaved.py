"""Batches of two libraries in turns: how many exchanges of each kind, in which order, through which side."""

from __future__ import annotations

from collections import Counter

import pytest
from camrig.errors import ServerSilentError
from camrig.probe.client import Phases
from camrig.probe.interleaved import (
    CONTROL,
    CONTROLS,
    FIRST_KINDS,
    LATER_ROUNDS,
    ROUNDS,
    SIDES,
    InterleavedSampler,
)
from camrig.probe.request_kinds import REQUEST_KINDS
from camrig.probe.sampling import TCP_ECHO, WITHOUT_CORS

SETS = [
    REQUEST_KINDS,
    REQUEST_KINDS[:1],
    REQUEST_KINDS[1:3],
    [kind for kind in REQUEST_KINDS if kind.name not in FIRST_KINDS],
    [],
]


def take(kinds, seed=0, echo=True):
    sampler = InterleavedSampler(
        lambda side, kind: Phases(1, 2, 3, 0.5), echo=(lambda: Phases(1, 2, 3)) if echo else None, seed=seed
    )
    return sampler.batch(kinds)


@pytest.mark.parametrize("kinds", SETS, ids=lambda kinds: " ".join(kind.name for kind in kinds) or "none")
@pytest.mark.parametrize("echo", [True, False])
def test_a_batch_has_the_stated_number_of_each_exchange(kinds, echo):
    batch = take(kinds, echo=echo)
    expected = Counter({(CONTROL, WITHOUT_CORS): ROUNDS})
    if echo:
        expected[CONTROL, TCP_ECHO] = ROUNDS
    for kind in kinds:
        expected[CONTROL, kind.name] = CONTROLS
        for side in SIDES:
            expected[side, kind.name] = ROUNDS if kind.name in FIRST_KINDS else LATER_ROUNDS
    assert Counter(batch.order) == expected
    assert {turn: len(phases) for turn, phases in batch.phases.items()} == expected


def test_both_sides_of_a_kind_are_in_the_same_rounds():
    order = [turn for turn in take(REQUEST_KINDS).order if turn[0] != CONTROL]
    for kind in REQUEST_KINDS:
        sides = [side for side, name in order if name == kind.name]
        for start in range(0, len(sides), 2):
            assert set(sides[start : start + 2]) == set(SIDES)


def test_later_kinds_come_after_the_first_ones():
    names = [name for side, name in take(REQUEST_KINDS).order if side != CONTROL]
    first = [name in FIRST_KINDS for name in names]
    assert first == sorted(first, reverse=True)


def test_the_order_depends_on_the_seed_alone():
    orders = [take(REQUEST_KINDS, seed).order for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


def test_a_lost_exchange_ends_the_batch():
    def lose(side, kind):
        raise ServerSilentError("no answer")

    with pytest.raises(ServerSilentError):
        InterleavedSampler(lose).batch(REQUEST_KINDS)
