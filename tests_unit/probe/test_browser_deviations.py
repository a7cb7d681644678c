"""Where Chromium leaves the Fetch standard, to the edge; browser/test_oracle_agrees.py asks a browser the same."""

from __future__ import annotations

import re

import pytest
from camrig.probe.browser_deviations import CHROMIUM, expected
from camrig.probe.fetch_redirect import Hop
from camrig.probe.fetch_request import PageRequest

PAGE, URL = "https://page.example", "http://192.168.4.1/capture"
ALLOW = [("Access-Control-Allow-Origin", "*")]
GRANTED = (204, [*ALLOW, ("Access-Control-Allow-Headers", "*")])
NUMBERS = ("DPR", "Device-Memory", "Downlink")
LARGEST = 2**63 - 2
INTEGERS = ("Width", "Viewport-Width", "RTT")


def names(*headers, deviations=CHROMIUM):
    """The headers that a preflight asks for, or None if there is no preflight."""
    expectation = expected(PageRequest(PAGE, "GET", headers), URL, [Hop(200, ALLOW, GRANTED)], deviations)
    return next((step.names for step in expectation.steps if step.preflight), None)


def check(*headers, mode="same-origin", response=ALLOW, preflight=GRANTED, deviations=CHROMIUM):
    request = PageRequest(PAGE, "GET", headers, mode)
    return expected(request, URL, [Hop(200, response, preflight)], deviations).check


def test_each_deviation_says_its_section_and_both_answers():
    assert len({deviation.name for deviation in CHROMIUM}) == len(CHROMIUM) >= 12
    for deviation in CHROMIUM:
        assert re.match(r"(RFC 9112, )?[2-9]\.\d", deviation.section)
        assert deviation.standard != deviation.browser


@pytest.mark.parametrize(
    ("hint", "safe", "unsafe"),
    [
        *((name, ("0", "01", "1.5", "1" * 128), ("", "1.", ".5", "+1", "-1", "1e3", "1" * 129)) for name in NUMBERS),
        *((name, ("0", "01", "1" * 128), ("", "1.5", "-1", "x", "1" * 129)) for name in INTEGERS),
        ("ECT", ("slow-2g", "2g", "3g", "4g"), ("", "4G", "5g", "offline")),
        ("Save-Data", ("on", "ON", "On"), ("", "off", "on;x")),
        ("Intervention", ("", "x", "\x01", "\xff" * 128), ("x" * 129,)),
        ("Viewport-Height", (), ("1", "")),
        ("Range", (f"bytes=0-{LARGEST}", f"bytes={LARGEST}-"), (f"bytes=0-{LARGEST + 1}", f"bytes={LARGEST + 1}-")),
        ("Range", (f"bytes={'0' * 40}1-",), (f"bytes=0-{10**40}",)),
    ],
)  # fmt: skip
def test_values_that_need_no_preflight(hint, safe, unsafe):
    for value in safe:
        assert names((hint, value)) is None, value
        assert names((hint.upper(), value), ("X-A", "1")) == ("x-a",)
    for value in unsafe:
        assert names((hint, value)) == (hint.lower(),), value


def test_hints_count_as_safe_values_do():
    long = [(name, "1" * 128) for name in ("Accept", "Accept-Language", *NUMBERS, *INTEGERS)]
    assert names(*long) is None
    assert names(*long, ("Save-Data", "on")) == tuple(sorted(name.lower() for name, _ in [*long, ("Save-Data", "")]))
    assert names(*long, ("User-Agent", "x")) is None


def test_user_agent_of_a_script_is_not_sent():
    expectation = expected(PageRequest(PAGE, "GET", (("user-agent", "x"),)), URL, [Hop(200, ALLOW)])
    assert [step.request.headers for step in expectation.steps] == [()]


def test_dictionary_of_a_script_stops_the_request():
    expectation = expected(PageRequest(PAGE, "GET", (("Available-Dictionary", "x"),)), URL, [])
    assert (expectation.check.allowed, expectation.steps) == (False, ())
    assert "2.2.2" in expectation.check.reason


