"""Trouble of rig and radio is never the library's failure, and a library that loses answers always fails."""

from __future__ import annotations

import re

import pytest
from camrig.prove.faulty_copy import Change

from benchmarks.trouble import KINDS, MOMENTS, SITUATIONS, SUITE, mistakes_in, outcome_of, reason_of
from benchmarks.worse import worse_library

# The whole table is that of `make bench-faults`.
QUICK = (
    "connections reset, 1 of 20 during functional tests",
    "a port that is closed for 3 s during functional tests",
    "power that fails during functional tests",
)


@pytest.mark.parametrize("name", QUICK)
def test_trouble_with_a_clean_library_is_not_a_failure(tmp_path, name):
    (situation,) = [situation for situation in SITUATIONS if str(situation) == name]
    ending = outcome_of(situation, tmp_path)
    assert ending.struck
    assert ending.mistakes == "", ending.output


def test_the_table_has_each_trouble_at_each_moment():
    assert len(KINDS) >= 12
    assert len({str(situation) for situation in SITUATIONS}) == len(KINDS) * len(MOMENTS)


@pytest.mark.parametrize(
    ("code", "output", "mistake"),
    [
        (0, "", ""),
        (1, "1 failed", "exit code 1"),
        (None, "", "hung"),
        (7, "regressed", "regressed"),
        (6, "1 blocked", "no reason"),
        (6, "==== the rig is blocked ====\n\nthe port was lost.", ""),
    ],
)
def test_a_run_that_ends_badly_is_recognised(code, output, mistake):
    assert mistakes_in(code, output) == mistake


def test_the_reason_of_a_run_is_its_own_sentence():
    assert reason_of("= the rig is blocked =\n\nthe port was lost.\nsim: 1 of 9 requests lost, 0 of 2 controls") == (
        "the port was lost."
    )
    assert reason_of("sim: 1 of 9 requests lost, 0 of 2 controls\n1 passed") == (
        "sim: 1 of 9 requests lost, 0 of 2 controls"
    )
    assert reason_of("1 passed") == ""


CLOSES = "raise OSError(104)"
REFUSED = "request.method == 'OPTIONS' and request.headers.get('Origin') not in self.allowed_origins"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Change("_COUNT = [0]", f"_COUNT[0] += 1\nif _COUNT[0] % 5 == 0: {CLOSES}"),
         r"\d+ of [\d,]+ requests lost, 0 of \d+ controls: that is not the network"),
        (Change("", f"if {REFUSED}: {CLOSES}"), r"OPTIONS \S+ was lost \d times .* without CORS were answered"),
    ],
    ids=["now and then", "refused preflights"],
)  # fmt: skip
def test_a_library_that_loses_answers_has_failed(run, tmp_path, fault, words):
    library = worse_library(tmp_path / "copy", fault)
    common = ("-p", "no:cacheprovider", "--hil-results", str(tmp_path / "results"))
    suite = "tests_hil/test_origins_are_compared_exactly.py" if "OPTIONS" in fault.per_response else SUITE
    ended = run("pytest", suite, *common, "--hil-lib", str(library), "--maxfail=2", "-k", "not long")
    assert ended.code == 1, ended.out
    assert re.search(words, ended.out), ended.out
    assert ended.left_running() == []
