"""``Access-Control-*`` headers that a handler sets are replaced: the policy is the library's to apply."""

from __future__ import annotations

import pytest
from cors_expectation import NOTHING, ORIGINS, PAGE, STRANGER, Cors, expect_all, expect_cors
from routes import extra_routes

pytestmark = pytest.mark.functional

FOREIGN = {
    "origin": {"Access-Control-Allow-Origin": "https://evil.example"},
    "asterisk": {"Access-Control-Allow-Origin": "*"},
    "lower case": {"access-control-allow-origin": "*", "access-control-allow-credentials": "true"},
    "capitals": {"ACCESS-CONTROL-ALLOW-ORIGIN": "*", "ACCESS-CONTROL-MAX-AGE": "9"},
    "preflight's": {
        "Access-Control-Allow-Methods": "DELETE",
        "Access-Control-Allow-Headers": "X-Evil",
        "Access-Control-Max-Age": "9",
    },
    "exposed": {"Access-Control-Expose-Headers": "X-Secret"},
    "other": {"Access-Control-Allow-Private-Network": "true", "Access-Control-Allow-Credentials": "true"},
    "own": {"Access-Control-Allow-Origin": PAGE},
}
NAMES = {name: f"r{place}" for place, name in enumerate(FOREIGN)}
ALLOWED = Cors(origin=PAGE, vary="Origin")


@pytest.fixture(scope="module", autouse=True)
def routes(dut):
    replies = {NAMES[name]: (name, 200, {**headers, "X-Frame": "7"}) for name, headers in FOREIGN.items()}
    error = ("error", 500, FOREIGN["lower case"])
    with extra_routes(dut, **replies, error=error, near=("near", 200, {"X-Access-Control-Test": "stays"})):
        yield


@pytest.mark.parametrize("name", FOREIGN)
def test_headers_that_a_handler_sets_are_replaced(policy, send, name):
    target = f"/suite/{NAMES[name]}"
    policy()
    rows = [
        (send("GET", target), ALLOWED, 200),
        (send("GET", target, STRANGER), NOTHING, 200),
    ]
    expect_all(rows)
    assert {exchange.response.header("X-Frame") for exchange, _, _ in rows} == {"7"}


def test_headers_that_a_failing_handler_sets_are_replaced(policy, send):
    policy()
    expect_all([(send("GET", "/suite/error"), ALLOWED, 500), (send("GET", "/suite/error", STRANGER), NOTHING, 500)])


def test_headers_that_handlers_set_are_removed_where_nothing_is_allowed(policy, send):
    policy(allowed_origins=None)
    expect_all((send("GET", f"/suite/{place}"), NOTHING, 200) for place in NAMES.values())


def test_headers_of_similar_names_stay(policy, send):
    policy()
    exchange = send("GET", "/suite/near", STRANGER)
    expect_cors(exchange, NOTHING)
    assert exchange.response.header("X-Access-Control-Test") == "stays"


def test_response_that_is_sent_twice_has_the_headers_of_each_request(policy, send):
    """A handler may return one Response object for all requests: nothing of one page's headers may reach the next."""
    policy(allow_credentials=True, expose_headers=["X-Frame"])
    rows = []
    for origin in (PAGE, STRANGER, ORIGINS[0], None, PAGE):
        exchange = send("GET", "/suite/shared", origin)
        if origin in ORIGINS:
            cors = Cors(origin=origin, credentials="true", expose="X-Frame", vary="Origin")
        else:  # Vary may be left in the object: it is not wrong here, only not needed
            cors = Cors(vary="Origin" if exchange.response.header("Vary") else None)
        rows.append((exchange, cors, 200))
    expect_all(rows)
    assert {exchange.response.body for exchange, _, _ in rows} == {b"shared"}
