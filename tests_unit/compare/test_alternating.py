"""Pairs of boots of two sides, judged as interleaved batches are; sessions of two firmwares, judged as days are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from camrig.compare.alternating import AlternatingSession
from camrig.compare.firmware_ab import SCHEDULE, FirmwareSession
from camrig.errors import BaselineError
from camrig.gate.limits import parse_limits
from camrig.gate.provenance import FIRMWARE
from camrig.gate.verdict import Outcome

from tests_unit.compare.simulated_boots import COUNT, PROVENANCE, TIME, SimulatedBoots

LIMITS = parse_limits({TIME: "+10%", COUNT: "+0 B"})
FACTS = {"a": {"app.x": 1}, "b": {"app.x": 2}}
RUNS = 40


def alternating(boots, **options):
    session = AlternatingSession(boots, LIMITS, ("app.x",), FACTS, seconds=1e9, **options)
    session.run()
    return session


def of_firmware(boots, **options):
    session = FirmwareSession(boots, LIMITS, FACTS, **options)
    session.run()
    return session


def outcomes(session):
    return {metric.metric: metric.outcome for metric in session.comparison().decide().metrics}


@pytest.mark.parametrize("run", [alternating, of_firmware])
def test_equal_sides_do_not_regress(run):
    spreads = (0.1, 0.02, 0.02)
    verdicts = [outcomes(run(SimulatedBoots(seed=seed, spreads=spreads)))[TIME] for seed in range(RUNS)]
    assert Outcome.REGRESSED not in verdicts
    assert verdicts.count(Outcome.PASS) > RUNS / 2


@pytest.mark.parametrize("run", [alternating, of_firmware])
@pytest.mark.parametrize(("slower", "extra", "regressed"), [(0.4, 0, {TIME}), (0, 16, {COUNT}), (-0.3, -16, set())])
def test_a_side_that_is_worse_regresses(run, slower, extra, regressed):
    session = run(SimulatedBoots(slower, extra))
    assert {name for name, outcome in outcomes(session).items() if outcome is Outcome.REGRESSED} == regressed
    assert session.comparison().decide().exit_code == (1 if regressed else 0)


@pytest.mark.parametrize("run", [alternating, of_firmware])
def test_a_steady_drift_is_not_taken_for_a_difference(run):
    assert outcomes(run(SimulatedBoots(drift=0.01)))[TIME] is not Outcome.REGRESSED


def test_sides_take_turns_in_beginning_and_the_seed_says_which_begins():
    orders = {alternating(SimulatedBoots(), pairs=4, seed=seed).orders[0] for seed in range(8)}
    assert orders == {"ab", "ba"}
    boots = SimulatedBoots()
    session = alternating(boots, pairs=4)
    assert session.orders == [session.orders[0], session.orders[0][::-1]] * 2
    assert "".join(boots.sides) == "".join(session.orders)


def test_time_ends_the_pairs_and_few_are_inconclusive():
    session = AlternatingSession(SimulatedBoots(0.4), LIMITS, ("app.x",), FACTS, seconds=0)
    session.run()
    assert len(session.orders) == 1
    assert outcomes(session) == {TIME: Outcome.INCONCLUSIVE, COUNT: Outcome.PASS}


def test_pairs_end_at_a_look_that_is_red():
    assert len(alternating(SimulatedBoots(extra=16, spreads=(0.1, 0.4, 0))).orders) == 12


def test_a_bad_radio_is_seen_although_all_of_one_side_is_slow():
    session = alternating(SimulatedBoots(3.0, bad_radio=(4, 5, 9)), pairs=20)
    verdict = {metric.metric: metric for metric in session.comparison().decide().metrics}[TIME]
    assert verdict.outcome is Outcome.REGRESSED
    assert 0 < verdict.candidate.bad <= 3


def test_what_is_not_compared_may_not_differ():
    boots = SimulatedBoots(provenances={"a": replace(PROVENANCE, power_save=1), "b": PROVENANCE})
    session = alternating(boots, pairs=2)
    comparison = session.comparison()
    assert comparison.subjects == ("different settings of app.x: 1 and 2",)
    with pytest.raises(BaselineError, match="different Wi-Fi power-save modes: 1 and 0"):
        comparison.decide()
    session.compared = ("app.x", "power_save")
    assert session.comparison().decide()
    session.compared = ("power_save",)
    with pytest.raises(BaselineError, match=r"different settings of app\.x"):
        session.comparison().decide()


@pytest.mark.parametrize(("demanded", "outcome"), [(True, Outcome.BLOCKED), (False, None)])
def test_what_cannot_be_measured_blocks_where_it_is_demanded(demanded, outcome):
    session = alternating(SimulatedBoots(missing={TIME: "no route"}), pairs=12, demanded=demanded)
    assert outcomes(session).get(TIME) is outcome
    assert outcomes(session)[COUNT] is Outcome.PASS


def test_each_half_of_the_schedule_of_firmwares_has_two_sessions_of_each():
    assert SCHEDULE[0] == "b"
    assert all(half.count("a") == half.count("b") == 2 for half in (SCHEDULE[:4], SCHEDULE[4:]))
    for power in (1, 2):  # so that neither an even drift nor one that grows has an effect
        assert sum(number**power * (1 if side == "a" else -1) for number, side in enumerate(SCHEDULE)) == 0


def test_sessions_that_differ_as_much_as_the_firmwares_rarely_decide():
    spreads = (0.02, 0.005, 0.15)
    sessions = [of_firmware(SimulatedBoots(0.12, seed=seed, spreads=spreads)) for seed in range(RUNS)]
    answers = [outcomes(session)[TIME] for session in sessions]
    assert answers.count(Outcome.INCONCLUSIVE) >= 0.8 * RUNS


@pytest.mark.parametrize("schedule", ["ba", "baab"])
def test_fewer_than_three_sessions_are_inconclusive_in_times(schedule):
    session = of_firmware(SimulatedBoots(2.0), schedule=schedule)
    assert outcomes(session) == {TIME: Outcome.INCONCLUSIVE, COUNT: Outcome.PASS}
    assert session.comparison().decide().exit_code == 7


def test_facts_of_firmware_may_differ_between_firmwares_and_nothing_else():
    newer = replace(PROVENANCE, firmware="1.27.0", build="v1.27.0", mpy="6.4", machine="ESP32 of ours")
    boots = SimulatedBoots(provenances={"a": newer, "b": PROVENANCE})
    session = of_firmware(boots, schedule="ba")
    assert len(session.comparison().subjects) == len(FIRMWARE) + 1
    session.comparison().decide()
    boots.provenances["a"] = replace(newer, power_save=1)
    with pytest.raises(BaselineError, match="power-save"):
        session.comparison().decide()
