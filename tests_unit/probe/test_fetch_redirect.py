"""Redirects of a page's request: where they lead, what is sent there, and who may read the end."""

from __future__ import annotations

import pytest
from camrig.probe.fetch_redirect import MOST_REDIRECTS, Hop, check_redirects, follow, origin_of, redirect
from camrig.probe.fetch_request import PageRequest

PAGE, BOARD, OTHER = "https://page.example", "http://192.168.4.1", "http://192.168.4.2:8080"
URL = f"{BOARD}/capture"
ALLOW = ("Access-Control-Allow-Origin", PAGE)
ANY = ("Access-Control-Allow-Origin", "*")
NULL = ("Access-Control-Allow-Origin", "null")


def to(location: str, *headers: tuple[str, str], status: int = 302, preflight=None) -> Hop:
    return Hop(status, [("Location", location), *headers], preflight)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://a.example/x", "http://a.example"), ("HTTP://A.Example:80/", "http://a.example"),
        ("https://a.example:443", "https://a.example"), ("https://a.example:80/", "https://a.example:80"),
        ("http://[fe80::1]:8080/x", "http://[fe80::1]:8080"), ("http://u:p@a.example/", "http://a.example"),
    ],
)  # fmt: skip
def test_an_origin_has_no_usual_port_and_no_user(url, origin):
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/live", f"{BOARD}/live"), ("live", f"{BOARD}/live"), ("?a=1", f"{URL}?a=1"), ("", URL),
        (f" {OTHER}/x ", f"{OTHER}/x"), ("//192.168.4.2:8080/x", f"{OTHER}/x"),
    ],
)  # fmt: skip
def test_a_location_is_relative_to_the_url(location, target):
    assert redirect(PageRequest(PAGE), URL, to(location)).url == target


@pytest.mark.parametrize("status", [200, 204, 300, 304, 305, 306, 309, 404])
def test_other_statuses_do_not_redirect(status):
    assert redirect(PageRequest(PAGE), URL, to("/x", status=status)) is None
    assert redirect(PageRequest(PAGE), URL, Hop(302, [])) is None


@pytest.mark.parametrize(
    "hop",
    [
        to("ftp://192.168.4.1/x"), to("data:text/plain,x"), to("javascript:1"), to("http://u@192.168.4.1/"),
        to("http://u:p@192.168.4.1/"), to("http://:p@192.168.4.1/"), to("http://192.168.4.1:x/"), to("http://[/"),
        to("/x", ("location", "/y")),
    ],
)  # fmt: skip
def test_a_redirect_that_no_page_may_follow(hop):
    check = redirect(PageRequest(PAGE), URL, hop)
    assert not check
    assert "section 4.5" in check.reason
    assert check_redirects(PageRequest(PAGE), URL, [Hop(hop.status, [*hop.headers, ALLOW])]).reason == check.reason


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_only_some_redirects_turn_a_method_into_get(method, status):
    headers = (("Content-Type", "text/plain"), ("X-A", "1"))
    sent = redirect(PageRequest(PAGE, method, headers), URL, to("/x", status=status)).request
    turned = {301: method == "POST", 302: method == "POST", 303: method not in ("GET", "HEAD")}.get(status, False)
    assert sent.method == ("GET" if turned else method)
    assert sent.headers == (headers[1:] if turned else headers)


@pytest.mark.parametrize(
    ("origin", "location", "expected"),
    [(PAGE, "/x", PAGE), (PAGE, OTHER, "null"), (BOARD, OTHER, BOARD), (PAGE, PAGE, "null"), ("null", OTHER, "null")],
)
def test_a_second_change_of_origin_taints_the_origin(origin, location, expected):
    headers = (("Authorization", "Bearer x"), ("X-A", "1"))
    sent = redirect(PageRequest(origin, headers=headers), URL, to(location)).request
    assert sent.origin == expected
    assert (headers[0] in sent.headers) == (location == "/x")
    assert headers[1] in sent.headers


