"""Which layer keeps a page away, and whether the line to write into the policy is the right one."""

from __future__ import annotations

import asyncio
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from camrig.probe.fetch_cors import needs_preflight, preflight_of
from camrig.redaction import presentable
from camrig.view.features import OWN_HEADER, STATUS, Feature, features
from camrig.view.layers import BLOCKED, NOTE, OPEN, UNTRIED, Line, cure, lines
from camrig.view.observation import Observation, Outcome
from camrig.view.reading import Answer, Judgement, Reading, judge
from hypothesis import given
from hypothesis import strategies as st
from microdot import Microdot
from microdot.test_client import TestClient

LIBRARY = Path(__file__).parent.parent.parent / "lib" / "microdot" / "cors.py"
ORIGIN, URL = "http://localhost:8090", "http://192.168.1.20:8080"
KEYS = [feature.key for feature in features(ORIGIN)]
YES, NO = Outcome(True, "200"), Outcome(False, "TypeError: Failed to fetch")
FINE = {key: Judgement(True, 200) for key in KEYS}
STATES = (OPEN, BLOCKED, NOTE, UNTRIED)


def reading(**changes: Any) -> Reading:
    values = {"url": URL, "space": "local", "milliseconds": 5.0, "status": {}, "judgements": FINE}
    return Reading(**{**values, **changes})


def seen(reached: Outcome = YES, **changes: Any) -> Observation:
    values = {"secure": True, "protocol": "http:", "outcomes": dict.fromkeys(KEYS, YES)}
    return Observation(reached=reached, **{**values, **changes})


def by_key(read: Reading, observed: Observation, origin: str = ORIGIN) -> dict[str, Line]:
    return {line.key: line for line in lines(origin, read, observed)}


@cache
def library() -> Any:
    spec = importlib.util.spec_from_file_location("cors_of_lib", LIBRARY)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answers_of(policy: dict[str, Any]) -> Any:
    """What the CORS library of this repository answers with this policy: a function of a feature."""
    app = Microdot()
    library().CORS(app, **policy)
    app.get(STATUS)(lambda request: {})
    app.get("/capture")(lambda request: "jpeg")
    app.get("/stream")(lambda request: "parts")

    def ask(method: str, path: str, headers: list[tuple[str, str]]) -> Answer:
        response = asyncio.run(TestClient(app).request(method, path, headers=dict(headers)))
        return Answer(response.status_code, list(response.headers.items()), b"", 1.0)

    def answer(feature: Feature) -> tuple[Answer | None, Answer]:
        request = feature.request
        preflight = ask("OPTIONS", feature.path, preflight_of(request)) if needs_preflight(request) else None
        return preflight, ask("GET", feature.path, [("Origin", request.origin)])

    return answer


POLICIES = st.fixed_dictionaries(
    {
        "allowed_origins": st.sampled_from([None, [], "*", ["http://localhost:1"], [ORIGIN]]),
        "allowed_methods": st.sampled_from([None, [], ["GET"], ["PUT"]]),
        "allowed_headers": st.sampled_from([None, [], ["X-Other"], [OWN_HEADER]]),
        "allow_credentials": st.booleans(),
    }
)


@given(POLICIES, st.sampled_from(features(ORIGIN)))
def test_what_the_page_says_to_write_lets_it_in(policy, feature):
    codes = []
    while not (judgement := judge(feature, *answers_of(policy)(feature))).allowed:
        advice, code = cure(judgement, feature, ORIGIN)
        assert advice
        assert code not in codes, f"{code} did not help: {judgement}"
        codes.append(code)
        policy = {**policy, **eval(f"dict({code})")}
    assert len(codes) <= 3


TEXTS = st.text(max_size=20)
OUTCOMES = st.builds(Outcome, st.booleans(), TEXTS)
PERMISSION_STATES = st.sampled_from(["granted", "denied", "prompt", "unknown", "x"])


