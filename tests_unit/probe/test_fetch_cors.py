"""The CORS check on examples worked out from the Fetch standard, without a server."""

from __future__ import annotations

import pytest
from camrig.probe.fetch_cors import (
    DEFAULT_MAX_AGE,
    MAX_AGE_LIMIT,
    PageRequest,
    check_exchange,
    check_preflight,
    check_response,
    cors_check,
    exposed_names,
    extract_max_age,
    is_safelisted_header,
    needs_preflight,
    preflight_of,
    unsafe_header_names,
)

ORIGIN = "https://page.example"
ALLOW = ("Access-Control-Allow-Origin", ORIGIN)
CREDENTIALS = ("Access-Control-Allow-Credentials", "true")


@pytest.mark.parametrize(
    ("headers", "credentials", "allowed", "step"),
    [
        ([], "omit", False, "step 2"),
        ([ALLOW], "omit", True, "step 5"),
        ([ALLOW], "same-origin", True, "step 5"),
        ([("access-control-allow-origin", f" {ORIGIN}\t")], "omit", True, "step 5"),
        ([("Access-Control-Allow-Origin", "*")], "omit", True, "step 3"),
        ([("Access-Control-Allow-Origin", "*"), CREDENTIALS], "include", False, "step 4"),
        ([("Access-Control-Allow-Origin", ORIGIN + "/")], "omit", False, "step 4"),
        ([("Access-Control-Allow-Origin", ORIGIN.upper())], "omit", False, "step 4"),
        ([ALLOW, ALLOW], "omit", False, "step 4"),
        ([("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Origin", "*")], "omit", False, "step 4"),
        ([("Access-Control-Allow-Origin", "")], "omit", False, "step 4"),
        ([("Access-Control-Allow-Origin", "null")], "omit", False, "step 4"),
        ([ALLOW], "include", False, "step 8"),
        ([ALLOW, CREDENTIALS], "include", True, "step 7"),
        ([ALLOW, ("Access-Control-Allow-Credentials", "True")], "include", False, "step 8"),
        ([ALLOW, CREDENTIALS, CREDENTIALS], "include", False, "step 8"),
    ],
)
def test_cors_check_decides_at_the_step_of_the_standard(
    headers: list[tuple[str, str]], credentials: str, allowed: bool, step: str
) -> None:
    check = cors_check(PageRequest(ORIGIN, credentials=credentials), headers)
    assert (check.allowed, bool(check)) == (allowed, allowed)
    assert step in check.reason


def test_null_origin_matches_null() -> None:
    assert cors_check(PageRequest("null"), [("Access-Control-Allow-Origin", "null")])


METHODS = "Access-Control-Allow-Methods"
HEADERS = "Access-Control-Allow-Headers"
X_A = (("X-A", "1"),)
TOKEN = (("Authorization", "Bearer x"),)


@pytest.mark.parametrize(
    ("request_", "status", "headers", "allowed", "step"),
    [
        (PageRequest(ORIGIN, "PUT"), 204, [ALLOW, (METHODS, "PUT")], True, "allowed"),
        (PageRequest(ORIGIN, "put"), 204, [ALLOW, (METHODS, "PUT")], True, "allowed"),
        (PageRequest(ORIGIN, "PUT"), 299, [ALLOW, (METHODS, "PUT")], True, "allowed"),
        (PageRequest(ORIGIN, "PUT"), 302, [ALLOW, (METHODS, "PUT")], False, "302"),
        (PageRequest(ORIGIN, "PUT"), 404, [ALLOW, (METHODS, "PUT")], False, "404"),
        (PageRequest(ORIGIN, "PUT"), 204, [(METHODS, "PUT")], False, "step 2"),
        (PageRequest(ORIGIN, "PUT"), 204, [ALLOW], False, "step 7.5"),
        (PageRequest(ORIGIN, "PUT"), 204, [ALLOW, (METHODS, "put")], False, "step 7.5"),
        (PageRequest(ORIGIN, "patch"), 204, [ALLOW, (METHODS, "PATCH")], False, "step 7.5"),
        (PageRequest(ORIGIN, "patch"), 204, [ALLOW, (METHODS, "patch")], True, "allowed"),
        (PageRequest(ORIGIN, "PUT"), 204, [ALLOW, (METHODS, "GET"), (METHODS, "PUT")], True, "allowed"),
        (PageRequest(ORIGIN, "PUT"), 204, [ALLOW, (METHODS, " ,PUT,, ")], True, "allowed"),
        (PageRequest(ORIGIN, "PUT"), 204, [ALLOW, (METHODS, "PUT DELETE")], False, "step 7.3"),
        (PageRequest(ORIGIN, "PUT"), 204, [ALLOW, (METHODS, '"PUT"')], False, "step 7.3"),
        (PageRequest(ORIGIN, "PUT"), 204, [ALLOW, (METHODS, "*")], True, "allowed"),
        (
            PageRequest(ORIGIN, "PUT", credentials="include"),
            204,
            [ALLOW, CREDENTIALS, (METHODS, "*")],
            False,
            "step 7.5",
        ),
        (PageRequest(ORIGIN, "POST", X_A), 204, [ALLOW], False, "step 7.7"),
        (PageRequest(ORIGIN, "POST", X_A), 204, [ALLOW, (HEADERS, "x-b, x-a")], True, "allowed"),
        (PageRequest(ORIGIN, "POST", X_A), 204, [ALLOW, (HEADERS, "*")], True, "allowed"),
        (PageRequest(ORIGIN, "POST", X_A), 204, [ALLOW, (HEADERS, "x-a x-b")], False, "step 7.3"),
        (
            PageRequest(ORIGIN, "POST", X_A, "include"),
            204,
            [ALLOW, CREDENTIALS, (HEADERS, "*")],
            False,
            "step 7.7",
        ),
        (PageRequest(ORIGIN, "GET", TOKEN), 204, [ALLOW, (HEADERS, "*")], False, "step 7.6"),
        (PageRequest(ORIGIN, "GET", TOKEN), 204, [ALLOW, (HEADERS, "*, authorization")], True, "allowed"),
    ],
)
def test_preflight_check_decides_at_the_step_of_the_standard(
    request_: PageRequest, status: int, headers: list[tuple[str, str]], allowed: bool, step: str
) -> None:
    check = check_preflight(request_, status, headers)
    assert check.allowed is allowed
    assert step in check.reason


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ([], DEFAULT_MAX_AGE),
        (["0"], 0),
        (["600"], 600),
        (["0000000600"], 600),
        ([" 600 "], 600),
        (["-1"], DEFAULT_MAX_AGE),
        (["6.5"], DEFAULT_MAX_AGE),
        ([""], DEFAULT_MAX_AGE),
        (["٣"], DEFAULT_MAX_AGE),
        (["600", "600"], DEFAULT_MAX_AGE),
        (["99999999"], MAX_AGE_LIMIT),
        (["9" * 6000], MAX_AGE_LIMIT),
    ],
)
def test_max_age_is_read_as_the_standard_says(values: list[str], seconds: int) -> None:
    assert extract_max_age([("access-control-max-age", value) for value in values]) == seconds


