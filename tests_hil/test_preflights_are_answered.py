"""A preflight request is granted the method and the headers that the policy lists, and no others."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from cors_expectation import NOTHING, ORIGINS, PAGE, STRANGER, Cors, expect_all, expect_cors

pytestmark = pytest.mark.functional

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
TOKEN = "!#$%&'*+-.^_`|~09azAZ"  # every kind of character that a name may have
NOT_IN_A_TOKEN = '"(),/:;<=>?@[\\]{}\x01\x1f\x7f'
LISTED_METHODS = ["get", "PUT", "Patch", "X-Focus"]
LISTED_HEADERS = ["X-Frame", "content-type", "AUTHORIZATION", "x_zoom"]
EVERYTHING = {
    "allow_credentials": True,
    "allowed_methods": LISTED_METHODS,
    "expose_headers": ["X-Frame", "Content-Length"],
    "allowed_headers": LISTED_HEADERS,
    "max_age": 600,
}
ALLOWED = Cors(origin=PAGE, vary="Origin")
ALLOWED_WITH_EVERYTHING = replace(ALLOWED, credentials="true", expose="X-Frame, Content-Length")


def names(number: int, prefix: str = "x-") -> str:
    return ",".join(f"{prefix}{place}" for place in range(number))


@dataclass(frozen=True)
class Row:
    """A preflight request from PAGE, and what it is granted; ``methods`` None: the method is refused."""

    method: str = "GET"
    names: str | None = None
    methods: str | None = None
    headers: str | None = None
    policy: dict[str, Any] = field(default_factory=dict)


def granted(method: str, sent: str | None, headers: str | None, **policy: Any) -> Row:
    """A preflight request for a method, granted as it is written."""
    return Row(method, sent, method, headers, policy)


def as_sent(sent: str, **policy: Any) -> Row:
    """A preflight request for names that are all granted, as they are written."""
    return granted("GET", sent, sent, **policy)


ANY_METHOD = {
    **{f"{method}": granted(method, None, None) for method in METHODS},
    **{f"{method.lower()} in lower case": Row(method.lower(), methods=method) for method in METHODS},
    "Put with one capital": Row("Put", methods="PUT"),
    **{f"{method} as written": granted(method, None, None) for method in ("PATCH", "patch", "Patch", "PROPFIND")},
    **{f"{method} as written": granted(method, None, None) for method in ("propfind", "GETS", "get-it", "trace")},
    "every character of a token": granted(TOKEN, None, None),
    "long method": granted("M" * 300, None, None),
}
NO_METHOD = {
    **{f"method with {char!r}": Row(f"PU{char}T") for char in NOT_IN_A_TOKEN[::2] + " "},
    "methods in a list": Row("GET, PUT"),
    "method with a line end": Row("PUT\rX-Evil: 1"),
    "method that is not ASCII": Row("P\u00dcT"),
}
LISTED_METHOD = {
    **{f"{sent} is {method}": Row(sent, None, method) for sent, method in (("GET", "GET"), ("get", "GET"))},
    **{f"{sent} is {method}": Row(sent, None, method) for sent, method in (("PUT", "PUT"), ("put", "PUT"))},
    **{f"{method} as written": granted(method, None, None) for method in ("PATCH", "patch", "pAtCh", "x-focus")},
    **{f"{method}, unlisted": Row(method, "x-frame") for method in ("POST", "DELETE", "HEAD", "OPTIONS", "delete")},
    **{f"{method}, like a listed one": Row(method) for method in ("GE", "G", "ET", "GETS", "XGET", "PATC", "FOCUS")},
    "two listed methods": Row("GET, PUT"),
    "asterisk": Row("*"),
    "listed method with a space": Row("GET PUT"),
}
ANY_HEADER = {
    "none": granted("GET", None, None),
    "empty": granted("GET", "", None),
    "one": as_sent("x-frame"),
    "several": as_sent("authorization,content-type,x-frame"),
    "unsorted": as_sent("x-two,x-one,x-three"),
    "capitals": as_sent("X-Two,x-ONE"),
    "spaces": as_sent("x-two, x-one, x-three"),
    "repeated": as_sent("x-one,x-one,X-One"),
    "every character of a token": as_sent(f"{TOKEN},x-one"),
    "asterisk": as_sent("*"),
    "long name": as_sent("x-" + "n" * 400 + ",x-one"),
    "63 names": as_sent(names(63)),
    "64 names": as_sent(names(64)),
    "64 long names": as_sent(names(64, "x-long-name-of-a-header-")),
    "65 names": granted("GET", names(65), None),
    "300 names": granted("GET", names(300), None),
    "66 names, most of them empty": granted("GET", "x-one" + "," * 65, None),
    "name with a space": granted("GET", "bad name, x-good", "x-good"),
    "name that is not ASCII": granted("GET", "x-good, caf\u00e9", "x-good"),
    "name with a line end": granted("GET", "x-good,x-bad\rX-Evil: 1", "x-good"),
    "name with NUL": granted("GET", "x-one,x\x00two,x-three", "x-one, x-three"),
    "empty names": granted("GET", ",x-one,,\t,x-two", "x-one, x-two"),
    "all bad": granted("GET", "bad name,(comment)", None),
    "each bad character": granted(
        "GET",
        "x-first," + ",".join(f"a{char}b" for char in NOT_IN_A_TOKEN if char != ",") + ",x-last",
        "x-first, x-last",
    ),
}
LISTED_HEADER = {
    "none": granted("GET", None, None),
    "empty": granted("GET", "", None),
    "one": as_sent("x-frame"),
    "last of the list": as_sent("x_zoom"),
    "all": granted(
        "GET", "authorization,content-type,x-frame,x_zoom", "authorization, content-type, x-frame, x_zoom"
    ),
    "order of the request": granted(
        "GET", "x-frame,authorization,content-type", "x-frame, authorization, content-type"
    ),
    "case of the request": granted(
        "GET", "X-FRAME,Content-Type,authorization", "X-FRAME, Content-Type, authorization"
    ),
    "odd spacing": granted(
        "GET", " x-frame ,\tcontent-type,, ,authorization\t", "x-frame, content-type, authorization"
    ),
    "subset": granted("GET", "content-type,x-other,X-Frame", "content-type, X-Frame"),
    "unlisted first": granted("GET", "accept-x,x-frame", "x-frame"),
    "unlisted only": granted("GET", "x-other", None),
    "look-alikes": granted("GET", "x-fram,-frame,x-frames,xx-frame,x-frame-2,x-framé,content,type,x-zoom,_", None),
    "asterisk": granted("GET", "*", None),
    "asterisk and a listed name": granted("GET", "*,x-frame", "x-frame"),
    "64 names": granted("GET", names(63) + ",x-frame", "x-frame"),
    "65 names": granted("GET", names(64) + ",x-frame", None),
    "300 names": granted("GET", "x-frame," + names(300), None),
    "65 commas": granted("GET", "x-frame" + "," * 65, None),
    "listed name and a bad one": granted("GET", "x-frame,x-fra me,x-frame;q=1", "x-frame"),
    "name with a line end": granted("GET", "x-frame,x-frame\rX-Evil: 1", "x-frame"),
}
LISTS = {
    "asterisk in the list of methods": Row("PUT", policy={"allowed_methods": ["*"]}),
    "no methods": Row("GET", "x-frame", policy={"allowed_methods": []}),
    "one method as a string": granted("PUT", None, None, allowed_methods="PUT"),
    "part of one method as a string": Row("U", policy={"allowed_methods": "PUT"}),
    "two methods as one string": Row("PUT", policy={"allowed_methods": "GET,PUT"}),
    "asterisk in the list of headers": granted("GET", "x-frame", None, allowed_headers=["*"]),
    "requested asterisk and a list with one": granted("GET", "x-frame,*", None, allowed_headers=["*"]),
    "no headers": granted("GET", "x-frame", None, allowed_headers=[]),
    "usual headers, unlisted": granted(
        "POST", "accept,authorization,content-type,range,x-frame", "x-frame", allowed_headers=["x-frame"]
    ),
    "one header as a string": granted("GET", "x-one,X-Frame", "X-Frame", allowed_headers="x-frame"),
    "part of one header as a string": granted("GET", "x,frame,-", None, allowed_headers="x-frame"),
    "two headers as one string": granted("GET", "x-one,x-two", None, allowed_headers="x-one,x-two"),
    "repeated names in the lists": granted(
        "PUT", "x-one", "x-one", allowed_methods=["PUT", "put"], allowed_headers=["x-one", "X-One"]
    ),
    "list of 100 headers": granted("GET", "x-99,x-100", "x-99", allowed_headers=names(100).split(",")),
    "long names, in a list": granted("GET", "x-" + "n" * 200, "x-" + "n" * 200, allowed_headers=["X-" + "N" * 200]),
}


def table(*parts: tuple[str, dict[str, Row], dict[str, Any]]):
    """The rows of all parts, each with the policy of its part, named in words."""
    return [
        pytest.param(replace(row, policy={**policy, **row.policy}), id=f"{title}: {name}")
        for title, rows, policy in parts
        for name, row in rows.items()
    ]


@pytest.mark.parametrize(
    "row",
    table(
        ("any method", ANY_METHOD, {}),
        ("not a method", NO_METHOD, {"max_age": 600}),
        ("listed methods", LISTED_METHOD, {"allowed_methods": LISTED_METHODS, "max_age": 600}),
    ),
)
def test_method_is_granted_if_the_policy_has_it(policy, send_preflight, row):
    check(policy, send_preflight, row)


@pytest.mark.parametrize(
    "row",
    table(
        ("any header", ANY_HEADER, {}),
        ("listed headers", LISTED_HEADER, {"allowed_headers": LISTED_HEADERS}),
    ),
)
def test_headers_are_granted_if_the_policy_has_them(policy, send_preflight, row):
    check(policy, send_preflight, row)


@pytest.mark.parametrize("row", table(("lists", LISTS, {})))
def test_lists_are_compared_name_by_name(policy, send_preflight, row):
    check(policy, send_preflight, row)


def check(policy, send_preflight, row):
    policy(**row.policy)
    max_age = row.policy.get("max_age") if row.methods else None
    cors = replace(ALLOWED, methods=row.methods, headers=row.headers, max_age=max_age and str(max_age))
    expect_cors(send_preflight(PAGE, row.method, row.names), cors, 204)


def test_refused_method_keeps_only_origin_credentials_and_exposed_headers(policy, send_preflight):
    policy(**EVERYTHING)
    expect_all(
        (send_preflight(PAGE, method, headers), ALLOWED_WITH_EVERYTHING, 204)
        for method in ("DELETE", "delete", "GE T", "TRACE")
        for headers in (None, "x-frame,content-type")
    )


def test_refused_origin_gets_nothing_of_a_full_policy(policy, send_preflight):
    policy(**EVERYTHING)
    expect_all(
        (send_preflight(origin, method, "x-frame"), NOTHING, 204)
        for origin in (STRANGER, "null", f"{PAGE}/")
        for method in ("GET", "DELETE")
    )


def test_each_preflight_gets_its_own_answer(policy, send_preflight):
    """One after the other, so that nothing of an answer may be left from the one before."""
    policy(**EVERYTHING)
    rows = []
    for origin in (PAGE, ORIGINS[0], STRANGER):
        for method, sent, headers in (
            ("GET", "x-frame", "x-frame"),
            ("GET", None, None),
            ("GET", "x-frame", "x-frame"),
            ("PUT", "x-frame", "x-frame"),
            ("PUT", "content-type", "content-type"),
            ("DELETE", "content-type", None),
            ("PUT", "X-Frame", "X-Frame"),
            ("patch", "x-other", None),
        ):
            cors = NOTHING
            if origin != STRANGER:
                cors = replace(ALLOWED_WITH_EVERYTHING, origin=origin)
            if origin != STRANGER and method != "DELETE":
                cors = replace(cors, methods=method, headers=headers, max_age="600")
            rows.append((send_preflight(origin, method, sent), cors, 204))
    expect_all(rows)


@pytest.mark.parametrize(
    ("max_age", "sent"),
    [(None, None), (0, "0"), (1, "1"), (86400, "86400"), (-600, "0")],
    ids=["not set", "zero", "one second", "a day", "negative"],
)
def test_max_age_is_sent_on_granted_preflights_only(policy, send, send_preflight, max_age, sent):
    policy(max_age=max_age, allowed_methods=["GET"])
    expect_all(
        [
            (send_preflight(), replace(ALLOWED, methods="GET", max_age=sent), 204),
            (send_preflight(names="x-one"), replace(ALLOWED, methods="GET", headers="x-one", max_age=sent), 204),
            (send_preflight(method="PUT"), ALLOWED, 204),
            (send("OPTIONS"), ALLOWED, 200),
            (send(), ALLOWED, 200),
        ]
    )


@pytest.mark.parametrize(
    ("exposed", "sent"),
    [(None, None), ([], None), (["X-Frame"], "X-Frame"), (["X-Frame", "content-length"], "X-Frame, content-length")],
    ids=["not set", "no headers", "one header", "two headers"],
)
def test_exposed_headers_are_sent_as_listed(policy, send, send_preflight, exposed, sent):
    policy(expose_headers=exposed)
    cors = replace(ALLOWED, expose=sent)
    expect_all(
        [
            (send(), cors, 200),
            (send("OPTIONS"), cors, 200),
            (send_preflight(), replace(cors, methods="GET"), 204),
            (send(origin=STRANGER), NOTHING, 200),
            (send_preflight(STRANGER), NOTHING, 204),
        ]
    )


@pytest.mark.parametrize("status", [204, 200], ids="{}".format)
def test_preflight_status_can_be_set(policy, send, send_preflight, status):
    policy(preflight_status=status, allowed_methods=["GET"])
    expect_all(
        [
            (send_preflight(), replace(ALLOWED, methods="GET"), status),
            (send_preflight(method="PUT"), ALLOWED, status),
            (send_preflight(STRANGER), NOTHING, status),
            (send_preflight(target="/nowhere"), replace(ALLOWED, methods="GET"), status),
            (send("OPTIONS"), ALLOWED, 200),
            (send_preflight(None), NOTHING, 200),
            (send(), ALLOWED, 200),
        ]
    )


def test_answer_to_a_preflight_has_no_body(policy, send_preflight):
    policy()
    for origin in (PAGE, STRANGER):
        response = send_preflight(origin).response
        assert (response.status, response.reason, response.body) == (204, "No Content", b"")
        assert response.header("Content-Length") is None


@pytest.mark.parametrize("credentials", [False, True], ids=["without credentials", "with credentials"])
def test_options_without_a_requested_method_is_not_a_preflight(policy, send, credentials):
    policy(**{**EVERYTHING, "allow_credentials": credentials})
    cors = replace(ALLOWED_WITH_EVERYTHING, credentials="true" if credentials else None)
    names_only = (("Access-Control-Request-Headers", "x-frame"),)
    rows = [
        (send("OPTIONS"), cors, 200),
        (send("OPTIONS", headers=names_only), cors, 200),
        (send("OPTIONS", headers=(("Access-Control-Request-Method", ""), *names_only)), cors, 200),
        (send("OPTIONS", origin=STRANGER), NOTHING, 200),
        (send("OPTIONS", origin=None), NOTHING, 200),
        (send("OPTIONS", origin=None, headers=(("Access-Control-Request-Method", "GET"), *names_only)), NOTHING, 200),
    ]
    expect_all(rows)
    for exchange, _, _ in rows:
        allow = (exchange.response.header("Allow") or "").replace(" ", "").split(",")
        assert sorted(allow) == ["GET", "HEAD", "OPTIONS"]


def test_other_methods_with_a_requested_method_are_not_preflights(policy, send):
    policy(**EVERYTHING)
    sent = (("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", "x-frame"))
    expect_all(
        [
            (send("GET", headers=sent), ALLOWED_WITH_EVERYTHING, 200),
            (send("HEAD", headers=sent), ALLOWED_WITH_EVERYTHING, 200),
            (send("POST", headers=sent), ALLOWED_WITH_EVERYTHING, 405),
            (send("GET", origin=STRANGER, headers=sent), NOTHING, 200),
        ]
    )


@pytest.mark.parametrize("headers", ["Private-Network", "Local-Network"])
def test_private_network_access_is_never_granted(policy, send, send_preflight, headers):
    policy()
    sent = ((f"Access-Control-Request-{headers}", "true"),)
    expect_all(
        [
            (send_preflight(headers=sent), replace(ALLOWED, methods="GET"), 204),
            (send_preflight(STRANGER, headers=sent), NOTHING, 204),
            (send(headers=sent), ALLOWED, 200),
        ]
    )


def test_names_of_request_headers_may_be_in_any_case(policy, send):
    policy(**EVERYTHING)
    cors = replace(ALLOWED_WITH_EVERYTHING, methods="PUT", headers="x-frame", max_age="600")
    fields = (
        ("origin", PAGE),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "x-frame"),
    )
    capitals = tuple((name.upper(), value) for name, value in fields)
    expect_all(
        [
            *((send("OPTIONS", origin=None, headers=sent), cors, 204) for sent in (fields, capitals)),
            *((send(origin=None, headers=sent[:1]), ALLOWED_WITH_EVERYTHING, 200) for sent in (fields, capitals)),
        ]
    )


@pytest.mark.parametrize("target", ["/capture", "/stream", "/nowhere"])
def test_every_path_answers_preflights(policy, send_preflight, target):
    policy(**EVERYTHING)
    cors = replace(ALLOWED_WITH_EVERYTHING, methods="PUT", headers="x-frame", max_age="600")
    expect_all(
        [
            (send_preflight(PAGE, "PUT", "x-frame", target), cors, 204),
            (send_preflight(STRANGER, "PUT", "x-frame", target), NOTHING, 204),
        ]
    )