@given(
    st.builds(
        Reading,
        url=st.sampled_from([URL, "http://localhost:1", "http://[::1]:80"]),
        space=st.sampled_from(["loopback", "local", "public", "unknown"]),
        error=TEXTS,
        milliseconds=st.floats(0, 1e6),
        status=st.recursive(
            st.none() | st.integers() | TEXTS, lambda inner: st.dictionaries(TEXTS, inner), max_leaves=5
        ),
        cookies=st.lists(TEXTS, max_size=3).map(tuple),
        judgements=st.dictionaries(
            st.sampled_from(KEYS),
            st.builds(
                Judgement, st.booleans(), st.integers(0, 999), st.sampled_from(["", "origins", "silent", "x"]), TEXTS
            ),
        ),
    ),
    st.builds(
        Observation,
        secure=st.booleans(),
        protocol=st.sampled_from(["http:", "https:", ""]),
        reached=OUTCOMES,
        permissions=st.dictionaries(
            st.sampled_from(["local-network", "loopback-network", "local-network-access"]), PERMISSION_STATES
        ),
        outcomes=st.dictionaries(st.sampled_from(KEYS), OUTCOMES),
        loopback=st.none() | st.booleans(),
    ),
)
def test_each_layer_has_a_line_that_follows_the_browser(read, observed):
    layers = lines(ORIGIN, read, observed)
    assert [line.key for line in layers] == [
        *("reachable", "local-network", "mixed-content"),
        *(f"cors-{key}" for key in KEYS if key != "credentials"),
        *("cookies", "sockets"),
    ]
    for line in layers:
        assert line.state in STATES
        assert presentable(line.text) == line.text
        if line.key.startswith("cors-"):
            key = line.key.removeprefix("cors-")
            assert (line.state == OPEN) >= observed.outcomes.get(key, NO).ok
            assert line.state != BLOCKED or observed.reached.ok
    advice = [(line.advice, line.code) for line in layers if line.advice]
    assert len(advice) == len(set(advice))
    assert layers[0].state == (OPEN if observed.reached.ok else BLOCKED)


@pytest.mark.parametrize(
    ("loopback", "permissions", "blames"),
    [
        (True, {"local-network": "prompt", "loopback-network": "prompt"}, False),
        (True, {"local-network": "denied", "loopback-network": "denied"}, False),
        (True, {"local-network-access": "prompt"}, False),
        (True, {}, False),
        (True, {"local-network": "denied", "loopback-network": "granted"}, True),
        (False, {"local-network": "denied", "loopback-network": "denied"}, True),
        (None, {"local-network": "denied"}, True),
    ],
)
def test_a_permission_is_not_to_blame_where_none_is_needed(loopback, permissions, blames):
    """A page that reaches this computer without a permission has an address of it, and every other space is open."""
    layers = by_key(reading(), seen(NO, permissions=permissions, outcomes={}, loopback=loopback))
    assert (layers["local-network"].state == BLOCKED) == blames
    assert layers["reachable"].state == BLOCKED
    assert ("proxy" in layers["reachable"].advice) != blames


def test_a_page_that_nothing_blocks_is_given_no_code():
    layers = lines(ORIGIN, reading(status={"sockets": {"used": 2, "most": 6}}), seen())
    assert {line.key: line.state for line in layers if line.state != OPEN} == {"cookies": NOTE}
    assert not any(line.code for line in layers)
    assert "2 of 6" in layers[-1].text


