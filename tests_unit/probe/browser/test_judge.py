"""The suite's judge: whose fault it is when policy, browser and standard do not say the same, and what is kept."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from camrig.errors import BlockedError, BoardResetError, BrowserError
from camrig.probe.browser.network_log import Decision, WireExchange
from camrig.probe.browser.tabs import Answer
from camrig.report.results_schema import fault_of

from tests_unit.conftest import ROOT

sys.path.insert(0, str(ROOT / "tests_hil"))

from browser_cells import DROPPED, METHODS, POLICY_NAMES, REFUSED, Ask, cells, policies
from browser_judge import BrowserMismatchError, Judge
from browser_meaning import readable

PAGE = "http://localhost:1"
POLICY = {
    "allowed_origins": [PAGE],
    "allow_credentials": False,
    "allowed_methods": None,
    "allowed_headers": None,
    "expose_headers": None,
    "max_age": None,
}
GRANT = [("Access-Control-Allow-Origin", PAGE)]
SEEN = {"status": 200, "type": "cors", "headers": []}
REFUSED_SEEN = {"error": "TypeError", "text": "Failed to fetch"}
GET, PUT = Ask("method"), Ask("method", method="PUT")


def answer(seen, *exchanges, preflights=(), **decision):
    """What a page saw, and responses as pairs of status and headers."""

    def wire(rows, method):
        return tuple(WireExchange("http://board/api/status", method, [], *row) for row in rows)

    return Answer(
        "http://board/api/status",
        seen,
        Decision(wire(exchanges, "GET"), wire(preflights, "OPTIONS"), **decision),
        0.01,
    )


class Board:
    """A board and a browser in one: gives the answers in order, and raises those that are errors."""

    url = "http://board"
    server = SimpleNamespace(origin=lambda page: PAGE.replace("localhost", page))
    version, starts = "Chrome/156", 1

    def __init__(self, *answers):
        self.answers = list(answers)

    def repeat_lost(self, name, send):
        return send(1.0)

    def ask(self, page, url, script, seconds):
        result = self.answers.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


def judged(asks, *answers, check=None, **changes):
    """The error of a judge that gets these answers, and what it keeps of each."""
    board = Board(*answers)
    judge = Judge(board, board)
    try:
        judge.judge("listed", {**POLICY, **changes}, asks, check)
    except (BrowserMismatchError, BlockedError) as error:
        return error, judge.as_data()["cells"]
    return None, judge.as_data()["cells"]


ALLOWED = answer(SEEN, (200, GRANT))
MISSING = answer(REFUSED_SEEN, (200, []), reason="MissingAllowOriginHeader")


def test_three_that_agree_are_kept_as_the_schema_says():
    error, kept = judged(
        [GET, PUT],
        ALLOWED,
        answer(SEEN, (200, GRANT), preflights=[(204, [*GRANT, ("Access-Control-Allow-Methods", "PUT")])]),
    )
    assert error is None
    assert [
        (cell["outcome"], cell["means"], cell["browser"], cell["standard"], cell["preflights"]) for cell in kept
    ] == [
        ("agrees", "allowed", "allowed", "allowed", 0),
        ("agrees", "allowed", "allowed", "allowed", 1),
    ]
    assert fault_of({"version": "", "starts": 1, "cells": kept}, "browser_answers") == ""


def test_a_page_that_does_not_work_is_a_failure_with_all_that_was_sent():
    error, kept = judged([GET, GET], MISSING, MISSING)
    assert isinstance(error, BrowserMismatchError)
    fault = "the browser says blocked (MissingAllowOriginHeader) where the policy means allowed"
    assert error.differences == [fault]
    for words in (
        fault,
        f"policy:   allowed_origins=['{PAGE}']",
        "page:     GET from localhost",
        "request:  GET http://board/api/status",
        "response: 200",
        "policy means: allowed",
        "browser says: blocked (MissingAllowOriginHeader)",
        "Fetch standard says: blocked (CORS check, step 2: there is no Access-Control-Allow-Origin)",
        "2 of 2 requests of this test failed",
    ):
        assert words in str(error)
    assert kept[0]["exchange"] in str(error)
    assert [cell["outcome"] for cell in kept] == ["failed", "failed"]


def test_a_page_that_may_too_much_is_a_failure():
    error, _ = judged([GET], ALLOWED, allowed_origins=[])
    assert isinstance(error, BrowserMismatchError)
    assert error.differences == ["the browser says allowed where the policy means blocked"]


def test_a_browser_that_leaves_the_standard_alone_blocks():
    """It agrees with the policy, so the library did what it had to."""
    error, kept = judged([GET, GET], answer(SEEN, (200, [])), ALLOWED)
    assert isinstance(error, BlockedError)
    assert (
        "GET from localhost could not be judged: the browser says allowed where the Fetch standard says blocked"
        in str(error)
    )
    assert [cell["outcome"] for cell in kept] == ["blocked", "agrees"]


def test_a_failure_comes_before_what_could_not_be_judged():
    error, kept = judged([GET, GET], answer(SEEN, (200, [])), MISSING)
    assert isinstance(error, BrowserMismatchError)
    assert [cell["outcome"] for cell in kept] == ["blocked", "failed"]


def test_a_browser_that_dies_costs_one_answer():
    error, kept = judged([GET, GET], BrowserError("the browser is gone"), ALLOWED)
    assert isinstance(error, BlockedError)
    assert "the browser is gone" in str(error)
    assert [(cell["outcome"], cell["browser"]) for cell in kept] == [("blocked", ""), ("agrees", "allowed")]


def test_a_board_that_resets_ends_the_test_and_is_kept():
    error, kept = judged([GET, GET, GET], ALLOWED, BoardResetError("the board restarted"), ALLOWED)
    assert isinstance(error, BoardResetError)
    assert [cell["outcome"] for cell in kept] == ["agrees", "blocked"]


def test_a_request_that_is_not_sent_says_nothing_of_the_board():
    error, _ = judged([GET], answer(REFUSED_SEEN, (0, []), reason="net::ERR_UNSAFE_PORT"))
    assert isinstance(error, BlockedError)
    assert not isinstance(error, BrowserError)
    assert "did not wait for an answer of the board: net::ERR_UNSAFE_PORT" in str(error)


def test_a_preflight_request_too_many_blocks():
    error, _ = judged([GET], answer(SEEN, (200, GRANT), preflights=[(204, GRANT)]))
    assert isinstance(error, BlockedError)
    assert "the browser sent 1 preflight requests, by the standard 0" in str(error)


def test_headers_that_the_standard_does_not_expose_block():
    error, _ = judged([GET], answer({**SEEN, "headers": [["x-frame", "7"]]}, (200, [*GRANT, ("X-Frame", "7")])))
    assert isinstance(error, BlockedError)
    assert "x-frame" in str(error)


def test_what_a_check_finds_is_a_failure():
    error, _ = judged(
        [GET, GET], ALLOWED, MISSING, check=lambda verdict: verdict.fail("the page reads 7"), allowed_origins=[PAGE]
    )
    assert error.differences == [
        "the page reads 7",
        "the browser says blocked (MissingAllowOriginHeader) where the policy means allowed",
    ]


def test_a_known_deviation_is_named_and_is_not_a_fault():
    hint = Ask("header", headers=(("Save-Data", "on"),))
    error, kept = judged([hint], ALLOWED, allowed_headers=[])
    assert error is None
    assert kept[0]["deviation"] == "hints"


def test_what_a_script_may_not_send_throws():
    error, kept = judged(
        [Ask("method", method="TRACE")], answer({"error": "TypeError", "text": "Failed to execute 'fetch'"})
    )
    assert error is None
    assert kept[0]["browser"] == "throws"


def test_each_policy_is_asked_each_kind_of_request():
    made = policies(lambda page: f"http://{page}:1")
    assert tuple(made) == POLICY_NAMES
    requests = {name: cells(subjects) for name, (_, subjects) in made.items()}
    assert sum(map(len, requests.values())) >= 300
    for asks in requests.values():
        assert len(set(asks)) == len(asks)
        assert {ask.page for ask in asks} == {"localhost", "127.0.0.1", "null"}
        assert {ask.feature for ask in asks} == {"origin", "method", "credentials", "header", "content type"}
    assert {ask.method for ask in requests["listed"]} >= set(METHODS)
    assert {ask.label for ask in requests["headers"]} >= {*DROPPED, *REFUSED}


@pytest.mark.parametrize(
    ("exposed", "with_credentials", "names"),
    [
        (None, False, {"etag"}),
        (["X-Frame"], False, {"x-frame"}),
        ("x-frame", True, {"x-frame"}),
        (["*"], False, {"x-frame", "etag"}),
        (["*"], True, set()),
        (["set-cookie", "x-missing"], False, set()),
    ],
)
def test_exposed_headers_are_read_and_no_others(exposed, with_credentials, names):
    present = frozenset(("content-type", "x-frame", "etag", "set-cookie"))
    readable_names = readable({"expose_headers": exposed}, present, with_credentials)
    assert readable_names == {"content-type", *(names if exposed is not None else ())}
