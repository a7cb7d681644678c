"""An origin is allowed if it is listed, character for character; every other gets no CORS header."""

from __future__ import annotations

import pytest
from cors_expectation import NOTHING, ORIGINS, PAGE, STRANGER, Cors, expect_all

pytestmark = pytest.mark.functional

WALL = ORIGINS[0]
LONGEST = "https://" + ".".join(["a" * 63] * 3 + ["b" * 53]) + ".example:65535"  # a host name of 253 characters
EVIL = "https://evil.example"
OTHER_SCHEMES = ("http", "https", "ws", "ftp", "HTTPS")
PREFIXES = ("x", "null", "*", f"{EVIL}/", f"{EVIL}?", "\x01")
SUFFIXES = (".evil.example", "/", "/path", "?", "#", "x", ".", "0", "*", ",", "null", "\\", "@evil.example", "%00")
CONTROL_CHARACTERS = ("\x00", "\x00.evil.example", "\x01", "\x7f", "\rX-Evil: 1", "\tx", "\x1b")


def look_alikes(origin: str) -> dict[str, list[str]]:
    """Origins that are not ``origin``, though it takes an exact comparison to see it, by kind."""
    scheme, _, host = origin.partition("://")
    name, _, port = host.partition(":")
    kinds = {
        "each character changed": [
            origin[:i] + ("x" if char != "x" else "y") + origin[i + 1 :] for i, char in enumerate(origin)
        ],
        "part": [origin[:-1], origin[1:], origin[:-8], f"{scheme}://", f"{scheme}:", host, origin[4:12]],
        "prefix": [
            *(prefix + origin for prefix in PREFIXES),
            *(f"{scheme}://{prefix}{host}" for prefix in ("evil", "sub.", "user@", ".")),
        ],
        "suffix": [origin + suffix for suffix in SUFFIXES],
        "control character": [origin + characters for characters in CONTROL_CHARACTERS],
        "case": [origin.upper(), origin.title(), f"{scheme.upper()}://{host}", f"{scheme}://{host.upper()}"],
        "port": [f"{scheme}://{name}{end}" for end in ("", ":443", ":80", ":8080", f":0{port or 80}", ":")],
        "scheme": [f"{other_scheme}://{host}" for other_scheme in OTHER_SCHEMES] + [f"//{host}"],
        "several": [f"{origin} {EVIL}", f"{origin}, {EVIL}", f"{EVIL},{origin}", f"{origin},{origin}", origin * 2],
    }
    return {kind: [text for text in dict.fromkeys(texts) if text not in ORIGINS] for kind, texts in kinds.items()}


def allowed(origin: str, credentials: bool = False) -> Cors:
    """What an actual request from an origin gets that is sent back."""
    return Cors(origin=origin, credentials="true" if credentials else None, vary="Origin")


def granted(cors: Cors) -> Cors:
    """The same on a preflight request for GET."""
    return Cors(**{**vars(cors), "methods": "GET"})


def alternating(send, send_preflight, origins, answers, first=0):
    """An actual request from every second origin, a preflight request from the others, and what they must get.

    Without an origin, a request with OPTIONS is not a preflight request.
    """
    rows = []
    for place, origin in enumerate(origins, first):
        cors = answers.get(origin, NOTHING)
        if place % 2 == 0:
            rows.append((send(origin=origin), cors, 200))
        elif origin:
            rows.append((send_preflight(origin), granted(cors) if cors.origin else NOTHING, 204))
        else:
            rows.append((send_preflight(origin), cors, 200))
    return rows


