"""What is remembered of answers to preflights, for whom and how long, by the Fetch standard and in Chromium."""

from __future__ import annotations

import pytest
from camrig.probe.browser_deviations import CHROMIUM, expected, new_memory
from camrig.probe.fetch_redirect import Hop, Memory
from camrig.probe.fetch_request import PageRequest
from camrig.probe.preflight_cache import PreflightCache

PAGE, URL = "https://page.example", "http://192.168.4.1/capture"
ALLOW = [("Access-Control-Allow-Origin", PAGE), ("Access-Control-Allow-Credentials", "true")]


def put(mode="same-origin", origin=PAGE, method="PUT", headers=()):
    return PageRequest(origin, method, headers, mode)


def hop(*, age="600", methods="PUT", names="x-a", allow=ALLOW, preflight=ALLOW):
    fields = [("Access-Control-Allow-Methods", methods), ("Access-Control-Allow-Headers", names)]
    return Hop(200, allow, (204, [*preflight, *fields, ("Access-Control-Max-Age", age)]))


def preflights(memory: Memory, *requests, url=URL, answer=None, deviations=()):
    """Whether each request has a preflight; one that does is answered."""
    expectations = [expected(request, url, [answer or hop()], deviations, memory) for request in requests]
    return [any(step.preflight for step in expectation.steps) for expectation in expectations]


def test_without_a_memory_each_request_has_its_preflight():
    assert [len(expected(put(), URL, [hop()]).steps) for _ in range(2)] == [2, 2]


@pytest.mark.parametrize(("age", "seconds"), [("600", 600), ("", 5), ("-1", 5), ("0", 0), ("9999999", 7200)])
def test_an_answer_is_kept_for_its_age(age, seconds):
    memory = Memory(PreflightCache())
    assert preflights(memory, put(), answer=hop(age=age)) == [True]
    for memory.now, is_kept in ((seconds - 0.1, seconds > 0), (seconds, False)):
        if seconds or memory.now >= 0:
            assert preflights(memory, put(), answer=hop(age="0")) == [not is_kept]


def test_an_answer_is_for_its_origin_url_and_what_it_lists():
    memory = Memory(PreflightCache())
    preflights(memory, put())
    assert preflights(memory, put(), put(headers=(("X-A", "1"),))) == [False, False]
    for url in (f"{URL}#part", f"{URL}?x"):
        assert preflights(memory, put(), url=url) == [True]
    for request in (put(method="DELETE"), put(headers=(("X-B", "1"),)), put(origin="null")):
        assert preflights(memory, request) == [True]


def test_an_answer_with_credentials_is_for_those_without_too():
    for first, second, has_preflight in (("include", "omit", False), ("omit", "include", True)):
        memory = Memory(PreflightCache())
        assert preflights(memory, put(first), put(second)) == [True, has_preflight]


def test_an_asterisk_covers_all_but_authorization():
    memory = Memory(PreflightCache())
    preflights(memory, put(), answer=hop(methods="*", names="*"))
    assert preflights(memory, put(method="X", headers=(("X-Z", "1"),)), answer=hop(age="0")) == [False]
    assert preflights(memory, put(headers=(("Authorization", "x"),)), answer=hop(age="0")) == [True]


def test_an_asterisk_with_credentials_stands_for_itself():
    memory = Memory(PreflightCache())
    star = hop(methods="*, PUT", age="600")
    assert preflights(memory, put("include"), put("include", method="*"), answer=star) == [True, False]
    assert preflights(memory, put("include", method="DELETE"), put("omit", method="DELETE"), answer=star) == [
        True,
        True,
    ]


def test_answers_add_up_by_the_standard_and_not_in_chromium():
    for deviations, has_preflight in (((), False), (CHROMIUM, True)):
        memory = new_memory(deviations)
        preflights(memory, put(), deviations=deviations)
        preflights(memory, put(method="DELETE"), answer=hop(methods="DELETE"), deviations=deviations)
        assert preflights(memory, put(), deviations=deviations) == [has_preflight]


def test_chromium_forgets_an_answer_that_does_not_cover_a_request():
    for deviations, has_preflight in (((), False), (CHROMIUM, True)):
        memory = new_memory(deviations)
        memory.forgets = False
        preflights(memory, put(), deviations=deviations)
        assert not expected(put(method="DELETE"), URL, [hop(methods="GET")], deviations, memory).check
        assert preflights(memory, put(), deviations=deviations) == [has_preflight]


@pytest.mark.parametrize("failure", [hop(allow=[]), Hop(407, ALLOW, None)])
def test_a_failure_empties_the_cache_by_the_standard_and_not_in_chromium(failure):
    for deviations, has_preflight in (((), True), (CHROMIUM, False)):
        memory = new_memory(deviations)
        preflights(memory, put(), deviations=deviations)
        assert not expected(put(), URL, [failure], deviations, memory).check
        assert preflights(memory, put(), deviations=deviations) == [has_preflight]


def test_conditions_pass_by_the_cache_in_chromium():
    for deviations, has_preflight in (((), False), (CHROMIUM, True)):
        request = put(headers=(("If-None-Match", "x"),))
        memory, answer = new_memory(deviations), hop(names="if-none-match")
        assert preflights(memory, request, request, answer=answer, deviations=deviations) == [True, has_preflight]


def test_chromium_keeps_nothing_for_the_origin_null():
    allow = [("Access-Control-Allow-Origin", "null")]
    for deviations, has_preflight in (((), False), (CHROMIUM, True)):
        memory = new_memory(deviations)
        answer = hop(allow=allow, preflight=allow)
        requests = [put(origin="null")] * 2
        assert preflights(memory, *requests, answer=answer, deviations=deviations) == [True, has_preflight]


@pytest.mark.parametrize(("location", "passes"), [("http://192.168.4.2/x", True), ("/x", False)])
def test_chromium_uses_no_cache_once_a_redirect_has_tainted_the_origin(location, passes):
    """By the standard a second redirect to the same URL finds the answer to the preflight of the first."""
    fields = [("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Methods", "PUT")]
    answer = 204, fields

    def to(location):
        return Hop(307, [*fields, ("Location", location)], answer)

    hops = [to(location), to(location), Hop(200, fields, answer)]
    for deviations, count in (((), 2), (CHROMIUM, 3 if passes else 2)):
        memory = new_memory(deviations)
        steps = expected(put("omit"), URL, hops, deviations, memory).steps
        assert sum(step.preflight for step in steps) == count
        later = expected(put("omit"), URL, hops, deviations, memory).steps
        assert sum(step.preflight for step in later) == (count - 1 if passes and deviations else 0)