def test_repeated_headers_are_one_value():
    assert names(("Accept", "x" * 63), ("accept", "x" * 63)) is None
    assert names(("Accept", "x" * 64), ("accept", "x" * 63)) == ("accept",)
    assert names(("Content-Type", "text/plain"), ("Content-Type", "text/plain")) == ("content-type",)
    assert names(("Accept", "x" * 64), ("accept", "x" * 63), deviations=()) is None


@pytest.mark.parametrize(
    ("listed", "mode", "allowed"),
    [
        ("*", "same-origin", True), ("*", "omit", True), ("*", "include", False), ("x-a", "omit", False),
        ("*, authorization", "include", True), ('*, "', "omit", False),
    ],
)  # fmt: skip
def test_asterisk_covers_authorization_without_credentials(listed, mode, allowed):
    origin = [("Access-Control-Allow-Origin", PAGE), ("Access-Control-Allow-Credentials", "true")]
    preflight = (204, [*origin, ("Access-Control-Allow-Headers", listed)])
    secret = ("Authorization", "x")
    assert check(secret, mode=mode, response=origin, preflight=preflight).allowed is allowed
    assert check(secret, mode=mode, response=origin, preflight=preflight, deviations=()).allowed is (
        allowed and "authorization" in listed
    )


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ([("Access-Control-Allow-Origin ", "*")], True), ([("Access-Control-Allow-Origin\t", "*")], True),
        ([("X", "1\nAccess-Control-Allow-Origin: *")], True), ([("X", "1\rAccess-Control-Allow-Origin: *")], True),
        ([("X", "\rAccess-Control-Allow-Origin: *")], True), ([("X", "1\r Access-Control-Allow-Origin: *")], False),
        ([("Access-Control-Allow-Origin", ""), (" https", "//page.example")], True),
        ([("Access-Control-Allow-Origin", "*"), ("\tx", "y")], False), ([("X", "1\n: *")], False),
    ],
)  # fmt: skip
def test_lines_are_divided_as_chromium_does(headers, allowed):
    assert check(response=headers).allowed is allowed
    assert not check(response=headers, deviations=()).allowed or headers[0][1] == "*"


@pytest.mark.parametrize(
    ("locations", "count"),
    [(["/y"], 2), (["/y", "/y"], 2), (["/y", "/z"], 1), ([""], 1), (["", ""], 1), (["/y", ""], 1), ([" "], 1)],
)
def test_locations_that_are_alike_are_one_and_an_empty_one_is_none(locations, count):
    hop = Hop(302, [*ALLOW, *(("Location", location) for location in locations)])
    expectation = expected(PageRequest(PAGE), URL, [hop, Hop(200, ALLOW)])
    assert len(expectation.steps) == count
    assert expectation.check.allowed is (len(set(locations)) == 1)


def test_an_empty_location_that_does_not_redirect_can_be_read():
    hop = Hop(307, [*ALLOW, ("Location", ""), ("Access-Control-Expose-Headers", "*")])
    assert "location" in expected(PageRequest(PAGE, credentials="omit"), URL, [hop]).check.exposed


def test_hints_are_lost_in_a_redirect():
    kept = [("Save-Data", "on"), ("Intervention", "x"), ("Accept", "x"), ("X-A", "1")]
    lost = [("DPR", "1"), ("ECT", "x"), *((name, "1") for name in (*INTEGERS, "Device-Memory", "Downlink"))]
    hops = [Hop(302, [*ALLOW, ("Location", "/y")], GRANTED), Hop(200, ALLOW, GRANTED)]
    expectation = expected(PageRequest(PAGE, "GET", (*kept, *lost)), URL, hops)
    assert [step.names for step in expectation.steps if step.preflight] == [("ect", "x-a"), ("x-a",)]
    assert list(expectation.steps[-1].request.headers) == kept
