"""A browser lets a page do what the policy allows and no more, by the Fetch standard, from the raw headers."""

from __future__ import annotations

import pytest
from camrig.probe.fetch_cors import PageRequest, check_exchange, needs_preflight, preflight_of

PAGE = "https://panel.example"
JSON = (("Content-Type", "application/json"),)
FRAME = (("X-Frame", "7"),)
LISTED = {"allowed_origins": [PAGE]}


def browse(dut, request: PageRequest):
    """Make the whole exchange as a browser does, and check it."""
    preflight = None
    if needs_preflight(request):
        answer = dut.request("OPTIONS", "/api/status", preflight_of(request))
        preflight = (answer.status, answer.headers)
    headers = [("Origin", request.origin), *request.headers]
    response = dut.request(request.sent_method, "/api/status", headers)
    return check_exchange(request, response.headers, preflight)


@pytest.mark.parametrize(
    ("changes", "page_request", "allowed"),
    [
        pytest.param(LISTED, PageRequest(PAGE), True, id="listed origin"),
        pytest.param(LISTED, PageRequest("https://stranger.example"), False, id="unlisted origin"),
        pytest.param(LISTED, PageRequest("null"), False, id="null origin"),
        pytest.param({"allowed_origins": ["null"]}, PageRequest("null"), True, id="null origin, listed"),
        pytest.param({"allowed_origins": None}, PageRequest(PAGE), False, id="no origins"),
        pytest.param({"allowed_origins": "*"}, PageRequest("https://anybody.example"), True, id="any origin"),
        pytest.param(LISTED, PageRequest(PAGE, "PUT"), True, id="PUT"),
        pytest.param({**LISTED, "allowed_methods": ["GET"]}, PageRequest(PAGE, "PUT"), False, id="PUT, unlisted"),
        pytest.param(
            {**LISTED, "allowed_methods": ["put"]}, PageRequest(PAGE, "PUT"), True, id="PUT, listed in lower case"
        ),
        pytest.param(LISTED, PageRequest(PAGE, "patch"), True, id="lower-case patch"),
        pytest.param({**LISTED, "allowed_methods": ["PATCH"]}, PageRequest(PAGE, "PATCH"), True, id="PATCH, listed"),
        pytest.param(LISTED, PageRequest(PAGE, "POST", JSON), True, id="JSON"),
        pytest.param(
            {**LISTED, "allowed_headers": ["content-type"]}, PageRequest(PAGE, "POST", JSON), True, id="JSON, listed"
        ),
        pytest.param(
            {**LISTED, "allowed_headers": ["Content-Type"]},
            PageRequest(PAGE, "POST", (*JSON, *FRAME)),
            False,
            id="JSON, with an unlisted header",
        ),
        pytest.param(
            {**LISTED, "allowed_headers": ["*"]},
            PageRequest(PAGE, "GET", FRAME),
            False,
            id="asterisk as a header name",
        ),
        pytest.param(LISTED, PageRequest(PAGE, credentials="include"), False, id="credentials, not allowed"),
        pytest.param(
            {**LISTED, "allow_credentials": True}, PageRequest(PAGE, credentials="include"), True, id="credentials"
        ),
        pytest.param(
            {**LISTED, "allow_credentials": True},
            PageRequest(PAGE, "PUT", JSON, "include"),
            True,
            id="credentials with PUT and JSON",
        ),
        pytest.param(
            {"allowed_origins": "*", "allow_credentials": True},
            PageRequest(PAGE, "PUT", credentials="include"),
            False,
            id="credentials and any origin",
        ),
        pytest.param(
            {"allowed_origins": "*", "allow_credentials": True},
            PageRequest(PAGE, "PUT"),
            True,
            id="no credentials and any origin",
        ),
    ],
)
def test_browser_allows_what_the_policy_allows(dut, policy, changes, page_request, allowed):
    policy(**changes)
    check = browse(dut, page_request)
    assert check.allowed is allowed, check.reason


def test_page_reads_only_the_exposed_headers(dut, policy):
    policy(expose_headers=["Content-Length"])
    assert "content-length" in browse(dut, PageRequest(PAGE)).exposed
    assert "vary" not in browse(dut, PageRequest(PAGE)).exposed
