"""A browser lets a page do what the policy allows and no more, by the Fetch standard, from the raw headers."""

from __future__ import annotations

import pytest
from camrig.probe.fetch_cors import PageRequest, check_exchange, needs_preflight, preflight_of
from cors_expectation import ORIGINS, PAGE, STATUS, Exchange

pytestmark = pytest.mark.functional

JSON = (("Content-Type", "application/json"),)
FRAME = (("X-Frame", "7"),)
LISTED = {"allowed_origins": ORIGINS}


def browse(dut, request: PageRequest):
    """Make the whole exchange as a browser does, and check it. Returns the check, and what was sent."""
    preflight, exchanges = None, []
    if needs_preflight(request):
        sent = preflight_of(request)
        response = dut.request("OPTIONS", STATUS, sent)
        preflight = (response.status, response.headers)
        exchanges.append(("OPTIONS", sent, response))
    sent = [("Origin", request.origin), *request.headers]
    response = dut.request(request.sent_method, STATUS, sent)
    exchanges.append((request.sent_method, sent, response))
    return check_exchange(request, response.headers, preflight), exchanges


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
    values = policy(**changes)
    check, exchanges = browse(dut, page_request)
    if check.allowed is not allowed:
        shown = "\n\n".join("\n".join(Exchange(values, m, STATUS, sent, r).lines()) for m, sent, r in exchanges)
        pytest.fail(
            f"a browser {'refuses' if allowed else 'allows'} the {page_request.method}: {check.reason}\n\n{shown}"
        )


def test_page_reads_only_the_exposed_headers(dut, policy):
    policy(expose_headers=["Content-Length"])
    check, _ = browse(dut, PageRequest(PAGE))
    assert "content-length" in check.exposed
    assert "vary" not in check.exposed