@pytest.mark.parametrize("kind", look_alikes(PAGE))
@pytest.mark.parametrize("origin", ORIGINS)
def test_look_alikes_of_a_listed_origin_are_refused(policy, send, send_preflight, origin, kind):
    policy()
    texts = look_alikes(origin)[kind]
    if origin != PAGE:  # a few are enough where the comparison is the same
        texts = texts[:: max(1, len(texts) // 2)]
    rows = alternating(send, send_preflight, texts, {})
    expect_all([*rows, (send_preflight(origin), granted(allowed(origin)), 204)] if origin == PAGE else rows)


# Each policy with the origins that it allows, and what is sent back for them; the others it refuses.
ORIGINS_SENT = (PAGE, STRANGER, "null", "*", "", None)
REFUSED_SENT = (PAGE, "*", None, "null")
ASTERISK = Cors(origin="*")
WITH_CREDENTIALS = Cors(origin="*", credentials="true")
ANY = {**{origin: allowed(origin) for origin in (PAGE, STRANGER, "null")}, "*": ASTERISK}
POLICIES = {
    "listed": ({}, {origin: allowed(origin) for origin in ORIGINS}),
    "listed, with credentials": (
        {"allow_credentials": True},
        {origin: allowed(origin, credentials=True) for origin in ORIGINS},
    ),
    "no origins": ({"allowed_origins": None}, {}),
    "no origins, with credentials": ({"allowed_origins": None, "allow_credentials": True}, {}),
    "empty list": ({"allowed_origins": []}, {}),
    "empty string": ({"allowed_origins": ""}, {}),
    "one string": ({"allowed_origins": PAGE}, {PAGE: allowed(PAGE)}),
    "one string with two origins": ({"allowed_origins": f"{PAGE},{WALL}"}, {}),
    "list with an asterisk": ({"allowed_origins": ["*"]}, {}),
    "list with an asterisk, with credentials": ({"allowed_origins": ["*"], "allow_credentials": True}, {}),
    "list with an asterisk and an origin": ({"allowed_origins": ["*", WALL]}, {WALL: allowed(WALL)}),
    "list with empty entries": ({"allowed_origins": ["", None, PAGE]}, {PAGE: allowed(PAGE)}),
    "list with null": ({"allowed_origins": [WALL, "null"]}, {WALL: allowed(WALL), "null": allowed("null")}),
    "null with credentials": (
        {"allowed_origins": ["null"], "allow_credentials": True},
        {"null": allowed("null", credentials=True)},
    ),
    "null as a string": ({"allowed_origins": "null"}, {"null": allowed("null")}),
    "list with repeated origins": ({"allowed_origins": [PAGE, WALL, PAGE]}, {o: allowed(o) for o in (PAGE, WALL)}),
    "origins with a slash, a path, capitals": (
        {"allowed_origins": [f"{PAGE}/", f"{WALL}/path", STRANGER.upper(), "*.example", "https://*"]},
        {},
    ),
    "any": ({"allowed_origins": "*"}, {**ANY, "": ASTERISK, None: ASTERISK}),
    "any, with credentials": (
        {"allowed_origins": "*", "allow_credentials": True},
        dict.fromkeys([*ORIGINS_SENT, WALL], WITH_CREDENTIALS),
    ),
}


@pytest.mark.parametrize("name", POLICIES)
def test_only_origins_that_the_policy_allows_are_sent_back(policy, send, send_preflight, name):
    changes, answers = POLICIES[name]
    policy(**changes)
    origins = dict.fromkeys([*answers, *(ORIGINS_SENT if answers else REFUSED_SENT)])
    rows = alternating(send, send_preflight, origins, answers, first=list(POLICIES).index(name) % 2)
    if changes.get("allowed_origins") == "*":
        rows += alternating(send, send_preflight, origins, answers, first=list(POLICIES).index(name) % 2 + 1)
    expect_all(rows)


# Pages that a careless list lets in: of developers, of local networks, of browser extensions, of files.
TRUSTED = (
    "http://localhost",
    "http://localhost:3000",
    "http://127.0.0.1:8080",
    "http://192.168.4.9",
    "http://10.0.0.7",
    "http://172.16.0.1",
    "http://panel.local",
    "http://example.com",
    "https://example.com",
    "file://",
    "moz-extension://0a1b2c",
    "chrome-extension://abcdef",
)


def test_pages_that_seem_harmless_are_refused_unless_listed(dut, policy, send, send_preflight):
    policy()
    own = "http://{}:{}".format(*dut.address)
    for first in (0, 1):
        expect_all(alternating(send, send_preflight, [*TRUSTED, own], {}, first))


def test_only_the_header_origin_names_an_origin(policy, send):
    policy()
    expect_all(
        (send(origin=origin, headers=((name, value),)), NOTHING, 200)
        for origin in (None, STRANGER)
        for name, value in (("Referer", f"{PAGE}/page"), ("X-Origin", PAGE), ("Sec-Fetch-Site", "same-origin"))
    )


def test_capitals_of_an_origin_are_sent_back_as_written(policy, send, send_preflight):
    capitals = PAGE.upper()
    for origins in ([WALL, capitals], "*"):
        policy(allowed_origins=origins)
        expect_all(alternating(send, send_preflight, [capitals, capitals], {capitals: allowed(capitals)}))


def test_last_of_a_long_list_of_origins_is_allowed(policy, send, send_preflight):
    origins = [f"https://panel-{number}.example" for number in range(40)]
    policy(allowed_origins=origins)
    answers = {origin: allowed(origin) for origin in (origins[0], origins[20], origins[-1])}
    sent = [*answers, PAGE, "https://panel-40.example", "https://panel-1"]
    expect_all(alternating(send, send_preflight, sent, answers))


def test_longest_origin_that_a_page_can_have_is_allowed(policy, send, send_preflight):
    policy(allowed_origins=[WALL, LONGEST])
    answers = {LONGEST: allowed(LONGEST)}
    sent = [LONGEST, LONGEST, LONGEST[:-1], LONGEST + "x", "https://" + "a" * 1500]
    expect_all(alternating(send, send_preflight, sent, answers))


# What no browser sends as an origin is not sent back where any origin is allowed.
STRANGE = {
    "longer than 512 characters": ["https://" + "a" * 505, "https://" + "a" * 1500],
    "control character": [PAGE + characters for characters in CONTROL_CHARACTERS],
    "not ASCII": ["https://caf\u00e9.example", "\u0141"],
    "space": [f"{PAGE} {EVIL}"],
}


@pytest.mark.parametrize("kind", STRANGE)
def test_any_origin_is_not_one_that_no_browser_sends(policy, send, send_preflight, kind):
    policy(allowed_origins="*")
    texts = STRANGE[kind]
    answers = {**dict.fromkeys(texts, ASTERISK), STRANGER: allowed(STRANGER)}
    expect_all(alternating(send, send_preflight, [*texts, STRANGER, *texts[:2]], answers))


@pytest.mark.parametrize("origin", [LONGEST, "https://" + "a" * 504], ids=["longest host name", "512 characters"])
def test_any_origin_may_be_long(policy, send, send_preflight, origin):
    policy(allowed_origins="*")
    expect_all(alternating(send, send_preflight, [origin, origin], {origin: allowed(origin)}))


def test_origins_in_turn_each_get_their_own_answer(policy, send, send_preflight):
    policy(allow_credentials=True, expose_headers=["X-Frame"])
    answers = {o: Cors(origin=o, credentials="true", expose="X-Frame", vary="Origin") for o in ORIGINS}
    origins = [*ORIGINS, STRANGER, PAGE, None, WALL, "null", PAGE, WALL]
    expect_all(alternating(send, send_preflight, origins, answers))
