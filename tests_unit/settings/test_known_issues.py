"""Known issues: which failures they excuse, until when, and what is said of those that are not needed any more."""

from __future__ import annotations

import datetime

import pytest
from camrig.errors import SettingsError
from camrig.settings.known_issues import KnownIssue, excuse, parse_known_issues, remarks
from hypothesis import given
from hypothesis import strategies as st

DAY = datetime.date(2026, 11, 29)
TEST = "tests_hil/test_camera.py::TestStream::test_pace[left-fast]"


def issue(tests, until=DAY):
    return KnownIssue(tests, "its lens is loose", until)


@pytest.mark.parametrize(
    "tests",
    [
        TEST,
        "tests_hil/test_camera.py",
        "test_camera.py",
        "test_camera.py::TestStream::test_pace",
        "test_pace",
        "test_pace[fast]",
        "test_pace[left-fast]",
        "TestStream::test_pace",
        "test_p?ce",
        "test_camera*",
        "*",
    ],
)
def test_a_test_is_named_by_file_or_name_with_or_without_parameters(tests):
    assert issue(tests).matches(TEST, "left")


@pytest.mark.parametrize("tests", ["test_pac", "pace", "test_pace[slow]", "test_pace[left]", "camera.py", "t?st_pac"])
def test_a_part_of_a_name_is_not_the_name(tests):
    assert not issue(tests).matches(TEST, "left")


@given(st.integers(-400, 400))
def test_an_issue_excuses_up_to_its_last_day(days):
    reason = excuse([issue("test_pace", DAY + datetime.timedelta(days))], TEST, "left", DAY)
    assert bool(reason) == (days >= 0)
    assert not reason or reason == f"known issue of left until {DAY + datetime.timedelta(days)}: its lens is loose"


def test_what_is_over_or_passes_is_said():
    outcomes = {TEST: "passed", "a.py::test_heap": "xfailed", "a.py::test_leak": "passed"}

    def said(*issues):
        return list(remarks(issues, "left", outcomes, DAY))

    assert said(issue("test_heap")) == said(issue("test_unknown")) == said(issue("a.py")) == []
    (sentence,) = said(issue("test_pace"))
    assert sentence == (
        f"left: {TEST} passed in spite of the known issue 'its lens is loose' of test_pace: take it out"
    )
    (sentence,) = said(issue("test_heap", DAY - datetime.timedelta(1)))
    assert "'its lens is loose' of test_heap was to end by 2026-11-28 and excuses nothing since" in sentence


def test_dates_are_toml_dates_or_texts():
    entries = [
        {"tests": "a", "what": "b", "until": until}
        for until in (DAY, "2026-11-29", datetime.datetime(2026, 11, 29, 8))
    ]
    assert {known.until for known in parse_known_issues(entries, "board.left")} == {DAY}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"tests": "a"}, "board.left.known_issues is not a list of tables"),
        (["a"], "is not a list of tables"),
        ([{"tests": "a", "what": "b"}], "known issue 1 of board.left says no 'until'"),
        ([{"tests": "a", "what": "b", "until": "2026-02-30"}], "until = '2026-02-30' is not a date"),
        ([{"tests": "a", "what": "b", "until": 2026}], "until = 2026 is not a date"),
        ([{"tests": "", "what": "b", "until": DAY}], "known issue 1 of board.left: tests is not a text"),
        ([{"test": "a", "what": "b", "until": DAY}], "has no setting 'test', did you mean tests"),
    ],
)
def test_a_wrong_known_issue_is_one_sentence(value, sentence):
    with pytest.raises(SettingsError, match=sentence):
        parse_known_issues(value, "board.left")
