"""What a soak ends with, and what it says first."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from camrig.measure.recorder import Recorder
from camrig.report.answers import leak
from camrig.soak.outcome import checks, correct, counts, exit_code, in_a_sentence
from camrig.soak.session import Incident

CRASH = Incident(3700, "the firmware crashed (Guru Meditation)", failed=True)
POWER = Incident(60, "the supply voltage fell too low", failed=False)


def slopes(*rises: float):
    """Metrics with a slope for each rise, in bytes a request."""
    recorder = Recorder()
    for number, rise in enumerate(rises):
        points = range(0, 600, 10)
        recorder.record(f"soak.heap{number}.leak_slope", [rise * x for x in points], "B/request", at=points)
    return recorder.metrics


@pytest.mark.parametrize(
    ("wrong", "incidents", "lost", "rises", "code", "words"),
    [
        ({}, [], "", [0], 0, "Correct: all 500 answers were right, and the application stayed up."),
        ({}, [CRASH], "", [0], 1, "Not correct: the firmware crashed (Guru Meditation)."),
        ({}, [CRASH, CRASH], "", [0], 1, "Not correct: the firmware crashed (Guru Meditation) (2 incidents)."),
        ({}, [POWER], "", [0], 6, "Not decided: the supply voltage fell too low."),
        ({}, [POWER, CRASH], "", [0], 1, "Not correct: the firmware crashed (Guru Meditation)."),
        ({"preflight": (3, "a preflight: status 500")}, [], "", [0], 1,
         "Not correct: a preflight: status 500 (3 answers)."),
        ({}, [], "9 of 90 requests lost", [0], 1, "Not correct: 9 of 90 requests lost."),
        ({}, [], "", [0, 16], 1, "Correct: all 500 answers were right, and the application stayed up."),
        ({}, [], "", [], 7, "Correct: all 500 answers were right, and the application stayed up."),
        ({}, [POWER], "", [16], 1, "Not decided: the supply voltage fell too low."),
    ],
)  # fmt: skip
def test_the_gravest_check_decides(wrong, incidents, lost, rises, code, words):
    made = checks(["preflight", "control"], wrong, incidents, lost, slopes(*rises))
    assert exit_code(made, interrupted=False) == code
    assert correct(made, 500) == words
    assert exit_code(made, interrupted=True) == 2
    assert sum(counts(made).values()) == 6


def test_a_short_soak_takes_a_few_steps_of_a_table_for_no_leak():
    """Readings vary by what was asked last; a table grew twice, at any moment."""
    random = Random(7)
    outcomes = Counter()
    for _ in range(20):
        rounds = random.randint(30, 80)
        steps = [(random.random() * rounds, random.choice((512, 736))) for _ in range(2)]
        heap = [
            random.choice((-224, -160, 0, 64, 288)) + sum(size for at, size in steps if at < x) for x in range(rounds)
        ]
        recorder = Recorder()
        recorder.record("soak.heap.leak_slope", heap, "B/request", at=range(rounds))
        made = checks(["preflight"], {}, [], "", recorder.metrics)
        outcomes[exit_code(made, interrupted=False)] += 1
        assert "Leak: soak" not in leak(recorder.metrics)
    assert outcomes[1] == 0
    assert outcomes[7] > 0


@pytest.mark.parametrize(("rise", "rounds", "code"), [(14, 74, 7), (14, 160, 1), (500, 40, 1), (2, 74, 7)])
def test_a_rise_is_a_leak_once_it_is_more_than_steps(rise, rounds, code):
    recorder = Recorder()
    recorder.record("soak.heap.leak_slope", [rise * x for x in range(rounds)], "B/request", at=range(rounds))
    made = checks(["preflight"], {}, [], "", recorder.metrics)
    assert exit_code(made, interrupted=False) == code
    assert leak(recorder.metrics).startswith("Leak: soak" if code == 1 else "Leak: not decided")


def test_readings_that_do_not_decide_are_not_a_pass():
    recorder = Recorder()
    points = range(0, 600, 10)
    heap = [(x * 7919) % 4001 for x in points]  # up and down, by more than a leak would add
    recorder.record("soak.heap.leak_slope", heap, "B/request", at=points)
    made = checks(["preflight"], {}, [], "", recorder.metrics)
    assert recorder.metrics[0].summary.low <= 1 <= recorder.metrics[0].summary.high
    assert exit_code(made, interrupted=False) == 7
    assert in_a_sentence(made, 500).endswith("; whether memory is leaked is not decided.")


@pytest.mark.parametrize(
    ("rise", "noise", "code", "words"),
    [
        (0, 0, 0, ""),
        (16, 0, 1, "; bytes stay in the ESP32's own heap with each request."),
        (16, 300, 1, "; bytes stay in the ESP32's own heap with each request."),
        (0, 4001, 0, ""),  # whether it rises is not decided, as usual there
    ],
)
def test_the_heap_of_the_esp32_fails_a_soak_only_where_its_leak_is_certain(rise, noise, code, words):
    points = range(0, 600, 10)
    recorder = Recorder()
    recorder.record("soak.heap.leak_slope", [0.0 for _ in points], "B/request", at=points)
    used = [90_000 + rise * x + ((x * 7919) % noise if noise else 0) for x in points]
    recorder.record("soak.heap.idf.leak_slope", used, "B/request", at=points)
    made = checks(["preflight"], {}, [], "", recorder.metrics)
    assert exit_code(made, interrupted=False) == code
    assert in_a_sentence(made, 500).partition("stayed up")[2] == (words or ".")
    assert ("none in 1 series" in leak(recorder.metrics)) == (code == 0)
    assert ("soak.heap.idf.leak_slope 1" in leak(recorder.metrics)) == (code == 1)
    assert "free last" not in leak(recorder.metrics)


def test_nothing_sent_is_nothing_shown():
    made = checks([], {}, [], "", [])
    assert correct(made, 0) == "Not decided: no request was sent."
    assert exit_code(made, interrupted=False) == 7
