"""What a command's exit code and output say of a fault."""

from __future__ import annotations

import pytest
from camrig.cli.prove import exit_code, rendered, selected
from camrig.errors import SettingsError
from camrig.prove.faulty_copy import Change, changed_library
from camrig.prove.trial import CATALOGUE, judged

FAULTS = {fault.kind: fault for fault in CATALOGUE}
CASES = (
    ("behaviour", 0, "", "missed", 1),
    ("behaviour", 1, "FAILED tests/test_cors.py::test_vary - AssertionError", "caught", 0),
    ("behaviour", 1, "FAILED tests/test_a.py::test_b - board crashed", "wrong reason", 1),
    ("behaviour", 6, "camrig: no board", "blocked", 6),
    ("bytes", 1, "heap.preflight.allocated: regressed: +64 B", "caught", 0),
    ("time", 1, "heap.preflight.allocated: regressed: +64 B", "wrong reason", 1),
    ("leaks", 7, "heap.leak_slope: inconclusive: 8 B", "inconclusive", 7),
    ("harmless", 0, "", "passed", 0),
    ("harmless", 1, "FAILED tests/test_cors.py::test_vary - AssertionError", "false alarm", 1),
)


@pytest.mark.parametrize(("kind", "code", "text", "result", "expected"), CASES)
def test_exit_code_and_output_give_the_outcome(kind, code, text, result, expected):
    outcome = judged(FAULTS[kind], code, text)
    assert outcome.result == result
    assert exit_code([outcome]) == expected
    assert outcome.fault.name in rendered([outcome])


def test_a_quick_run_has_each_sort_of_check():
    assert {fault.kind for fault in selected(None, quick=True)} == {"behaviour", "bytes", "harmless"}
    assert {fault.kind for fault in selected("time", quick=False)} == {"time"}


def test_a_folder_without_a_library_is_one_sentence(tmp_path):
    with pytest.raises(SettingsError, match=r"has no microdot/cors\.py"):
        changed_library(tmp_path, tmp_path / "copy", Change())