@pytest.mark.parametrize(
    ("name", "value", "safe"),
    [
        ("Accept", "text/html", True),
        ("Accept", "a" * 128, True),
        ("Accept", "a" * 129, False),
        ("Accept", "é" * 128, True),
        ("Accept", "é" * 129, False),
        ("Accept", 'a"b', False),
        ("Accept", "a\tb", True),
        ("Accept-Language", "en-GB,de;q=0.5", True),
        ("Content-Language", "en_GB", False),
        ("Content-Type", "Text/Plain; charset=utf-8", True),
        ("Content-Type", "application/json", False),
        ("Content-Type", "text/plain; x={", False),
        ("Range", "bytes=0-", True),
        ("Range", "bytes=5-9", True),
        ("Range", "bytes=9-5", False),
        ("Range", "bytes=-5", False),
        ("X-A", "1", False),
    ],
)
def test_header_is_safelisted_by_name_and_value(name: str, value: str, safe: bool) -> None:
    assert is_safelisted_header(name, value) is safe


def test_safelisted_headers_are_unsafe_above_1024_bytes_together() -> None:
    fields = [(name, "a" * 128) for name in ("Accept", "Accept-Language", "Content-Language") for _ in range(3)]
    assert unsafe_header_names(fields[:8]) == ()
    assert unsafe_header_names([*fields, ("X-A", "1")]) == (
        "accept",
        "accept-language",
        "content-language",
        "x-a",
    )


def test_preflight_has_the_method_and_the_unsafe_header_names() -> None:
    request = PageRequest(ORIGIN, "put", (("X-B", "1"), ("x-a", "1"), ("Accept", "a"), ("X-b", "2")))
    sent = dict(preflight_of(request))
    assert sent["Access-Control-Request-Method"] == "PUT"
    assert sent["Access-Control-Request-Headers"] == "x-a,x-b"
    assert sent["Origin"] == ORIGIN
    assert "Access-Control-Request-Headers" not in dict(preflight_of(PageRequest(ORIGIN, "PUT")))
    assert not needs_preflight(PageRequest(ORIGIN, "post", (("Content-Type", "text/plain"),)))
    assert needs_preflight(PageRequest(ORIGIN, "patch"))


def test_page_reads_safelisted_and_exposed_headers() -> None:
    headers = [
        ("Content-Type", "a"),
        ("X-A", "1"),
        ("X-B", "1"),
        ("Set-Cookie", "x"),
        ("Access-Control-Expose-Headers", "x-a, Set-Cookie"),
    ]
    assert exposed_names(PageRequest(ORIGIN), headers) == ("content-type", "x-a")
    headers[-1] = ("Access-Control-Expose-Headers", "*")
    assert "x-b" in exposed_names(PageRequest(ORIGIN), headers)
    assert "set-cookie" not in exposed_names(PageRequest(ORIGIN), headers)
    assert exposed_names(PageRequest(ORIGIN, credentials="include"), headers) == ("content-type",)
    headers[-1] = ("Access-Control-Expose-Headers", "x-a x-b")
    assert exposed_names(PageRequest(ORIGIN), headers) == ("content-type",)
    assert check_response(PageRequest(ORIGIN), headers).exposed == ()
    assert check_response(PageRequest(ORIGIN), [*headers, ALLOW]).exposed == ("content-type",)


def test_a_status_for_proxies_is_never_read() -> None:
    assert not check_exchange(PageRequest(ORIGIN), [ALLOW], status=407)
    assert all(
        check_exchange(PageRequest(ORIGIN), [ALLOW], status=status) for status in (200, 401, 404, 406, 408, 500)
    )


def test_exchange_needs_the_preflight_and_the_response_allowed() -> None:
    request = PageRequest(ORIGIN, "PUT")
    assert check_exchange(request, [ALLOW], (204, [ALLOW, (METHODS, "PUT")]))
    assert "7.5" in check_exchange(request, [ALLOW], (204, [ALLOW])).reason
    assert "step 2" in check_exchange(request, [], (204, [ALLOW, (METHODS, "PUT")])).reason
    assert check_exchange(PageRequest(ORIGIN), [ALLOW])
    with pytest.raises(ValueError, match="preflight"):
        check_exchange(request, [ALLOW])
