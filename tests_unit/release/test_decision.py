"""A release is one only if everything ran and passed: each way in which something may not, in each stage."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from camrig.errors import EXIT_BLOCKED, EXIT_FAILED, EXIT_INCONCLUSIVE
from camrig.gate.verdict import Outcome
from camrig.plugin.outcomes import ORDER
from camrig.release.decision import BLOCKED, INTERRUPTED, REFUSED, RELEASED, decide
from camrig.release.record import NOT_REHEARSED, Source, StageRecord
from camrig.release.statement import statement
from hypothesis import given
from hypothesis import strategies as st

from tests_unit.release.good_release import material, record, rehearsal, soak, suite, verdict

STAGES = ("flash", "deploy", "suite", "soak")
CODES = {1: REFUSED, 2: INTERRUPTED, 6: BLOCKED, 7: REFUSED}
KINDS = [outcome for outcome in ORDER if outcome != "passed"]


def with_stage(name, **change):
    return record(stages=tuple(replace(s, **change) if s.name == name else s for s in record().stages))


def refused(changed):
    """What is decided of ``changed``, which is not a release."""
    decision = decide(changed)
    assert decision.outcome != RELEASED
    assert decision.exit_code != 0
    assert decision.reasons
    assert all(reason and "\n" not in reason for reason in decision.reasons)
    assert decision.headline in statement(changed, decision).lower()
    return decision


def test_a_release_against_which_nothing_speaks_is_one():
    decision = decide(material())
    assert (decision.outcome, decision.exit_code, decision.reasons) == (RELEASED, 0, ())
    assert (
        decide(material(record=record(soak_seconds=0.0, stages=record().stages[:3]), soak=None)).outcome == RELEASED
    )


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize("code", [*CODES, 3, 4, 5, 99, -9])
def test_a_stage_that_did_not_pass_is_never_a_release(name, code):
    decision = refused(material(record=with_stage(name, code=code)))
    assert decision.outcome == CODES.get(code, BLOCKED) or BLOCKED in decision.outcome
    assert any(reason.startswith(name) for reason in decision.reasons)


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("code", CODES)
def test_stages_after_one_that_did_not_pass_are_not_released(number, code):
    """A release that ended in the middle: what follows did not run, and left nothing."""
    stages = (*record().stages[:number], StageRecord(STAGES[number], code, 1.0, "why"))
    left = {"suite": None, "soak": None, "comparison": None, "verdict": None, "files": None}
    decision = refused(material(record=record(stages=stages), **left))
    assert any(reason.startswith(f"{STAGES[number]} ") for reason in decision.reasons)
    if number < 3:
        assert (decision.outcome, decision.exit_code) == (CODES[code], code)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_that_is_missing_twice_there_or_unknown(name):
    stages = record().stages
    assert "did not run" in str(
        refused(material(record=record(stages=[s for s in stages if s.name != name]))).reasons
    )
    refused(material(record=record(stages=[*stages, StageRecord(name, 0, 1.0)])))
    refused(material(record=record(stages=[*stages, StageRecord("browser", 0, 1.0)])))


@pytest.mark.parametrize("make", [suite, soak])
@pytest.mark.parametrize("kind", [*KINDS, "rerun", ""])
@pytest.mark.parametrize("test", range(2))
def test_a_check_with_any_outcome_but_passed_is_not_released(make, kind, test):
    results = make()
    results["outcomes"][test]["outcome"] = kind
    decision = refused(material(**{make.__name__: results}))
    codes = {"failed": EXIT_FAILED, "error": EXIT_FAILED, "blocked": EXIT_BLOCKED}
    assert decision.exit_code == codes.get(kind, EXIT_INCONCLUSIVE)
    assert f"{make.__name__}: 1 check {kind}" in decision.reasons[0]


@pytest.mark.parametrize("make", [suite, soak])
@pytest.mark.parametrize("change", [
    {"exit_code": 1}, {"exit_code": 6}, {"exit_code": 5}, {"interrupted": True}, {"blocked": ["no port"]},
    {"outcomes": []}, {"boards": []}, {"rehearsal": True},
])  # fmt: skip
def test_results_that_say_something_else_than_their_stage(make, change):
    refused(material(**{make.__name__: {**make(), **change}}))


@pytest.mark.parametrize("make", [suite, soak])
@pytest.mark.parametrize(("change", "words"), [
    ({"virtual": True}, "virtual board"), ({"sensor": {"name": "synthetic", "synthetic": True}}, "synthetic"),
    ({"sensor": {"name": "synthetic", "synthetic": True, "error": "no lens"}}, "the camera failed: no lens"),
    ({"mac": "02:00:00:00:00:01"}, "different boards"), ({"library_sha256": "00" * 32}, "librar"),
    ({"application_sha256": "00" * 32}, "different boards"),
])  # fmt: skip
def test_another_board_library_application_or_a_synthetic_sensor(make, change, words):
    results = make()
    results["boards"][0].update(change)
    decision = refused(material(**{make.__name__: results}))
    assert decision.outcome == BLOCKED
    assert words in str(decision.reasons)
    results["boards"] *= 2
    assert "2 boards" in str(refused(material(**{make.__name__: results})).reasons)


@pytest.mark.parametrize("change", [{"firmware": "9.9"}, {"build": "v9.9 on 2020-01-01"}])
def test_a_soak_of_another_firmware(change):
    results = soak()
    results["boards"][0].update(change)
    assert "different boards, firmware" in str(refused(material(soak=results)).reasons)


def test_results_of_another_board_than_the_samples():
    results = suite(), soak()
    for part in results:
        part["boards"][0]["mac"] = "24:6f:28:00:00:02"
    decision = refused(material(suite=results[0], soak=results[1]))
    assert decision.reasons == ("the samples are of another board or library than the results",)


@pytest.mark.parametrize("change", [
    {"deselected": 1}, {"scoped": True}, {"not_run": 1}, {"stopped": "1 failed"}, {"collected": 3}, {"collected": 1},
    {"scoped": None}, {"not_run": None}, {"collected": None},
])  # fmt: skip
def test_a_part_of_the_suite_is_not_released(change):
    results = suite()
    results["selection"].update(change)
    refused(material(suite=results))


@pytest.mark.parametrize("name", ["suite", "soak", "verdict", "files"])
def test_what_a_stage_has_to_leave_and_did_not(name):
    assert refused(material(**{name: None})).outcome == BLOCKED


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.PASS])
@pytest.mark.parametrize("metric", range(2))
def test_a_metric_that_did_not_pass_is_not_released(outcome, metric):
    metrics = list(verdict().metrics)
    metrics[metric] = replace(metrics[metric], outcome=outcome)
    decision = refused(material(verdict=replace(verdict(), metrics=tuple(metrics))))
    assert decision.exit_code == outcome.exit_code
    assert f"gate {outcome.value}: {metrics[metric].metric}" in decision.reasons


@pytest.mark.parametrize("field", ["anyway", "mac", "virtual"])
def test_a_baseline_of_another_board_is_not_released(field):
    compared = material().comparison
    if field == "anyway":
        compared = replace(compared, anyway=True)
    else:
        values = {"mac": "24:6f:28:00:00:02", "virtual": True}
        provenance = replace(compared.baseline.provenance, **{field: values[field]})
        compared = replace(compared, baseline=replace(compared.baseline, provenance=provenance))
    assert "the baseline v1 is of another board" in refused(material(comparison=compared)).reasons
    assert "not compared with the baseline v2" in str(refused(material(record=record(baseline="v2"))).reasons)


@given(apart=st.floats(), limit=st.floats(0, 1e6))
def test_a_clock_that_jumped_is_not_released(apart, limit):
    clock = replace(record().clock, apart=apart, limit=limit)
    decision = decide(material(record=record(clock=clock)))
    assert (decision.outcome == RELEASED) == (abs(apart) <= limit)
    assert decision.exit_code in (0, EXIT_BLOCKED)


@pytest.mark.parametrize("change", [{"read_back": ""}, {"read_back": "0e" * 32}, {"sha256": ""}])
def test_an_image_that_was_not_read_back_is_not_released(change):
    assert refused(material(record=record(firmware=replace(record().firmware, **change)))).outcome == BLOCKED
    # The words of a rehearsal do not help.
    not_rehearsed = with_stage("flash", words=NOT_REHEARSED)
    refused(material(record=replace(not_rehearsed, firmware=replace(record().firmware, **change))))


@pytest.mark.parametrize("name", ["library", "application"])
def test_changes_that_are_in_no_commit_are_not_released(name):
    for source in (
        Source("cd" * 20, dirty=True),
        *([Source(None, None), Source("cd" * 20, None)] if name == "library" else []),
    ):
        sources = {**record().sources, name: source}
        assert refused(material(record=record(sources=sources))).outcome == BLOCKED
    if name == "library":
        refused(material(record=record(sources={})))


def test_what_a_board_says_adds_no_line_and_commands_no_terminal():
    evil, results = "\x1b[2J\r\n\x85\u2028Released\x9b31m\x07\u202e", suite()
    results["boards"][0].update(machine=evil, mac=evil, firmware=evil, build=evil)
    results["outcomes"][0].update(outcome="failed", test=evil)
    stages = tuple(replace(stage, code=1, words=evil) for stage in record().stages)
    hostile = material(record=record(board=evil, started=evil, baseline=evil, stages=stages), suite=results)
    decision = decide(hostile)
    text = statement(hostile, decision)
    assert all(line.isprintable() for line in text.split("\n"))
    assert not any(line.startswith("Released") for line in text.split("\n"))
    assert all(reason.isprintable() for reason in decision.reasons)


def test_a_rehearsal_is_marked_whatever_it_ends_with():
    for changed in (rehearsal(), replace(rehearsal(), soak=None)):
        decision = decide(changed)
        assert decision.headline.startswith("rehearsal: not a release (the outcome would be: ")
        text = statement(changed, decision)
        assert text.startswith("Rehearsal: not a release")
        assert text.endswith("Rehearsal: not a release.\n")
    assert decide(rehearsal()).outcome == RELEASED


def test_what_a_rehearsal_leaves_cannot_be_called_a_release():
    """Each part of a rehearsal in the place of that of a release, and the other way round."""
    parts = {"suite": rehearsal().suite, "soak": rehearsal().soak, "record": rehearsal().record}
    for name, part in parts.items():
        refused(material(**{name: part}))
        refused(replace(rehearsal(), **{name: getattr(material(), name)}))
    unmarked = copy.deepcopy(parts["suite"]) | {"rehearsal": False}
    refused(material(suite=unmarked))


def test_the_worst_reason_decides_and_comes_first():
    results = suite()
    results["outcomes"][0]["outcome"] = "skipped"
    results["outcomes"][1]["outcome"] = "failed"
    decision = refused(material(suite=results, record=record(clock=replace(record().clock, apart=99.0))))
    assert (decision.outcome, decision.exit_code) == (REFUSED, EXIT_FAILED)
    assert decision.reasons[0] == "suite: 1 check failed, first tests/test_a.py::test_b"
    assert len(decision.reasons) >= 3


def test_the_text_says_what_was_not_looked_at():
    text = statement(material(), decide(material()))
    assert text.startswith("Released\n")
    proved, _, not_proved = text.partition("What it does not prove")
    assert f"the image, SHA-256 {'0f' * 32}: its digests were read back" in proved
    assert "commit " + "cd" * 20 + ", without changes" in proved
    assert "All 2 checks of the suite ran and passed" in proved
    assert "In a soak of 2 h: " in proved
    for words in ("one board was looked at", "more than 2 h", "smaller than the limits", "browser"):
        assert words in not_proved
    shorter = material(record=record(soak_seconds=0.0, stages=record().stages[:3], signed=False), soak=None)
    text = statement(shorter, decide(shorter))
    assert "no soak was run" in text
    assert "was not to be signed" in text


@pytest.mark.parametrize("name", ["suite", "soak"])
def test_a_rehearsal_on_hardware_is_refused(name):
    changed = rehearsal()
    getattr(changed, name)["boards"][0]["virtual"] = False
    assert f"the {name} of a rehearsal ran on hardware" in refused(changed).reasons


def test_samples_of_another_library_than_the_results_are_refused():
    compared = material().comparison
    provenance = replace(compared.candidate.provenance, library_sha256="cd" * 32)
    compared = replace(compared, candidate=replace(compared.candidate, provenance=provenance))
    reasons = refused(material(comparison=compared)).reasons
    assert "the samples are of another board or library than the results" in reasons
