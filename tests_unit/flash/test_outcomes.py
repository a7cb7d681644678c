"""How flashing ends under the faults of ``make bench-flash``: a part of its runs, and what they would find."""

from __future__ import annotations

import pytest
from camrig.flash import write
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.flash import ALONE, COMBINED, OUTCOMES, Case, cases, outcome

CASES = list(cases())
WRONG = OUTCOMES[-1]


@pytest.mark.parametrize("case", CASES[::6], ids=lambda case: case.title)
def test_no_wrong_board_is_written_and_no_half_written_one_is_good(case, tmp_path):
    assert outcome(case, tmp_path) != WRONG


@settings(max_examples=30)
@given(
    st.fixed_dictionaries(
        {name: st.integers(0, 3) for name in ("drop", "corrupt", "stall", "skip", "connect", "reset")}
    ),
    st.floats(0, 1),
    st.sampled_from([COMBINED, ALONE]),
)
def test_faults_together_end_well_too(tmp_path_factory, counts, at, image):
    case = Case("together", image, {**counts, "at": at}, curable=False)
    assert outcome(case, tmp_path_factory.mktemp("kept")) != WRONG


def test_there_are_enough_runs_of_every_fault():
    assert len(CASES) >= 200
    assert {case.title for case in CASES[::6]} > {"the line drops", "a block arrives damaged", "the chip stalls"}


@pytest.mark.parametrize(
    ("part", "broken", "case"),
    [
        ("_matches", lambda loader, piece: True, Case("corrupt", faults={"corrupt": 1})),
        ("_check_mac", lambda target, loader: None, Case("MAC", chip={"mac": "a0:b1:c2:00:00:01"})),
        ("check_for", lambda *_: None, Case("chip", chip={"name": "esp32s3"})),
        ("_put_back", lambda target, previous: None, Case("drop", faults={"drop": 2})),
    ],
)
def test_a_missing_step_is_found(part, broken, case, tmp_path, monkeypatch):
    monkeypatch.setattr(write, part, broken)
    assert outcome(case, tmp_path) == WRONG