@pytest.mark.parametrize(
    ("space", "permissions", "secure", "protocol", "blocked", "words"),
    [
        ("local", {"local-network": "denied"}, True, "http:", "local-network", "local-network is denied"),
        ("local", {"local-network": "prompt"}, True, "https:", "local-network", "not granted yet"),
        ("loopback", {"loopback-network": "denied"}, True, "http:", "local-network", "loopback-network is denied"),
        ("local", {"local-network-access": "denied"}, True, "https:", "local-network", "local-network-access"),
        (
            "loopback",
            {"local-network": "prompt", "loopback-network": "denied"},
            *(True, "http:", "local-network", "loopback-network is denied"),
        ),
        ("local", {}, False, "http:", "local-network", "not a secure context"),
        ("local", {"local-network": "granted"}, True, "https:", "mixed-content", "the board is http"),
        ("public", {}, True, "https:", "mixed-content", "the board is http"),
    ],
)
def test_what_keeps_the_browser_from_a_board_is_named(space, permissions, secure, protocol, blocked, words):
    observed = seen(NO, permissions=permissions, secure=secure, protocol=protocol, outcomes={})
    layers = by_key(reading(space=space), observed)
    assert {key for key, line in layers.items() if line.state == BLOCKED} == {"reachable", blocked}
    assert words in layers[blocked].text
    assert layers[blocked].advice
    assert "this computer reaches the board" in layers["reachable"].text
    assert {layers[f"cors-{key}"].state for key in KEYS if key != "credentials"} == {UNTRIED}


def test_a_browser_kept_away_by_nothing_known_is_sent_to_its_own_settings():
    observed = seen(NO, permissions={"local-network": "granted"}, outcomes={})
    layers = by_key(reading(), observed)
    assert "proxy" in layers["reachable"].advice
    assert layers["local-network"].state == UNTRIED


def test_loopback_is_never_mixed_content():
    layers = by_key(reading(space="loopback"), seen(NO, protocol="https:", outcomes={}))
    assert {key for key, line in layers.items() if line.state == BLOCKED} == {"reachable"}


def test_a_board_that_is_off_is_not_blamed_on_the_browser():
    layers = by_key(
        reading(error="refused", status=None, judgements={}),
        seen(NO, permissions={"local-network": "denied"}, outcomes={}),
    )
    assert layers["reachable"].state == BLOCKED
    assert "nothing reaches the board: refused" in layers["reachable"].text
    assert {line.state for key, line in layers.items() if key not in ("reachable", "mixed-content")} == {UNTRIED}


def test_a_missing_route_and_a_missing_picture_are_said():
    judgements = {**FINE, "stream": Judgement(True, 404), "picture": Judgement(True, 503)}
    observed = seen(outcomes={**dict.fromkeys(KEYS, YES), "picture": NO})
    layers = by_key(reading(judgements=judgements), observed)
    assert (layers["cors-stream"].state, layers["cors-stream"].advice) == (OPEN, "this application has no /stream")
    assert (layers["cors-picture"].state, layers["cors-picture"].advice) == (
        NOTE,
        "the camera has no picture: see its status",
    )


def test_a_request_that_was_not_sent_is_judged_by_its_preflight():
    observed = seen(outcomes={key: YES for key in KEYS if key != "put"})
    assert "was not sent" in by_key(reading(), observed)["cors-put"].text


def test_a_browser_that_refuses_what_the_headers_allow_is_quoted():
    layers = by_key(reading(), seen(outcomes={**dict.fromkeys(KEYS, YES), "status": NO}))
    assert layers["cors-status"].state == BLOCKED
    assert "Failed to fetch" in layers["cors-status"].text


def test_all_sockets_in_use_are_a_cross():
    layers = by_key(reading(status={"sockets": {"used": 6, "most": 6}}), seen())
    assert layers["sockets"].state == BLOCKED


def test_cookies_of_a_board_are_named_without_their_values():
    layers = by_key(reading(cookies=("session=hunter2; HttpOnly",)), seen())
    assert layers["cookies"].state == BLOCKED
    assert "session: SameSite=Lax by default" in layers["cookies"].text
    assert "hunter2" not in str(layers)


def test_cookies_that_may_come_need_a_policy_with_credentials():
    judgements = {**FINE, "credentials": Judgement(False, 200, "credentials", "CORS check, step 8")}
    url = "http://localhost:8080"
    refused = seen(outcomes={**dict.fromkeys(KEYS, YES), "credentials": NO})
    layers = by_key(reading(url=url, cookies=("a=b",), judgements=judgements), refused)
    assert (layers["cookies"].state, layers["cookies"].code) == (BLOCKED, "allow_credentials=True")
    assert by_key(reading(url=url, cookies=("a=b",)), seen())["cookies"].state == OPEN
