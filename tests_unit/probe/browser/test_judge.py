"""The suite's judge: whose fault it is when policy, browser and standard do not say the same, and what is kept."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from camrig.errors import BlockedError, BoardResetError, BrowserError
from camrig.probe.browser.network_log import Decision, WireExchange
from camrig.probe.browser.tabs import Answer
from camrig.probe.response_parser import LostExchangeError
from camrig.report.results_schema import fault_of

from tests_unit.conftest import ROOT

sys.path.insert(0, str(ROOT / "tests_hil"))

from browser_cells import DROPPED, METHODS, POLICY_NAMES, REFUSED, Ask, cells, policies
from browser_judge import Judge
from browser_meaning import readable
from browser_verdict import BrowserMismatchError

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
        while True:
            try:
                return send(1.0)
            except LostExchangeError:
                continue

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
    assert "the browser asks first (), by the standard it does not" in str(error)


X_ONE = Ask("header", headers=(("X-One", "1"),))
SENT = [("Origin", PAGE), ("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", "x-one")]


def asked_first(seen, sent, answered, **decision):
    """An answer whose preflight request has these headers."""
    made = answer(seen, (200, GRANT), preflights=[(204, answered)], **decision)
    made.decision.preflights[0].sent[:] = sent
    return made


@pytest.mark.parametrize(
    ("ask", "got", "words"),
    [
        (X_ONE, ALLOWED, "the Fetch standard cannot tell"),
        (GET, asked_first(REFUSED_SEEN, SENT, [], reason="HeaderDisallowedByPreflightResponse"), "it does not"),
        (X_ONE, asked_first(SEEN, [*SENT[:2], (SENT[2][0], "x-one,x-two")], GRANT), "by the standard for"),
        (X_ONE, asked_first(SEEN, [("Origin", "null"), *SENT[1:]], GRANT), "by the standard for"),
    ],
)
@pytest.mark.parametrize("names", [None, []], ids=["granted", "not granted"])
def test_a_wrong_idea_of_what_a_browser_asks_first_blocks(ask, got, words, names):
    """What the policy means is then not known, whatever the browser says."""
    error, _ = judged([ask], got, allowed_headers=names)
    assert isinstance(error, BlockedError)
    assert not isinstance(error, BrowserMismatchError)
    assert words in str(error)


def test_what_a_browser_asks_first_as_it_must_is_judged():
    granted = [*GRANT, ("Access-Control-Allow-Headers", "x-one")]
    assert judged([X_ONE], asked_first(SEEN, SENT, granted))[0] is None
    error, _ = judged([X_ONE], asked_first(SEEN, SENT, granted), allowed_headers=[])
    assert isinstance(error, BrowserMismatchError)


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("image", 503, "the camera has no picture"),
        ("stream", 503, "the camera has no picture"),
        ("image", 200, "refuses nothing and shows nothing: the picture does not load"),
        ("events", 200, "refuses nothing and shows nothing"),
    ],
)
def test_a_camera_that_shows_nothing_is_not_a_fault_of_cors(kind, status, words):
    seen = {"error": "error", "text": "the picture does not load"}
    ask = Ask("picture", kind=kind, path="/capture", mode="anonymous" if kind == "image" else None)
    error, _ = judged([ask], answer(seen, (status, GRANT)))
    assert isinstance(error, BlockedError)
    assert words in str(error)


def test_a_server_without_a_place_is_asked_again():
    full = answer(REFUSED_SEEN, (503, [("Retry-After", "1")]), reason="MissingAllowOriginHeader")
    assert judged([GET], full, full, ALLOWED)[0] is None
    unlike = answer(REFUSED_SEEN, (503, []), reason="MissingAllowOriginHeader")
    assert isinstance(judged([GET], unlike)[0], BrowserMismatchError)


def test_a_failure_stays_one_if_the_board_resets_later():
    error, kept = judged([GET, GET], MISSING, BoardResetError("the board restarted"))
    assert isinstance(error, BrowserMismatchError)
    assert [cell["outcome"] for cell in kept] == ["failed", "blocked"]


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
