"""The suite's matrix counts every exchange once, under its policy and its kind of request."""

from __future__ import annotations

import sys

import pytest
from camrig.probe.client import Phases, Response

from tests_unit.conftest import ROOT

sys.path.insert(0, str(ROOT / "tests_hil"))

from cors_expectation import ORIGINS, PAGE, Cors, CorsMismatchError, Exchange, expect_all
from exchange_matrix import ExchangeMatrix, request_name

USUAL = {"allowed_origins": ORIGINS, "allow_credentials": False, "max_age": None}
ASKS = ("Access-Control-Request-Method", "PUT")


def exchange(method="GET", *headers, status=200, **policy):
    phases = Phases(0.1, 0.2, 0.5)
    return Exchange({**USUAL, **policy}, method, "/", list(headers), Response(status, "", [], b"", phases))


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (exchange("OPTIONS", ("Origin", PAGE), ASKS), "preflight, listed"),
        (exchange("OPTIONS", ("origin", "https://x.example"), ASKS), "preflight, not listed"),
        (exchange("OPTIONS", ASKS), "preflight, no origin"),
        (exchange("OPTIONS", ("Origin", PAGE), ASKS, status=404), "preflight, listed"),
        (exchange("OPTIONS", ("Origin", PAGE)), "OPTIONS, listed"),
        (exchange("GET", ("Origin", PAGE)), "request, listed"),
        (exchange("HEAD", ("Origin", PAGE[:-1])), "request, not listed"),
        (exchange("GET", ("Origin", "https://x.example"), allowed_origins="*"), "request, listed"),
        (exchange("GET", ("Origin", PAGE), allowed_origins=None), "request, not listed"),
        (exchange("GET", ASKS), "request, no origin"),
        (exchange("GET", ("Origin", PAGE), status=404), "error, listed"),
        (exchange("POST", status=500), "error, no origin"),
    ],
)
def test_a_request_has_its_kind(made, name):
    assert request_name(made) == name


def test_every_exchange_is_counted_once_and_the_first_failure_is_kept():
    matrix = ExchangeMatrix(USUAL)
    for ms in (1.0, 5.0, 2.0):
        matrix.cell(exchange("GET", ("Origin", PAGE))).add(ms)
    cell = matrix.cell(exchange("OPTIONS", ASKS, max_age=5, allow_credentials=True))
    cell.add(4.0)
    cell.fail("first")
    cell.fail("second")
    assert matrix.as_data() == [
        {
            **{"policy": "credentials, max age", "request": "preflight, no origin", "checked": 1, "failed": 2},
            **{"ms": 4.0, "exchange": "first"},
        },
        {
            **{"policy": "origins alone", "request": "request, listed", "checked": 3, "failed": 0, "ms": 2.0},
            "exchange": "",
        },
    ]


def test_an_exchange_that_is_not_as_expected_fails_its_cell():
    kept = []
    good = exchange("GET")
    bad = Exchange(USUAL, "GET", "/x", [], good.response, failed=kept.append)
    with pytest.raises(CorsMismatchError, match="Vary is missing"):
        expect_all([(good, Cors(), 200), (bad, Cors(vary="Origin"), 200)])
    assert len(kept) == 1
    assert "GET /x" in kept[0]
    assert "Vary: Origin" in kept[0]