@pytest.mark.parametrize(
    ("hops", "allowed"),
    [
        ([to("/x", ALLOW), Hop(200, [ALLOW])], True),
        ([to("/x"), Hop(200, [ALLOW])], False),
        ([to("/x", ALLOW), Hop(200, [])], False),
        ([to(OTHER, ALLOW), Hop(200, [ALLOW])], False),
        ([to(OTHER, ALLOW), Hop(200, [NULL])], True),
        ([to(OTHER, ANY), Hop(200, [ANY])], True),
        ([to(OTHER, ALLOW), to(URL, NULL), Hop(200, [ALLOW])], False),
        ([to(OTHER, ALLOW), to(URL, NULL), Hop(200, [NULL])], True),
        ([to("/x", ALLOW), Hop(407, [ALLOW])], False),
        ([*[to("/x", ALLOW)] * MOST_REDIRECTS, Hop(200, [ALLOW])], True),
        ([*[to("/x", ALLOW)] * (MOST_REDIRECTS + 1), Hop(200, [ALLOW])], False),
    ],
)
def test_every_hop_is_checked(hops, allowed):
    assert check_redirects(PageRequest(PAGE), URL, hops).allowed is allowed


def test_every_hop_has_a_preflight_of_its_own():
    request = PageRequest(PAGE, "PUT")
    granted = (204, [ALLOW, ("Access-Control-Allow-Methods", "PUT")])
    for_null = (204, [NULL, ("Access-Control-Allow-Methods", "PUT")])
    first = to(OTHER, ALLOW, status=307, preflight=granted)
    assert check_redirects(request, URL, [first, Hop(200, [NULL], for_null)])
    assert "7" in check_redirects(request, URL, [first, Hop(200, [NULL], granted)]).reason
    with pytest.raises(ValueError, match="preflight"):
        check_redirects(request, URL, [first, Hop(200, [NULL])])
    seen = to("/x", ALLOW, status=303, preflight=granted)
    assert check_redirects(request, URL, [seen, Hop(200, [ALLOW])])  # a GET by then


def test_hops_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="missing"):
        check_redirects(PageRequest(PAGE), URL, [to("/x", ALLOW)])
    with pytest.raises(ValueError, match="does not redirect"):
        check_redirects(PageRequest(PAGE), URL, [Hop(200, [ALLOW]), Hop(200, [ALLOW])])


@pytest.mark.parametrize("status", [0, 100, 101, 103, 199])
def test_an_interim_response_is_not_one(status):
    check, steps = follow(PageRequest(PAGE), URL, [Hop(status, [ALLOW])])
    assert not check
    assert "section 4.7" in check.reason
    assert [step.preflight for step in steps] == [False]


def test_a_misdirected_request_is_sent_twice():
    preflight = (421, [ALLOW])
    assert [step.preflight for step in follow(PageRequest(PAGE, "PUT"), URL, [Hop(200, [ALLOW], preflight)])[1]] == [
        True
    ] * 2
    check, steps = follow(PageRequest(PAGE), URL, [Hop(421, [ALLOW])])
    assert check
    assert [step.preflight for step in steps] == [False] * 2


def test_each_step_has_its_request_its_url_and_the_names_it_asks_for():
    granted = (204, [ALLOW, ("Access-Control-Allow-Headers", "x-a, x-b")])
    null = (204, [NULL, ("Access-Control-Allow-Headers", "x-a")])
    request = PageRequest(PAGE, "GET", (("X-B", "1"), ("X-A", "1")))
    _, steps = follow(request, URL, [to(f"{OTHER}/x", ALLOW, preflight=granted), Hop(200, [NULL], null)])
    shown = [(step.preflight, step.url, step.request.origin, step.names) for step in steps]
    names = ("x-a", "x-b")
    assert shown == [(True, URL, PAGE, names), (False, URL, PAGE, ()), (True, f"{OTHER}/x", "null", names)]
