"""Which failures a known issue of a board excuses, without a board."""

from __future__ import annotations

import datetime
from types import SimpleNamespace

import pytest
from camrig.errors import FirmwareBootError, LibraryError, WrongAnswerError
from camrig.plugin.known_issues import excuse_failure
from camrig.plugin.run import BLOCKED, BOARD_RUN_FIXTURE
from camrig.settings.bench import BoardEntry
from camrig.settings.known_issues import KnownIssue
from camrig.settings.resolve import Settings

TEST = "tests/test_lens.py::test_lens[left]"
ISSUE = KnownIssue("test_lens", "its lens is loose", datetime.date(9999, 1, 1))


def excused(
    when="call", error=None, text="E  assert", spec="left", crash="", hangs=(), fixture=BOARD_RUN_FIXTURE, failed=True
):
    """The reason for which a failed phase of a test on a board with a known issue is excused; empty if it is not."""
    entry = BoardEntry("left", "sim", known_issues=(ISSUE,))
    crashes = [SimpleNamespace(test=crash)] if crash else []
    board_run = SimpleNamespace(spec=spec, crashes=crashes, hangs=list(hangs))
    run = SimpleNamespace(settings=Settings(bench={"left": entry}), board_run_of=lambda item: board_run)
    item = SimpleNamespace(nodeid=TEST, fixturenames=[fixture])
    report = SimpleNamespace(when=when, failed=failed, outcome="failed" if failed else "passed", longrepr=text)
    excuse_failure(run, item, report, error)
    assert (report.outcome == "skipped") == hasattr(report, "wasxfail")
    return getattr(report, "wasxfail", "")


@pytest.mark.parametrize("case", [{}, {"when": "setup"}, {"error": WrongAnswerError("x")}, {"crash": "another test"}])
def test_a_failure_that_matches_is_excused(case):
    assert excused(**case) == "known issue of left until 9999-01-01: its lens is loose"


@pytest.mark.parametrize(
    "case",
    [
        {"failed": False},
        {"when": "teardown"},
        {"text": f"{BLOCKED}no board"},
        {"error": LibraryError("x")},
        {"error": FirmwareBootError("x")},
        {"crash": TEST},
        {"hangs": ["a hang"]},
        {"spec": "right"},
        {"fixture": "tmp_path"},
    ],
    ids=str,
)
def test_what_says_more_than_the_failure_is_never_excused(case):
    assert excused(**case) == ""


@pytest.mark.parametrize("value", ["release", "rehearsal"])
def test_a_release_excuses_nothing(monkeypatch, value):
    monkeypatch.setenv("CAMRIG_RELEASE", value)
    assert excused() == ""
