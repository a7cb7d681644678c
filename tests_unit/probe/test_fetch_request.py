"""What a script can send: what is dropped in silence, what throws, and what reaches the network."""

from __future__ import annotations

from itertools import product

import pytest
from camrig.probe.fetch_cors import needs_preflight, preflight_of
from camrig.probe.fetch_request import PageRequest, decode_and_split
from hypothesis import given
from hypothesis import strategies as st

ORIGIN = "https://page.example"
FORBIDDEN = (
    "Accept-Charset Accept-Encoding Access-Control-Request-Headers Access-Control-Request-Method Connection"
    " Content-Length Cookie Cookie2 Date DNT Expect Host Keep-Alive Origin Referer Set-Cookie TE Trailer"
    " Transfer-Encoding Upgrade Via Proxy-Authorization Proxy- Sec-Fetch-Mode Sec-"
)
OVERRIDES = "X-HTTP-Method X-HTTP-Method-Override X-Method-Override"
CASES = (str.lower, str.upper, str.title, str.swapcase)
TOKEN = st.text("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1)
BYTES = st.text(st.characters(max_codepoint=0xFF, exclude_characters="\0\r\n"))


@pytest.mark.parametrize(("name", "case"), list(product(FORBIDDEN.split(), CASES)))
def test_forbidden_headers_are_dropped_and_make_no_preflight(name, case):
    request = PageRequest(ORIGIN, headers=((case(name), "1"), ("Accept", "a")))
    assert request.sent_headers == (("Accept", "a"),)
    assert not needs_preflight(request)


@pytest.mark.parametrize("name", ["X-Sec-A", "Secret", "Proxy", "Cookie3", "Dates", "User-Agent", "Vi"])
def test_headers_with_names_like_forbidden_ones_are_sent(name):
    request = PageRequest(ORIGIN, headers=((name, "1"),))
    assert dict(preflight_of(request))["Access-Control-Request-Headers"] == name.lower()


@pytest.mark.parametrize(
    ("value", "dropped"),
    [
        ("TRACE", True), ("track", True), (" Connect ", True), ("GET, trace", True), ("GET,TRACE,PUT", True),
        ("GET", False), ("TRACES", False), ("", False), ('"TRACE"', False), ('"GET, TRACE"', False),
        ('"a\\", TRACE"', False), ('"a", TRACE', True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", OVERRIDES.split())
def test_a_method_in_a_header_is_forbidden_as_the_method_is(name, value, dropped):
    request = PageRequest(ORIGIN, headers=((name, value),))
    assert (request.sent_headers == ()) is dropped
    assert needs_preflight(request) is not dropped


@pytest.mark.parametrize(
    ("method", "words"),
    [
        *((case(name), "forbidden method") for name in ("CONNECT", "TRACE", "TRACK") for case in CASES),
        *((name, "not a token") for name in ("", " ", "GET ", "GE T", "GET\n", "É", "a,b", '"GET"', "GET/")),
    ],
)
def test_a_method_that_a_script_cannot_use_throws(method, words):
    with pytest.raises(TypeError, match=words):
        PageRequest(ORIGIN, method)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        *(((name, "1"), "not a token") for name in ("", " A", "A ", "A:", "Ä", "a b", "a\n")),
        *((("X-A", value), "NUL, CR or LF") for value in ("a\0b", "a\rb", "a\nb", "\0", "a\0")),
        *((("X-A", value), "byte string") for value in ("€", "a\u0100", "\U0001f600")),
        (("Cookie", "€"), "byte string"),  # before it is dropped
    ],
)
def test_a_header_that_a_script_cannot_set_throws(header, words):
    with pytest.raises(TypeError, match=words):
        PageRequest(ORIGIN, headers=(header,))


@given(TOKEN, BYTES)
def test_other_headers_are_sent_without_white_space_around(name, value):
    for sent_name, sent in PageRequest(ORIGIN, headers=((name, f"\r\n\t {value} \n"),)).sent_headers:
        assert sent_name == name
        assert sent == value.strip("\t ")


@given(TOKEN)
def test_methods_are_sent_as_they_are_but_for_six(method):
    if method.upper() in ("CONNECT", "TRACE", "TRACK"):
        return
    sent = PageRequest(ORIGIN, method).sent_method
    assert sent == (
        method.upper() if method.upper() in ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"] else method
    )


@given(st.lists(st.text("ab c")))
def test_elements_without_quotes_are_split_at_commas(elements):
    assert decode_and_split(",".join(elements)) == [element.strip(" ") for element in elements or [""]]
