"""``Vary: Origin`` keeps a cache from giving one page's copy to another; the application's own ``Vary`` stays."""

from __future__ import annotations

import pytest
from cors_expectation import PAGE, STRANGER, Cors, expect_all
from routes import extra_routes

pytestmark = pytest.mark.functional

# The headers of a response, and its Vary: for a listed origin, and for a request without an allowed one.
RESPONSES = {
    "plain": ({}, "Origin", None),
    "max-age": ({"Cache-Control": "max-age=60"}, "Origin", "Origin"),
    "private": ({"Cache-Control": "private"}, "Origin", "Origin"),
    "no-cache": ({"Cache-Control": "no-cache"}, "Origin", "Origin"),
    "cache-control in lower case": ({"cache-control": "public"}, "Origin", "Origin"),
    "no-store": ({"Cache-Control": "no-store"}, "Origin", None),
    "No-Store beside max-age": ({"Cache-Control": "max-age=0, No-Store"}, "Origin", None),
    "no-store and ETag": ({"Cache-Control": "no-store", "ETag": '"7"'}, "Origin", None),
    "ETag": ({"ETag": '"7"'}, "Origin", "Origin"),
    "Expires": ({"Expires": "Thu, 01 Jan 2099 00:00:00 GMT"}, "Origin", "Origin"),
    "Last-Modified": ({"Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}, "Origin", "Origin"),
    "own Vary": ({"Vary": "Accept"}, "Accept, Origin", "Accept"),
    "own Vary of two names": ({"Vary": "Cookie, Accept-Encoding"}, "Cookie, Accept-Encoding, Origin", None),
    "own Vary in lower case": ({"vary": "Accept"}, "Accept, Origin", "Accept"),
    "own Vary as a list": ({"Vary": ["Cookie", "Accept"], "ETag": '"7"'}, *["Cookie, Accept, Origin"] * 2),
    "own Vary, cacheable": ({"Vary": "Accept", "ETag": '"7"'}, *["Accept, Origin"] * 2),
    "Origin in the own Vary": ({"Vary": "Accept, Origin", "ETag": '"7"'}, *["Accept, Origin"] * 2),
    "origin in lower case": ({"Vary": "origin, Accept", "ETag": '"7"'}, *["origin, Accept"] * 2),
    "part of Origin in the own Vary": ({"Vary": "X-Origin", "ETag": '"7"'}, *["X-Origin, Origin"] * 2),
    "repeated names": ({"Vary": "Accept, ACCEPT,Cookie, accept", "ETag": '"7"'}, *["Accept, Cookie, Origin"] * 2),
    "asterisk": ({"Vary": "*", "ETag": '"7"'}, "*", "*"),
}
NAMES = {name: f"r{place}" for place, name in enumerate(RESPONSES)}


@pytest.fixture(scope="module", autouse=True)
def routes(dut):
    replies = {NAMES[name]: (name, 200, headers) for name, (headers, _, _) in RESPONSES.items()}
    with extra_routes(dut, **replies):
        yield


@pytest.mark.parametrize("name", RESPONSES)
def test_vary_names_the_origin_if_the_response_depends_on_it(policy, send, name):
    headers, listed, refused = RESPONSES[name]
    place = list(RESPONSES).index(name)
    own = headers.get("Vary", headers.get("vary"))
    if own is not None and refused is None:
        refused = own  # as the application sent it
    policy()
    target = f"/suite/{NAMES[name]}"
    expect_all(
        [
            (send("GET", target), Cors(origin=PAGE, vary=listed), 200),
            (send("GET", target, STRANGER if place % 2 else None), Cors(vary=refused), 200),
        ]
    )


# Policies whose responses are the same for all origins, and what they are.
SAME_FOR_ALL = {
    "any origin, but none is sent": ({"allowed_origins": "*"}, (None,), {"origin": "*"}),
    "any origin, with credentials": (
        {"allowed_origins": "*", "allow_credentials": True},
        (STRANGER, None),
        {"origin": "*", "credentials": "true"},
    ),
    "no origins": ({"allowed_origins": None}, (PAGE, None), {}),
}


@pytest.mark.parametrize("policy_name", SAME_FOR_ALL)
def test_vary_names_no_origin_if_the_response_is_the_same_for_all(policy, send, policy_name):
    changes, origins, cors = SAME_FOR_ALL[policy_name]
    policy(**changes)
    expect_all(
        (send("GET", f"/suite/{NAMES[name]}", origin), Cors(**cors, vary=RESPONSES[name][0].get("Vary")), 200)
        for name in ("plain", "max-age", "own Vary, cacheable")
        for origin in origins
    )


def test_vary_names_the_origin_that_any_list_sends_back(policy, send):
    policy(allowed_origins="*")
    expect_all(
        (send("GET", f"/suite/{NAMES[name]}", STRANGER), Cors(origin=STRANGER, vary=RESPONSES[name][1]), 200)
        for name in ("plain", "max-age", "own Vary", "own Vary, cacheable")
    )


def test_cached_refusal_of_a_preflight_keeps_origins_apart(policy, send_preflight):
    policy()
    target = f"/suite/{NAMES['ETag']}"
    expect_all(
        [
            (send_preflight(STRANGER, target=target), Cors(), 204),
            (send_preflight(PAGE, target=target), Cors(origin=PAGE, methods="GET", vary="Origin"), 204),
        ]
    )
