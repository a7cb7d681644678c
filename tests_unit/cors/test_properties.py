"""Random policies against random requests: what must hold for all, by the CORS check of the Fetch standard."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from camrig.probe.fetch_cors import (
    PageRequest,
    check_exchange,
    check_preflight,
    cors_check,
    needs_preflight,
    preflight_of,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from microdot import Microdot
from microdot.cors import CORS
from microdot.microdot import NoCaseDict, Request
from wire import Answer, exchange, request_bytes

STEADY = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ORIGINS = [
    "https://a.example",
    "https://b.example:8443",
    "http://localhost:3000",
    "null",
    "https://a.example.evil.org",
]
NAMES = ["X-A", "x-b", "X-Frame-Size", "Authorization", "Content-Type"]
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "patch", "put", "SNAP"]

policies = st.fixed_dictionaries(
    {
        "allowed_origins": st.one_of(st.none(), st.just("*"), st.lists(st.sampled_from(ORIGINS), max_size=3)),
        "allow_credentials": st.booleans(),
        "allowed_methods": st.none() | st.lists(st.sampled_from(METHODS), max_size=4),
        "expose_headers": st.none() | st.lists(st.sampled_from(["X-E", "X-F"]), max_size=2, unique=True),
        "allowed_headers": st.none() | st.lists(st.sampled_from(NAMES), max_size=4),
        "max_age": st.none() | st.integers(-5, 10_000),
    }
)
pages = st.builds(
    PageRequest,
    origin=st.sampled_from(ORIGINS),
    method=st.sampled_from(METHODS),
    headers=st.lists(st.tuples(st.sampled_from(NAMES), st.just("text/x")), max_size=3).map(tuple),
    credentials=st.sampled_from(["omit", "include"]),
)
# Anything that survives a line of HTTP: no line feed, and no blanks at the ends.
line = st.text(st.characters(blacklist_characters="\n", blacklist_categories=("Cs",)), max_size=40).map(str.strip)
hostile = st.lists(
    st.tuples(
        st.sampled_from(["Origin", "Access-Control-Request-Method", "access-control-request-headers"]),
        line | st.sampled_from([*ORIGINS, *METHODS, "x-a,x-b", "*", "x-a,,\tx-b", "a b"]),
    ),
    max_size=4,
)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def serve(policy: dict[str, Any]) -> tuple[Microdot, CORS]:
    app = Microdot()
    cors = CORS(app, **policy)

    @app.route("/", methods=[*METHODS, "get"])
    async def index(request: Any) -> str:
        return "index"

    return app, cors


def ask(loop: asyncio.AbstractEventLoop, app: Microdot, method: str, headers: list[tuple[str, str]]) -> Answer:
    return loop.run_until_complete(exchange(app, request_bytes(method, "/", headers)))


def granted_by(policy: dict[str, Any], page: PageRequest) -> bool:
    """What the policy means, written down once more."""
    origins = policy["allowed_origins"]
    if origins == "*":
        if page.credentials == "include":
            return False
    elif page.origin not in (origins or []) or (page.credentials == "include" and not policy["allow_credentials"]):
        return False
    if not needs_preflight(page):
        return True
    methods = policy["allowed_methods"]
    if methods is not None and page.sent_method.upper() not in [method.upper() for method in methods]:
        return False
    names = policy["allowed_headers"]
    unsafe = dict(preflight_of(page)).get("Access-Control-Request-Headers", "")
    wanted = [name for name in unsafe.split(",") if name]
    return names is None or all(name in [known.lower() for known in names] for name in wanted)


@STEADY
@given(policy=policies, page=pages)
def test_a_browser_allows_what_the_policy_allows(
    loop: asyncio.AbstractEventLoop, policy: dict[str, Any], page: PageRequest
) -> None:
    app, _ = serve(policy)
    preflight = ask(loop, app, "OPTIONS", preflight_of(page))
    assert preflight.status == 204
    response = ask(loop, app, page.sent_method, [("Origin", page.origin)])
    check = check_exchange(page, response.headers, (preflight.status, preflight.headers))
    assert check.allowed == granted_by(policy, page), check.reason
    if check.allowed:
        assert {name.lower() for name in policy["expose_headers"] or []} >= set(check.exposed) - {
            "content-length",
            "content-type",
        }
        if needs_preflight(page) and policy["max_age"] is not None:
            kept = check_preflight(page, preflight.status, preflight.headers).max_age
            assert kept == min(7200, max(0, policy["max_age"]))


@STEADY
@given(policy=policies, headers=hostile, method=st.sampled_from(["GET", "OPTIONS", "SNAP"]))
def test_whatever_a_client_sends_is_answered_within_the_policy(
    loop: asyncio.AbstractEventLoop, policy: dict[str, Any], headers: list[tuple[str, str]], method: str
) -> None:
    app, _ = serve(policy)
    answer = ask(loop, app, method, headers)
    headers_sent = answer.cors()
    assert all(isinstance(value, str) for value in headers_sent.values()), "a header was sent twice"
    own = {name: value for name, value in headers_sent.items() if name != "vary"}
    assert not own or "allow-origin" in own
    for value in headers_sent.values():
        assert all(" " <= char <= "~" for char in value), "an unprintable character was sent back"
    if policy["allowed_origins"] == "*" and policy["allow_credentials"]:
        assert own["allow-origin"] == "*"
    elif policy["allowed_origins"] != "*" and own:
        assert own["allow-origin"] in policy["allowed_origins"]
    if headers_sent.get("allow-origin", "*") != "*":
        assert headers_sent["vary"] == "Origin"
    if method != "OPTIONS":
        assert not {"allow-methods", "allow-headers", "max-age"} & set(own)
    assert "allow-methods" in own or not {"allow-headers", "max-age"} & set(own)


@STEADY
@given(policy=policies, headers=hostile, method=st.sampled_from(["GET", "OPTIONS"]))
def test_manual_headers_equal_the_hook(
    loop: asyncio.AbstractEventLoop, policy: dict[str, Any], headers: list[tuple[str, str]], method: str
) -> None:
    app, cors = serve(policy)
    seen: list[dict[str, str]] = []

    @app.after_error_request
    @app.after_request
    async def look(request: Any, response: Any) -> None:
        seen.append(cors.get_cors_headers(request))

    answer = ask(loop, app, method, headers)
    sent = {name: value for name, value in answer.headers if name.lower().startswith("access-control-")}
    assert seen == [sent]


@STEADY
@given(first=policies, second=policies, page=pages, in_place=st.booleans())
def test_a_changed_policy_equals_a_fresh_one(
    loop: asyncio.AbstractEventLoop,
    first: dict[str, Any],
    second: dict[str, Any],
    page: PageRequest,
    in_place: bool,
) -> None:
    app, cors = serve(first)
    fresh, _ = serve(second)
    requests = [("OPTIONS", preflight_of(page)), (page.sent_method, [("Origin", page.origin)])]
    for method, headers in requests:
        ask(loop, app, method, headers)
    for name, value in second.items():
        current = getattr(cors, name)
        if in_place and isinstance(current, list) and isinstance(value, list):
            current[:] = value
        else:
            setattr(cors, name, value)
    for method, headers in requests:
        assert ask(loop, app, method, headers).headers == ask(loop, fresh, method, headers).headers


@STEADY
@given(
    listed=st.sampled_from(
        [
            ("allowed_origins", ORIGINS[0]),
            ("expose_headers", "X-E"),
            ("allowed_headers", "x-a"),
            ("allowed_methods", "PUT"),
        ]
    ),
    steps=st.lists(st.tuples(st.booleans(), st.sampled_from([0, 1, None]), st.booleans()), min_size=40, max_size=80),
)
def test_nothing_is_kept_of_an_earlier_policy(
    listed: tuple[str, str], steps: list[tuple[bool, int | None, bool]]
) -> None:
    name, entry = listed
    policy: dict[str, Any] = {"allowed_origins": [ORIGINS[0]], "expose_headers": ["X-F"], "allowed_headers": ["x-b"]}
    cors = CORS(**policy)

    def found(cors: CORS) -> dict[str, str]:
        headers = {"Origin": ORIGINS[0], "Access-Control-Request-Method": "PUT"}
        headers["Access-Control-Request-Headers"] = "x-a,x-b"
        answer: dict[str, str] = cors.get_cors_headers(
            Request(None, None, "OPTIONS", "/", "1.1", NoCaseDict(headers))
        )
        return answer

    for in_place, length, is_compared in steps:
        value = None if length is None else [entry] * length
        current = getattr(cors, name)
        if in_place and isinstance(current, list) and value is not None:
            current[:] = value
        else:
            setattr(cors, name, value)
        assert not is_compared or found(cors) == found(CORS(**{**policy, name: value}))


@STEADY
@given(entry=st.sampled_from(ORIGINS), cut=st.integers(0, 40), suffix=st.sampled_from(["", "/", ".evil.org", ":1"]))
def test_only_the_whole_origin_matches(loop: asyncio.AbstractEventLoop, entry: str, cut: int, suffix: str) -> None:
    origin = entry[cut:] + suffix
    for allowed in (entry, [entry]):
        app, _ = serve({"allowed_origins": allowed})
        answer = ask(loop, app, "GET", [("Origin", origin)])
        assert cors_check(PageRequest(origin or "null"), answer.headers).allowed == (origin == entry)
