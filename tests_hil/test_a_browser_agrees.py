"""A browser lets a page do exactly what the policy allows: judged by the Fetch standard, on the raw headers."""

from __future__ import annotations

import pytest
from camrig.probe.fetch_cors import PageRequest, judge, needs_preflight, preflight_of

PAGE = "https://panel.example"
JSON = (("Content-Type", "application/json"),)
FRAME = (("X-Frame", "7"),)
LISTED = {"allowed_origins": [PAGE]}


def as_a_browser(dut, request: PageRequest):
    """The whole exchange that a browser would make, and its verdict."""
    preflight = None
    if needs_preflight(request):
        answer = dut.request("OPTIONS", "/api/status", preflight_of(request))
        preflight = (answer.status, answer.headers)
    sent = [("Origin", request.origin), *request.headers]
    response = dut.request(request.sent_method, "/api/status", sent)
    return judge(request, response.headers, preflight)


@pytest.mark.parametrize(
    ("changes", "request_", "allowed"),
    [
        (LISTED, PageRequest(PAGE), True),
        (LISTED, PageRequest("https://stranger.example"), False),
        (LISTED, PageRequest("null"), False),
        ({"allowed_origins": ["null"]}, PageRequest("null"), True),
        ({"allowed_origins": None}, PageRequest(PAGE), False),
        ({"allowed_origins": "*"}, PageRequest("https://anybody.example"), True),
        (LISTED, PageRequest(PAGE, "PUT"), True),
        ({**LISTED, "allowed_methods": ["GET"]}, PageRequest(PAGE, "PUT"), False),
        ({**LISTED, "allowed_methods": ["put"]}, PageRequest(PAGE, "PUT"), True),
        (LISTED, PageRequest(PAGE, "patch"), True),
        ({**LISTED, "allowed_methods": ["PATCH"]}, PageRequest(PAGE, "PATCH"), True),
        (LISTED, PageRequest(PAGE, "POST", JSON), True),
        ({**LISTED, "allowed_headers": ["content-type"]}, PageRequest(PAGE, "POST", JSON), True),
        ({**LISTED, "allowed_headers": ["Content-Type"]}, PageRequest(PAGE, "POST", (*JSON, *FRAME)), False),
        ({**LISTED, "allowed_headers": ["*"]}, PageRequest(PAGE, "GET", FRAME), False),
        (LISTED, PageRequest(PAGE, credentials="include"), False),
        ({**LISTED, "allow_credentials": True}, PageRequest(PAGE, credentials="include"), True),
        ({**LISTED, "allow_credentials": True}, PageRequest(PAGE, "PUT", JSON, "include"), True),
        ({"allowed_origins": "*", "allow_credentials": True}, PageRequest(PAGE, "PUT", credentials="include"), False),
        ({"allowed_origins": "*", "allow_credentials": True}, PageRequest(PAGE, "PUT"), True),
    ],
)
def test_allowed_or_not(dut, policy, changes, request_, allowed):
    policy(**changes)
    verdict = as_a_browser(dut, request_)
    assert verdict.allowed is allowed, verdict.reason


def test_a_page_reads_the_exposed_headers_and_no_others(dut, policy):
    policy(expose_headers=["Content-Length"])
    assert "content-length" in as_a_browser(dut, PageRequest(PAGE)).exposed
    assert "vary" not in as_a_browser(dut, PageRequest(PAGE)).exposed
